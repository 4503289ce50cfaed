"""Feeds and lists of posts."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from api.auth.dependencies import MaybeWithUser, WithUser
from api.auth.service import SignedIn
from api.feed.reading_service import FeedReading
from api.feed.schemas import FeedEntryShown, FeedPostShown, TrendingHashtags, TrendingPosts
from api.pagination import Page, WantedPage
from api.resources import WithResources
from domain.mentions import HASHTAG_LENGTH

router = APIRouter(prefix="/v1/feed", tags=["feed"])

JSON: Final = "application/json"


async def reading_service(resources: WithResources) -> FeedReading:
    """What reads, with this process's resources."""
    return FeedReading(
        resources.database,
        resources.media_links,
        resources.feed_versions,
        resources.feed_cache,
    )


Service = Annotated[FeedReading, Depends(reading_service)]
TopLimit = Annotated[int, Query(ge=1, le=100, description="How many items.")]
Hashtag = Annotated[
    str, Path(min_length=1, max_length=HASHTAG_LENGTH + 1, description="With # or without.")
]


def viewer_of(user: SignedIn | None) -> UUID | None:
    """Who reads."""
    return None if user is None else user.user_id


def _answers(model: Any) -> dict[int | str, dict[str, Any]]:
    """What a route answers that sends bytes as they were kept."""
    return {200: {"model": model, "description": "As it was kept, or made anew."}}


@router.get(
    "/home",
    response_class=Response,
    responses=_answers(Page[FeedEntryShown]),
    summary="Your home feed",
)
async def show_home(resources: WithResources, user: WithUser, wanted: WantedPage) -> Response:
    """What those whom you follow published and reposted, newest first, each post once.

    What you do shows at once, and so does what is published; what others do to the posts shows
    within seconds.
    """
    service = await reading_service(resources)
    return Response(await service.home(user.user_id, wanted), media_type=JSON)


@router.get(
    "/trending/posts",
    response_class=Response,
    responses=_answers(TrendingPosts),
    summary="What people are busy with",
)
async def show_trending_posts(
    service: Service, user: MaybeWithUser, limit: TopLimit = 25
) -> Response:
    """By likes, comments and reposts; what happened six hours ago counts half. Public."""
    return Response(await service.trending_posts(viewer_of(user), limit), media_type=JSON)


@router.get(
    "/trending/hashtags",
    response_class=Response,
    responses=_answers(TrendingHashtags),
    summary="Hashtags that are used a lot",
)
async def show_trending_hashtags(service: Service, limit: TopLimit = 25) -> Response:
    """By the posts that use them; a post of six hours ago counts half. Public."""
    return Response(await service.trending_hashtags(limit), media_type=JSON)


@router.get("/hashtags/{hashtag}/posts", summary="Posts with a hashtag")
async def list_hashtag_posts(
    service: Service, user: MaybeWithUser, hashtag: Hashtag, wanted: WantedPage
) -> Page[FeedPostShown]:
    """Newest first; capitals make no difference. Public."""
    return await service.hashtag_posts(viewer_of(user), hashtag, wanted)


@router.get("/bookmarks", summary="Your bookmarks")
async def list_bookmarks(
    service: Service, user: WithUser, wanted: WantedPage
) -> Page[FeedPostShown]:
    """Latest kept first."""
    return await service.bookmarks(user.user_id, wanted)


@router.get("/posts/{feed_post_id}", summary="Show a feed post")
async def show_feed_post(
    service: Service, resources: WithResources, user: MaybeWithUser, feed_post_id: UUID
) -> FeedPostShown:
    """Public: this is where a feed delivery's permalink points."""
    post = await service.post(viewer_of(user), feed_post_id)
    return FeedPostShown.of(post, resources.media_links)


@router.get("/users/{user_id}/posts", summary="Somebody's posts and reposts")
async def list_profile_posts(
    service: Service, user: MaybeWithUser, user_id: UUID, wanted: WantedPage
) -> Page[FeedEntryShown]:
    """Newest first. Public."""
    return await service.profile_posts(viewer_of(user), user_id, wanted)


@router.get("/accounts/{account_id}/posts", summary="What was published through an account")
async def list_feed_posts(
    service: Service, user: MaybeWithUser, account_id: UUID, wanted: WantedPage
) -> Page[FeedPostShown]:
    """Newest first. Public."""
    return await service.account_posts(viewer_of(user), account_id, wanted)
