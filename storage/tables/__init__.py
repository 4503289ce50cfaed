"""Every table, one file for each noun. Each index says which query needs it."""

from storage.tables.accounts import AccountRow
from storage.tables.base import Table
from storage.tables.batches import BatchRow
from storage.tables.chat import (
    ChatEventRow,
    ConversationMemberRow,
    ConversationRow,
    LastSeenRow,
    MessageRow,
    PresenceRow,
    ReactionRow,
    SocketProcessRow,
)
from storage.tables.deliveries import (
    AttemptRow,
    DeliveryRow,
    DepartureRow,
    PaceRow,
    TimelineRow,
)
from storage.tables.feed import (
    BlockRow,
    FeedBookmarkRow,
    FeedCommentRow,
    FeedEntryRow,
    FeedHashtagRow,
    FeedHashtagTrendRow,
    FeedLikeRow,
    FeedModerationRow,
    FeedPostRow,
    FeedPostTrendRow,
    FeedProfileRow,
    FollowRow,
    HomeEntryRow,
    MuteRow,
)
from storage.tables.idempotency import IdempotencyKeyRow, UserIdempotencyKeyRow
from storage.tables.jobs import JobRow
from storage.tables.limits import AccountLimitRow
from storage.tables.marketplace import (
    FavouriteRow,
    ListingContactRow,
    ListingImageRow,
    ListingRow,
)
from storage.tables.media import MediaRow, MediaUploadRow, PictureRow
from storage.tables.moderation import (
    AuditRow,
    ReportCaseRow,
    ReportRow,
    SuspendedDeliveryRow,
)
from storage.tables.notifications import (
    NotificationActorRow,
    NotificationCauseRow,
    NotificationPreferenceRow,
    NotificationRow,
)
from storage.tables.outbox import OutboxRow
from storage.tables.posts import PostRevisionRow, PostRow
from storage.tables.switches import CircuitRow, DrainRow, HeldDeliveryRow, SwitchRow
from storage.tables.users import PasswordResetRow, RefreshTokenRow, SessionRow, UserRow
from storage.tables.workspaces import ApiKeyRow, InvitationRow, MembershipRow, WorkspaceRow

__all__ = [
    "AccountLimitRow",
    "AccountRow",
    "ApiKeyRow",
    "AttemptRow",
    "AuditRow",
    "BatchRow",
    "BlockRow",
    "ChatEventRow",
    "CircuitRow",
    "ConversationMemberRow",
    "ConversationRow",
    "DeliveryRow",
    "DepartureRow",
    "DrainRow",
    "FavouriteRow",
    "FeedBookmarkRow",
    "FeedCommentRow",
    "FeedEntryRow",
    "FeedHashtagRow",
    "FeedHashtagTrendRow",
    "FeedLikeRow",
    "FeedModerationRow",
    "FeedPostRow",
    "FeedPostTrendRow",
    "FeedProfileRow",
    "FollowRow",
    "HeldDeliveryRow",
    "HomeEntryRow",
    "IdempotencyKeyRow",
    "InvitationRow",
    "JobRow",
    "LastSeenRow",
    "ListingContactRow",
    "ListingImageRow",
    "ListingRow",
    "MediaRow",
    "MediaUploadRow",
    "MembershipRow",
    "MessageRow",
    "MuteRow",
    "NotificationActorRow",
    "NotificationCauseRow",
    "NotificationPreferenceRow",
    "NotificationRow",
    "OutboxRow",
    "PaceRow",
    "PasswordResetRow",
    "PictureRow",
    "PostRevisionRow",
    "PostRow",
    "PresenceRow",
    "ReactionRow",
    "RefreshTokenRow",
    "ReportCaseRow",
    "ReportRow",
    "SessionRow",
    "SocketProcessRow",
    "SuspendedDeliveryRow",
    "SwitchRow",
    "Table",
    "TimelineRow",
    "UserIdempotencyKeyRow",
    "UserRow",
    "WorkspaceRow",
]
