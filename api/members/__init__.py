"""Members of a workspace: adding, inviting, roles, and the workspaces of a user."""
