"""Mastodon: statuses on any instance."""
