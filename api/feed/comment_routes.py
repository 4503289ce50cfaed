"""Comments and replies."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from api.auth.dependencies import MaybeWithUser, WithUser
from api.feed.comment_schemas import CommentShown, CommentWanted
from api.feed.comment_service import FeedComments
from api.feed.reading_routes import viewer_of
from api.idempotency import WithIdempotencyKey
from api.pagination import Page, WantedPage, page_of
from api.resources import WithResources

router = APIRouter(prefix="/v1/feed", tags=["feed"])


async def _service(resources: WithResources) -> FeedComments:
    return FeedComments(resources.database)


Service = Annotated[FeedComments, Depends(_service)]


@router.post("/posts/{feed_post_id}/comments", status_code=201, summary="Comment on a post")
async def write_comment(
    service: Service,
    resources: WithResources,
    user: WithUser,
    feed_post_id: UUID,
    wanted: CommentWanted,
    idempotency_key: WithIdempotencyKey,
) -> CommentShown:
    """Or reply to a comment of it. The post's author hears of it, and whoever is replied to."""
    written = await service.write(user.user_id, feed_post_id, wanted, idempotency_key)
    return CommentShown.of(written, resources.media_links)


@router.get("/posts/{feed_post_id}/comments", summary="A post's comments")
async def list_comments(
    service: Service,
    resources: WithResources,
    user: MaybeWithUser,
    feed_post_id: UUID,
    wanted: WantedPage,
) -> Page[CommentShown]:
    """Newest first, without their replies. Public."""
    return page_of(
        await service.list_of_post(viewer_of(user), feed_post_id, wanted),
        wanted,
        show=lambda comment: CommentShown.of(comment, resources.media_links),
        id_of=lambda comment: comment.id,
    )


@router.get("/comments/{comment_id}/replies", summary="A comment's replies")
async def list_replies(
    service: Service,
    resources: WithResources,
    user: MaybeWithUser,
    comment_id: UUID,
    wanted: WantedPage,
) -> Page[CommentShown]:
    """Newest first. Public."""
    return page_of(
        await service.list_replies(viewer_of(user), comment_id, wanted),
        wanted,
        show=lambda comment: CommentShown.of(comment, resources.media_links),
        id_of=lambda comment: comment.id,
    )


@router.delete("/comments/{comment_id}", status_code=204, summary="Delete a comment")
async def delete_comment(service: Service, user: WithUser, comment_id: UUID) -> None:
    """Your own, or any on a post of yours; its replies go with it."""
    await service.delete(user.user_id, comment_id)
