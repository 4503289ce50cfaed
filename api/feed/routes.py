"""`/v1/feed`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from api.feed.schemas import FeedPostShown
from api.feed.service import FeedService
from api.pagination import Page, WantedPage, page_of
from api.resources import WithResources

router = APIRouter(prefix="/v1/feed", tags=["feed"])


def _service(resources: WithResources) -> FeedService:
    return FeedService(resources.database)


Service = Annotated[FeedService, Depends(_service)]


@router.get("/posts/{feed_post_id}", summary="Show a feed post")
async def show_feed_post(
    service: Service, resources: WithResources, feed_post_id: UUID
) -> FeedPostShown:
    """Public: this is where a feed delivery's permalink points."""
    return FeedPostShown.of(await service.read(feed_post_id), resources.media_links)


@router.get("/accounts/{account_id}/posts", summary="List a profile's feed posts")
async def list_feed_posts(
    service: Service, resources: WithResources, account_id: UUID, wanted: WantedPage
) -> Page[FeedPostShown]:
    """Public, newest first."""
    found = await service.list_page(account_id, wanted)
    return page_of(
        found,
        wanted,
        show=lambda post: FeedPostShown.of(post, resources.media_links),
        id_of=lambda post: post.id,
    )
