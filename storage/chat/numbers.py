"""The order of a conversation, and of everything: numbers that are given out one at a time."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Text, cast, func, update
from sqlalchemy.sql.selectable import CTE

from storage.tables import ConversationRow

THIS_TRANSACTION: Final = cast(cast(func.pg_current_xact_id(), Text), BigInteger)
"""The number of the running transaction."""

OLDEST_RUNNING: Final = cast(
    cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text), BigInteger
)
"""What older transactions did is visible, for good."""


def next_number(
    conversation_id: UUID | ColumnElement[UUID], *unless: ColumnElement[bool], **changes: Any
) -> CTE:
    """Takes the conversation's next number: (id, last_seq), no row where a condition fails.

    The conversation stays locked until the transaction ends: number 8 commits after number 7.
    """
    return (
        update(ConversationRow)
        .where(ConversationRow.id == conversation_id, *unless)
        .values(last_seq=ConversationRow.last_seq + 1, changed_in=THIS_TRANSACTION, **changes)
        .returning(ConversationRow.id, ConversationRow.last_seq)
        .cte("numbered")
    )
