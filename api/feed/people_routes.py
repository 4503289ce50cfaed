"""Profiles, and who follows, blocks and mutes whom."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path

from api.auth.dependencies import MaybeWithUser, WithUser
from api.feed.people_schemas import ProfileShown
from api.feed.people_service import FeedPeople, PublicList
from api.feed.reading_routes import viewer_of
from api.feed.schemas import PersonShown
from api.pagination import Page, PageRequest, WantedPage, page_of
from api.problem_answers import refuses
from api.resources import WithResources
from storage.feed import people, relations
from storage.feed.people import ListedPerson
from storage.media_links import MediaLinks

router = APIRouter(prefix="/v1/feed", tags=["feed"])


async def _service(resources: WithResources) -> FeedPeople:
    return FeedPeople(resources.database)


async def _links(resources: WithResources) -> MediaLinks:
    return resources.media_links


Service = Annotated[FeedPeople, Depends(_service)]
Links = Annotated[MediaLinks, Depends(_links)]
Handle = Annotated[str, Path(min_length=1, max_length=65, description="With @ or without.")]


class _PublicLists:
    """People around something, a page at a time, as whoever asks may see them."""

    def __init__(
        self, service: Service, links: Links, user: MaybeWithUser, wanted: WantedPage
    ) -> None:
        self._service = service
        self._links = links
        self._viewer = viewer_of(user)
        self._wanted = wanted

    async def around_person(self, listed: PublicList, user_id: UUID) -> Page[PersonShown]:
        found = await self._service.around_person(listed, self._viewer, user_id, self._wanted)
        return _page(found, self._wanted, self._links)

    async def around_post(self, listed: PublicList, post_id: UUID) -> Page[PersonShown]:
        found = await self._service.around_post(listed, self._viewer, post_id, self._wanted)
        return _page(found, self._wanted, self._links)


async def _public_lists(
    service: Service, links: Links, user: MaybeWithUser, wanted: WantedPage
) -> _PublicLists:
    return _PublicLists(service, links, user, wanted)


PublicLists = Annotated[_PublicLists, Depends(_public_lists)]


@router.get("/profiles/{handle}", summary="Somebody's profile")
async def show_profile(
    service: Service, links: Links, user: MaybeWithUser, handle: Handle
) -> ProfileShown:
    """By handle; capitals make no difference. Public."""
    profile = await service.profile(viewer_of(user), handle)
    return ProfileShown.of_profile(profile, links)


@router.put(
    "/users/{user_id}/follow", status_code=204, responses=refuses(409), summary="Follow somebody"
)
async def follow_user(service: Service, user: WithUser, user_id: UUID) -> None:
    """Their latest posts are in your home feed at once."""
    await service.relate(user.user_id, user_id, relations.follow)


@router.delete("/users/{user_id}/follow", status_code=204, summary="Follow somebody no more")
async def unfollow_user(service: Service, user: WithUser, user_id: UUID) -> None:
    """Their posts are gone from your home feed at once."""
    await service.part(user.user_id, user_id, relations.unfollow)


@router.put(
    "/users/{user_id}/block", status_code=204, responses=refuses(409), summary="Block somebody"
)
async def block_user(service: Service, user: WithUser, user_id: UUID) -> None:
    """Neither of you sees the other from now on, nor follows."""
    await service.relate(user.user_id, user_id, relations.block)


@router.delete("/users/{user_id}/block", status_code=204, summary="Block somebody no more")
async def unblock_user(service: Service, user: WithUser, user_id: UUID) -> None:
    """Who followed whom before does not come back."""
    await service.part(user.user_id, user_id, relations.unblock)


@router.put(
    "/users/{user_id}/mute", status_code=204, responses=refuses(409), summary="Mute somebody"
)
async def mute_user(service: Service, user: WithUser, user_id: UUID) -> None:
    """You read nothing of them in your lists; they do not learn of it."""
    await service.relate(user.user_id, user_id, relations.mute)


@router.delete("/users/{user_id}/mute", status_code=204, summary="Mute somebody no more")
async def unmute_user(service: Service, user: WithUser, user_id: UUID) -> None:
    """What they published meanwhile is there."""
    await service.part(user.user_id, user_id, relations.unmute)


@router.get("/users/{user_id}/followers", summary="Who follows somebody")
async def list_followers(shown: PublicLists, user_id: UUID) -> Page[PersonShown]:
    """Newest first. Public."""
    return await shown.around_person(people.list_followers, user_id)


@router.get("/users/{user_id}/following", summary="Whom somebody follows")
async def list_following(shown: PublicLists, user_id: UUID) -> Page[PersonShown]:
    """Newest first. Public."""
    return await shown.around_person(people.list_following, user_id)


@router.get("/posts/{feed_post_id}/likes", summary="Who likes a post")
async def list_likes(shown: PublicLists, feed_post_id: UUID) -> Page[PersonShown]:
    """Newest first. Public."""
    return await shown.around_post(people.list_likes, feed_post_id)


@router.get("/posts/{feed_post_id}/reposts", summary="Who reposted a post")
async def list_reposts(shown: PublicLists, feed_post_id: UUID) -> Page[PersonShown]:
    """Newest first. Public."""
    return await shown.around_post(people.list_reposts, feed_post_id)


@router.get("/blocks", summary="Whom you block")
async def list_blocks(
    service: Service, links: Links, user: WithUser, wanted: WantedPage
) -> Page[PersonShown]:
    """Newest first."""
    return _page(await service.blocked(user.user_id, wanted), wanted, links)


@router.get("/mutes", summary="Whom you mute")
async def list_mutes(
    service: Service, links: Links, user: WithUser, wanted: WantedPage
) -> Page[PersonShown]:
    """Newest first."""
    return _page(await service.muted(user.user_id, wanted), wanted, links)


def _page(
    found: Sequence[ListedPerson], wanted: PageRequest, links: MediaLinks
) -> Page[PersonShown]:
    return page_of(
        found,
        wanted,
        show=lambda one: PersonShown.of(one.person, links),
        id_of=lambda one: one.place,
    )
