"""A personal data server of the AT Protocol, as Bluesky runs it."""
