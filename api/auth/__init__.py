"""Who is calling, and what they may do. Keys are made and revoked in `api/workspaces`."""
