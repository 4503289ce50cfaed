"""Who is calling, by API key or access token, and what they may do.

Keys are made and revoked in `api/workspaces`; users sign in and out in `api/sessions`.
"""
