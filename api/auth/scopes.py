"""What an API key may do."""

from enum import StrEnum


class Scope(StrEnum):
    """One permission."""

    POSTS_READ = "posts:read"
    POSTS_WRITE = "posts:write"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    MEDIA_READ = "media:read"
    MEDIA_WRITE = "media:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"


ALL_SCOPES: frozenset[Scope] = frozenset(Scope)
"""What a workspace's first key may do."""
