"""`/v1/chat/conversations`: begun, named, joined and left."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api.auth.dependencies import WithUser
from api.chat.cursors import decode_place, encode_place
from api.chat.group_schemas import (
    ConversationShown,
    GroupChange,
    MemberShown,
    NewDirect,
    NewGroup,
    NewMembers,
)
from api.chat.groups import ConversationService
from api.chat.telling import Telling
from api.idempotency import WithIdempotencyKey, asked_once
from api.pagination import MAX_LIMIT, Page, WantedPage, page_of
from api.problem_answers import refuses
from api.resources import WithResources
from storage.chat.listing import ListCursor

router = APIRouter(prefix="/v1/chat/conversations", tags=["chat"])


async def _service(resources: WithResources) -> ConversationService:
    return ConversationService(resources.database, Telling(resources.live, resources.media_links))


Service = Annotated[ConversationService, Depends(_service)]


@router.post(
    "/direct",
    status_code=201,
    responses={200: {"model": ConversationShown, "description": "It was there before."}},
    summary="Open a direct conversation",
)
async def open_direct_conversation(
    service: Service, resources: WithResources, user: WithUser, body: NewDirect, response: Response
) -> ConversationShown:
    """Two people have one; whoever opens it again gets the same."""
    opened, new = await service.open_direct(user.user_id, body.user_id)
    if not new:
        response.status_code = 200
    return ConversationShown.of(opened, resources.media_links)


@router.post("/groups", status_code=201, responses=refuses(404), summary="Create a group")
async def create_group(
    service: Service,
    resources: WithResources,
    user: WithUser,
    body: NewGroup,
    idempotency_key: WithIdempotencyKey,
) -> ConversationShown:
    """The caller owns it. People who cannot be added are named, and then nobody is."""
    once = asked_once(idempotency_key, "create_group", body)
    created = await service.create_group(user.user_id, body.title, body.user_ids, once)
    return ConversationShown.of(created, resources.media_links)


@router.get("", summary="List conversations")
async def list_conversations(
    service: Service,
    resources: WithResources,
    user: WithUser,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items.")] = 25,
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next_cursor` of the page before.")
    ] = None,
) -> Page[ConversationShown]:
    """The one with the last message first. What moves up meanwhile is told by `changes`."""
    before = None if cursor is None else decode_place(cursor)
    found = await service.list_page(user.user_id, before=before, limit=limit + 1)
    shown = found[:limit]
    last = ListCursor(active_at=shown[-1].active_at, id=shown[-1].id) if shown else None
    return Page[ConversationShown](
        items=[ConversationShown.of(one, resources.media_links) for one in shown],
        next_cursor=encode_place(last) if last and len(found) > limit else None,
    )


@router.get("/{conversation_id}", summary="Show a conversation")
async def show_conversation(
    service: Service, resources: WithResources, user: WithUser, conversation_id: UUID
) -> ConversationShown:
    """One of the caller's."""
    found = await service.read(user.user_id, conversation_id)
    return ConversationShown.of(found, resources.media_links)


@router.patch("/{conversation_id}", responses=refuses(409), summary="Rename a group")
async def rename_group(
    service: Service,
    resources: WithResources,
    user: WithUser,
    conversation_id: UUID,
    change: GroupChange,
) -> ConversationShown:
    """Its owners only."""
    renamed = await service.rename(user.user_id, conversation_id, change.title)
    return ConversationShown.of(renamed, resources.media_links)


@router.get("/{conversation_id}/members", summary="List members")
async def list_conversation_members(
    service: Service, user: WithUser, conversation_id: UUID, wanted: WantedPage
) -> Page[MemberShown]:
    """With how far each has received and read; in the order of their ids."""
    found = await service.list_members(
        user.user_id, conversation_id, after=wanted.before, limit=wanted.fetch
    )
    return page_of(found, wanted, show=MemberShown.of_member, id_of=lambda one: one.user_id)


@router.post("/{conversation_id}/members", responses=refuses(409), summary="Add members")
async def add_conversation_members(
    service: Service,
    resources: WithResources,
    user: WithUser,
    conversation_id: UUID,
    body: NewMembers,
) -> ConversationShown:
    """Its owners only. New members see what happens from now on."""
    changed = await service.add_members(user.user_id, conversation_id, body.user_ids)
    return ConversationShown.of(changed, resources.media_links)


@router.delete(
    "/{conversation_id}/members/{user_id}",
    status_code=204,
    responses=refuses(409),
    summary="Leave, or put somebody out",
)
async def remove_conversation_member(
    service: Service, user: WithUser, conversation_id: UUID, user_id: UUID
) -> None:
    """Oneself, or as an owner anybody. The last owner's place goes to the longest member."""
    await service.remove_member(user.user_id, conversation_id, user_id)
