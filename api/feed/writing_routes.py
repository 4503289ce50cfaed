"""Writing posts, and what people do with them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.auth.dependencies import UserOrCaller, WithUser
from api.feed.schemas import FeedPostShown, FeedPostWanted
from api.feed.writing_service import FeedWriting
from api.idempotency import WithIdempotencyKey
from api.problem_answers import refuses
from api.resources import WithResources

router = APIRouter(prefix="/v1/feed", tags=["feed"])


async def _service(resources: WithResources) -> FeedWriting:
    return FeedWriting(resources.database, fan_out_limit=resources.settings.feed_fan_out_limit)


Service = Annotated[FeedWriting, Depends(_service)]


@router.post("/posts", status_code=201, summary="Publish a post at once")
async def publish_feed_post(
    service: Service,
    resources: WithResources,
    user: WithUser,
    wanted: FeedPostWanted,
    idempotency_key: WithIdempotencyKey,
    response: Response,
) -> FeedPostShown:
    """Text, pictures or both. Followers have it within a second."""
    post = await service.publish(user.user_id, wanted, idempotency_key)
    response.headers["Location"] = f"/v1/feed/posts/{post.id}"
    return FeedPostShown.of(post, resources.media_links)


@router.delete("/posts/{feed_post_id}", status_code=204, summary="Delete your post")
async def delete_feed_post(service: Service, known: UserOrCaller, feed_post_id: UUID) -> None:
    """It is gone from every feed, with its reposts; its pictures can be deleted then.

    What went out through a workspace's account is taken down with a key of it, or `X-Workspace`.
    Needs `posts:write`.
    """
    await service.delete(known, feed_post_id)


@router.put("/posts/{feed_post_id}/like", status_code=204, summary="Like a post")
async def like_feed_post(service: Service, user: WithUser, feed_post_id: UUID) -> None:
    """Once, however often you say it."""
    await service.like(user.user_id, feed_post_id)


@router.delete("/posts/{feed_post_id}/like", status_code=204, summary="Take a like back")
async def unlike_feed_post(service: Service, user: WithUser, feed_post_id: UUID) -> None:
    """Fine as well when you never liked it."""
    await service.unlike(user.user_id, feed_post_id)


@router.put(
    "/posts/{feed_post_id}/repost", status_code=204, responses=refuses(409), summary="Repost a post"
)
async def repost_feed_post(service: Service, user: WithUser, feed_post_id: UUID) -> None:
    """Your followers see it once, however often you say it."""
    await service.repost(user.user_id, feed_post_id)


@router.delete("/posts/{feed_post_id}/repost", status_code=204, summary="Take a repost back")
async def unrepost_feed_post(service: Service, user: WithUser, feed_post_id: UUID) -> None:
    """It is gone from your followers' feeds at once."""
    await service.unrepost(user.user_id, feed_post_id)


@router.put("/posts/{feed_post_id}/bookmark", status_code=204, summary="Keep a post for later")
async def bookmark_feed_post(service: Service, user: WithUser, feed_post_id: UUID) -> None:
    """Nobody else learns of it."""
    await service.bookmark(user.user_id, feed_post_id)


@router.delete("/posts/{feed_post_id}/bookmark", status_code=204, summary="Drop a bookmark")
async def unbookmark_feed_post(service: Service, user: WithUser, feed_post_id: UUID) -> None:
    """Fine as well when there is none."""
    await service.unbookmark(user.user_id, feed_post_id)
