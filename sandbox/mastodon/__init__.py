"""One Mastodon instance."""
