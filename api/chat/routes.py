"""`/v1/chat`: messages, and what is read of conversations."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api.auth.dependencies import WithUser
from api.chat.cursors import decode_moment, encode_moment
from api.chat.event_schemas import (
    CatchUpBody,
    CatchUpShown,
    CaughtUpShown,
    ChangesShown,
    PositionShown,
    PresenceList,
    PresenceShown,
)
from api.chat.group_schemas import UnreadShown
from api.chat.marks import MarkService
from api.chat.reading import ReadingService
from api.chat.schemas import Emoji, Marks, MessageChange, MessageShown, NewMessageBody, Seq
from api.chat.service import MessageService
from api.chat.telling import Telling
from api.pagination import Page, WantedPage, page_of
from api.problem_answers import refuses
from api.resources import WithResources
from storage.media_links import MediaLinks

router = APIRouter(prefix="/v1/chat", tags=["chat"])


async def _writing(resources: WithResources) -> MessageService:
    return MessageService(resources.database, Telling(resources.live, resources.media_links))


async def _marking(resources: WithResources) -> MarkService:
    return MarkService(resources.database, Telling(resources.live, resources.media_links))


async def _reading(resources: WithResources) -> ReadingService:
    return ReadingService(resources.database)


async def _links(resources: WithResources) -> MediaLinks:
    return resources.media_links


async def _place(
    user: WithUser, conversation_id: UUID, message_id: UUID
) -> tuple[UUID, UUID, UUID]:
    return user.user_id, conversation_id, message_id


_MESSAGE: Final = "/conversations/{conversation_id}/messages/{message_id}"
_REACTION: Final = f"{_MESSAGE}/reactions/{{emoji}}"

MessagePlace = Annotated[tuple[UUID, UUID, UUID], Depends(_place)]
"""Declares one message: who asks, the conversation's id, the message's."""
Writing = Annotated[MessageService, Depends(_writing)]
Marking = Annotated[MarkService, Depends(_marking)]
Reading = Annotated[ReadingService, Depends(_reading)]
Links = Annotated[MediaLinks, Depends(_links)]
Words = Annotated[
    str,
    Query(
        min_length=1,
        max_length=200,
        description='As on the web: all words, "a phrase", or, -without.',
    ),
]
Cursor = Annotated[str | None, Query(max_length=64, description="`cursor` of the answer before.")]


@router.get("/conversations/{conversation_id}/messages", summary="List messages")
async def list_messages(
    reading: Reading, links: Links, user: WithUser, conversation_id: UUID, wanted: WantedPage
) -> Page[MessageShown]:
    """Newest first, since the caller joined."""
    found = await reading.history(user.user_id, conversation_id, wanted)
    return page_of(
        found, wanted, show=lambda message: MessageShown.of(message, links), id_of=lambda m: m.id
    )


@router.post(
    "/conversations/{conversation_id}/messages",
    status_code=201,
    responses={200: {"model": MessageShown, "description": "It was sent before."}},
    summary="Send a message",
)
async def send_message(
    writing: Writing,
    links: Links,
    user: WithUser,
    conversation_id: UUID,
    body: NewMessageBody,
    response: Response,
) -> MessageShown:
    """Once for each `client_id`: repeating the request answers the message that was sent."""
    sent = await writing.send(user.user_id, conversation_id, body)
    if sent.repeated:
        response.status_code = 200
    return MessageShown.of(sent.message, links)


@router.patch(_MESSAGE, responses=refuses(409), summary="Change a message's text")
async def change_message(
    writing: Writing, links: Links, at: MessagePlace, change: MessageChange
) -> MessageShown:
    """One's own only."""
    return MessageShown.of(await writing.edit(*at, change.text), links)


@router.delete(_MESSAGE, summary="Delete a message")
async def delete_message(writing: Writing, links: Links, at: MessagePlace) -> MessageShown:
    """One's own, or as an owner of the group anybody's. Its place stays, its content goes."""
    return MessageShown.of(await writing.delete(*at), links)


@router.put(_REACTION, responses=refuses(409), summary="React")
async def add_reaction(
    writing: Writing, links: Links, at: MessagePlace, emoji: Emoji
) -> MessageShown:
    """One person can put several emoji to a message, each once."""
    return MessageShown.of(await writing.react(*at, emoji), links)


@router.delete(_REACTION, responses=refuses(409), summary="Take a reaction back")
async def remove_reaction(
    writing: Writing, links: Links, at: MessagePlace, emoji: Emoji
) -> MessageShown:
    """One's own only."""
    return MessageShown.of(await writing.take_reaction_back(*at, emoji), links)


@router.put("/conversations/{conversation_id}/marks", summary="Say how far one has read")
async def move_marks(
    marking: Marking, user: WithUser, conversation_id: UUID, marks: Marks
) -> Marks:
    """Both are numbers of events; they never go back, and never beyond the last event."""
    return await marking.move(user.user_id, conversation_id, marks)


@router.get("/conversations/{conversation_id}/events", summary="Catch up with a conversation")
async def list_events(
    reading: Reading,
    links: Links,
    user: WithUser,
    conversation_id: UUID,
    after: Annotated[Seq, Query(description="The last event that the caller has.")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> CaughtUpShown:
    """Everything that happened after an event, in its order."""
    found = await reading.events(user.user_id, conversation_id, after=after, limit=limit)
    return CaughtUpShown.of(found, links)


@router.get("/changes", summary="Tell which conversations changed")
async def list_changes(reading: Reading, user: WithUser, cursor: Cursor = None) -> ChangesShown:
    """Without a cursor all of the caller's. Then catch up with those that are ahead."""
    moment = 0 if cursor is None else decode_moment(cursor)
    changes = await reading.changes(user.user_id, moment)
    return ChangesShown(
        positions=[
            PositionShown(conversation_id=one.conversation_id, last_seq=one.last_seq, left=one.left)
            for one in changes.positions
        ],
        cursor=encode_moment(changes.cursor),
        more=changes.more,
    )


@router.post("/catch-up", summary="Catch up with several conversations")
async def catch_up(
    reading: Reading, links: Links, user: WithUser, body: CatchUpBody
) -> CatchUpShown:
    """Reads only. Conversations that the caller is not in are left out."""
    positions = {one.conversation_id: one.after for one in body.positions}
    found = await reading.catch_up(user.user_id, positions, limit=body.limit)
    return CatchUpShown(conversations=[CaughtUpShown.of(one, links) for one in found])


@router.get("/search", summary="Search messages")
async def search_messages(
    reading: Reading,
    links: Links,
    user: WithUser,
    q: Words,
    wanted: WantedPage,
    conversation_id: UUID | None = None,
) -> Page[MessageShown]:
    """Newest first, in all of the caller's conversations or in one of them."""
    found = await reading.search(user.user_id, q, conversation_id, wanted)
    return page_of(
        found, wanted, show=lambda message: MessageShown.of(message, links), id_of=lambda m: m.id
    )


@router.get("/presence", summary="Tell who is there")
async def show_presence(
    reading: Reading,
    user: WithUser,
    user_ids: Annotated[list[UUID], Query(min_length=1, max_length=100)],
) -> PresenceList:
    """People whom the caller shares a conversation with; others are left out."""
    seen = await reading.presence(user.user_id, set(user_ids))
    return PresenceList(items=[PresenceShown.of(one) for one in seen])


@router.get("/unread", summary="Count what is unread")
async def count_unread(reading: Reading, user: WithUser) -> UnreadShown:
    """Others' messages, in the caller's 1,000 newest conversations."""
    conversations, messages = await reading.unread(user.user_id)
    return UnreadShown(conversations=conversations, messages=messages)
