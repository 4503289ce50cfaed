"""What a caller may do in a workspace."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from domain.roles import WorkspaceRole


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
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"


ALL_SCOPES: Final[frozenset[Scope]] = frozenset(Scope)
"""What a workspace's first key, its owners and its admins may do."""

_LOOKING: Final = frozenset(
    {Scope.POSTS_READ, Scope.ACCOUNTS_READ, Scope.MEDIA_READ, Scope.MEMBERS_READ}
)
_EDITING: Final = _LOOKING | {Scope.POSTS_WRITE, Scope.MEDIA_WRITE}

SCOPES_OF_ROLE: Final[Mapping[WorkspaceRole, frozenset[Scope]]] = {
    WorkspaceRole.OWNER: ALL_SCOPES,
    WorkspaceRole.ADMIN: ALL_SCOPES,
    WorkspaceRole.EDITOR: _EDITING,
    WorkspaceRole.VIEWER: _LOOKING,
}
"""What a member may do. Only owners make, change and remove owners: `api/members` sees to it."""
