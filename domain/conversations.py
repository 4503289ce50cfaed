"""Conversations: their kinds, what happens in them, and how large they may be."""

from enum import StrEnum
from typing import Final


class ConversationKind(StrEnum):
    """Between two people, for good, or among many who come and go."""

    DIRECT = "direct"
    GROUP = "group"


class MemberRole(StrEnum):
    """What a member may do: owners name the group and choose its members."""

    OWNER = "owner"
    MEMBER = "member"


class ChatEventKind(StrEnum):
    """What happens in a conversation; each event has the next number of its conversation."""

    MESSAGE_SENT = "message_sent"
    MESSAGE_EDITED = "message_edited"
    MESSAGE_DELETED = "message_deleted"
    REACTION_ADDED = "reaction_added"
    REACTION_REMOVED = "reaction_removed"
    MEMBERS_ADDED = "members_added"
    MEMBER_LEFT = "member_left"
    RENAMED = "renamed"
    RECEIPT = "receipt"
    """How far a member has received and read; a later one of the member replaces it."""


class Presence(StrEnum):
    """Whether somebody is there, over all of their sockets."""

    ONLINE = "online"
    AWAY = "away"
    OFFLINE = "offline"


MEMBERS_AT_MOST: Final = 500
TEXT_AT_MOST: Final = 4_000
"""Characters of one message."""
MEDIA_AT_MOST: Final = 10
EMOJI_PER_MESSAGE: Final = 20
"""Different reactions to one message."""
RECEIPTS_TOLD_UP_TO: Final = 50
"""Members of a conversation in which receipts are events: each is told to all, so their number
grows with the square. In larger ones how far everybody has read is kept, and can be asked for."""
