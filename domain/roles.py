"""What people are, on the whole and in one workspace."""

from enum import StrEnum


class UserRole(StrEnum):
    """What a user may do to others' things."""

    USER = "user"
    MODERATOR = "moderator"
    ADMIN = "admin"


class WorkspaceRole(StrEnum):
    """What a member may do in a workspace, from everything to looking on."""

    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"
