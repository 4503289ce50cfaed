"""Bluesky: posts in a repository of the AT Protocol."""
