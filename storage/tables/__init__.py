"""Every table, one file for each noun. Each index says which query needs it."""

from storage.tables.accounts import AccountRow
from storage.tables.base import Table
from storage.tables.deliveries import AttemptRow, DeliveryRow, DepartureRow, PaceRow, TimelineRow
from storage.tables.feed import FeedPostRow
from storage.tables.idempotency import IdempotencyKeyRow
from storage.tables.media import MediaRow
from storage.tables.outbox import OutboxRow
from storage.tables.posts import PostRevisionRow, PostRow
from storage.tables.users import UserRow
from storage.tables.workspaces import ApiKeyRow, WorkspaceRow

__all__ = [
    "AccountRow",
    "ApiKeyRow",
    "AttemptRow",
    "DeliveryRow",
    "DepartureRow",
    "FeedPostRow",
    "IdempotencyKeyRow",
    "MediaRow",
    "OutboxRow",
    "PaceRow",
    "PostRevisionRow",
    "PostRow",
    "Table",
    "TimelineRow",
    "UserRow",
    "WorkspaceRow",
]
