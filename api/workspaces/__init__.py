"""The caller's own workspace and its API keys."""
