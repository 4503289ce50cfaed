"""A message is sent: by one statement, however much belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import (
    CTE,
    ColumnElement,
    Interval,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.asyncio import AsyncSession

from domain.conversations import ChatEventKind
from domain.notifications import NotificationKind, SubjectType
from storage.chat.conversations import blocked
from storage.chat.messages import Message
from storage.chat.numbers import THIS_TRANSACTION
from storage.jobs import JobKind
from storage.notifications.deciding import GATHERED, news
from storage.tables import (
    ChatEventRow,
    ConversationMemberRow,
    ConversationRow,
    JobRow,
    MessageRow,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewMessage:
    """What somebody is about to say."""

    id: UUID
    conversation_id: UUID
    sender_id: UUID
    client_id: str
    text: str
    media_ids: Sequence[UUID]
    reply_to: UUID | None


async def say(connection: asyncpg.Connection, new: NewMessage) -> Message | None:
    """Send it as the conversation's next event, and have the others notified.

    None when it was not sent: the sender may not, or the client id is taken, or the conversation
    went on while the statement waited for it. The last cannot be in a transaction that locked the
    conversation before (`say_within`); otherwise the statement is the transaction.
    """
    told = news(
        NotificationKind.MESSAGE,
        actor_id=new.sender_id,
        subject_type=SubjectType.CONVERSATION,
        cause_id=new.id,
    )
    statement, parameters = _say()
    values = parameters | {
        "new_id": new.id,
        "new_conversation_id": new.conversation_id,
        "new_sender_id": new.sender_id,
        "new_client_id": new.client_id,
        "new_text": new.text,
        "new_media_ids": list(new.media_ids),
        "new_reply_to": new.reply_to,
        "new_news": orjson.dumps(told).decode(),
    }
    row = await connection.fetchrow(statement, *values.values())
    if row is None:
        return None
    return Message(
        id=new.id,
        conversation_id=new.conversation_id,
        seq=row["seq"],
        sender_id=new.sender_id,
        client_id=new.client_id,
        text=new.text,
        media_ids=tuple(new.media_ids),
        reply_to=new.reply_to,
        reactions=(),
        changed_seq=row["seq"],
        sent_at=row["sent_at"],
        edited_at=None,
        deleted_at=None,
    )


async def say_within(session: AsyncSession, new: NewMessage) -> Message | None:
    """The same as part of a transaction."""
    raw = await (await session.connection()).get_raw_connection()
    if raw.driver_connection is None:
        raise OSError("the connection was closed")
    return await say(raw.driver_connection, new)


# Parameters are not called like columns, which SQLAlchemy would take for values to set.
_ID: Final = bindparam("new_id", type_=Uuid())
_CONVERSATION_ID: Final = bindparam("new_conversation_id", type_=Uuid())
_SENDER_ID: Final = bindparam("new_sender_id", type_=Uuid())
_CLIENT_ID: Final = bindparam("new_client_id", type_=Text())


@cache
def _say() -> tuple[str, dict[str, Any]]:
    """The statement and its parameters in their order, with the values that are always the same.

    Compiled once: SQLAlchemy would take longer to look it up than PostgreSQL to carry it out.
    """
    numbered = _numbered()
    said = _said(numbered)
    others = _others(said)
    statement = select(said.c.seq, said.c.sent_at).add_cte(
        _happened(said), _read_own(said), _notified(others)
    )
    compiled = statement.compile(dialect=dialect())  # type: ignore[no-untyped-call]
    return compiled.string, {name: compiled.params[name] for name in compiled.positiontup or ()}


def _numbered() -> CTE:
    """Takes the next number, if the sender may write there and nothing happened meanwhile.

    Who waits for the row of the conversation is shown its newest version, and of everything else
    what was true before. So a number that moved on means: look again.
    """
    member, conversation = ConversationMemberRow, ConversationRow
    seen = (
        select(conversation.id, conversation.last_seq)
        .join(member, member.conversation_id == conversation.id)
        .where(
            conversation.id == _CONVERSATION_ID,
            member.user_id == _SENDER_ID,
            member.left_at.is_(None),
            ~blocked(_SENDER_ID),
        )
        .cte("seen")
    )
    sent_before = select(MessageRow.id).where(
        MessageRow.conversation_id == _CONVERSATION_ID,
        MessageRow.sender_id == _SENDER_ID,
        MessageRow.client_id == _CLIENT_ID,
    )
    return (
        update(conversation)
        .where(
            conversation.id == seen.c.id,
            conversation.last_seq == seen.c.last_seq,
            ~sent_before.exists(),
        )
        .values(
            last_seq=conversation.last_seq + 1,
            changed_in=THIS_TRANSACTION,
            active_at=func.clock_timestamp(),
        )
        .returning(conversation.id, conversation.last_seq)
        .cte("numbered")
    )


def _said(numbered: CTE) -> CTE:
    content: dict[str, ColumnElement[Any]] = {
        "id": _ID,
        "conversation_id": _CONVERSATION_ID,
        "sender_id": _SENDER_ID,
        "client_id": _CLIENT_ID,
        "text": bindparam("new_text", type_=Text()),
        "media_ids": bindparam("new_media_ids", type_=ARRAY(Uuid())),
        "reply_to": bindparam("new_reply_to", type_=Uuid()),
        "seq": numbered.c.last_seq,
        "changed_seq": numbered.c.last_seq,
    }
    return (
        insert(MessageRow)
        .from_select(list(content), select(*content.values()))
        .returning(MessageRow.conversation_id, MessageRow.seq, MessageRow.sent_at)
        .cte("said")
    )


def _happened(said: CTE) -> CTE:
    event: dict[str, ColumnElement[Any]] = {
        "conversation_id": _CONVERSATION_ID,
        "seq": said.c.seq,
        "kind": literal_column(f"'{ChatEventKind.MESSAGE_SENT}'"),
        "actor_id": _SENDER_ID,
        "message_id": _ID,
        "happened_at": said.c.sent_at,
    }
    return insert(ChatEventRow).from_select(list(event), select(*event.values())).cte("happened")


def _read_own(said: CTE) -> CTE:
    """Who has read everything of the others has read their own message, too."""
    member = ConversationMemberRow
    others = select(MessageRow.id).where(
        MessageRow.conversation_id == _CONVERSATION_ID,
        MessageRow.seq > member.read_seq,
        MessageRow.sender_id != _SENDER_ID,
    )
    return (
        update(member)
        .where(
            member.conversation_id == said.c.conversation_id,
            member.user_id == _SENDER_ID,
            ~others.exists(),
        )
        .values(read_seq=said.c.seq, delivered_seq=said.c.seq)
        .cte("read_own")
    )


def _others(said: CTE) -> CTE:
    member = ConversationMemberRow
    return (
        select(func.to_jsonb(func.array_agg(member.user_id)).label("user_ids"))
        .join(said, said.c.conversation_id == member.conversation_id)
        .where(member.left_at.is_(None), member.user_id != _SENDER_ID)
        .having(func.count() > 0)
        .cte("others")
    )


def _notified(others: CTE) -> CTE:
    """One job: a conversation has no more members than a job notifies."""
    decided: dict[str, ColumnElement[Any]] = {
        "kind": literal_column(f"'{JobKind.NOTIFY}'"),
        "subject_id": _CONVERSATION_ID,
        "payload": bindparam("new_news", type_=JSONB()).op("||")(
            func.jsonb_build_object("user_ids", others.c.user_ids)
        ),
        "run_at": func.now() + cast(GATHERED, Interval()),
    }
    return insert(JobRow).from_select(list(decided), select(*decided.values())).cte("notified")
