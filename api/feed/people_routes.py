"""Profiles, and who follows, blocks and mutes whom."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path

from api.auth.dependencies import MaybeWithUser, WithUser
from api.feed.people_schemas import ProfileShown
from api.feed.people_service import FeedPeople
from api.feed.reading_routes import viewer_of
from api.feed.schemas import PersonShown
from api.pagination import Page, PageRequest, WantedPage, page_of
from api.problem_answers import refuses
from api.resources import WithResources
from runtime.resources import Resources
from storage.feed import people, relations
from storage.feed.people import ListedPerson

router = APIRouter(prefix="/v1/feed", tags=["feed"])


async def _service(resources: WithResources) -> FeedPeople:
    return FeedPeople(resources.database)


Service = Annotated[FeedPeople, Depends(_service)]
Handle = Annotated[str, Path(min_length=1, max_length=65, description="With @ or without.")]


@router.get("/profiles/{handle}", summary="Somebody's profile")
async def show_profile(
    service: Service, resources: WithResources, user: MaybeWithUser, handle: Handle
) -> ProfileShown:
    """By handle; capitals make no difference. Public."""
    profile = await service.profile(viewer_of(user), handle)
    return ProfileShown.of_profile(profile, resources.media_links)


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
async def list_followers(
    service: Service,
    resources: WithResources,
    user: MaybeWithUser,
    user_id: UUID,
    wanted: WantedPage,
) -> Page[PersonShown]:
    """Newest first. Public."""
    found = await service.around_person(people.list_followers, viewer_of(user), user_id, wanted)
    return _page(found, wanted, resources)


@router.get("/users/{user_id}/following", summary="Whom somebody follows")
async def list_following(
    service: Service,
    resources: WithResources,
    user: MaybeWithUser,
    user_id: UUID,
    wanted: WantedPage,
) -> Page[PersonShown]:
    """Newest first. Public."""
    found = await service.around_person(people.list_following, viewer_of(user), user_id, wanted)
    return _page(found, wanted, resources)


@router.get("/posts/{feed_post_id}/likes", summary="Who likes a post")
async def list_likes(
    service: Service,
    resources: WithResources,
    user: MaybeWithUser,
    feed_post_id: UUID,
    wanted: WantedPage,
) -> Page[PersonShown]:
    """Newest first. Public."""
    found = await service.around_post(people.list_likes, viewer_of(user), feed_post_id, wanted)
    return _page(found, wanted, resources)


@router.get("/posts/{feed_post_id}/reposts", summary="Who reposted a post")
async def list_reposts(
    service: Service,
    resources: WithResources,
    user: MaybeWithUser,
    feed_post_id: UUID,
    wanted: WantedPage,
) -> Page[PersonShown]:
    """Newest first. Public."""
    found = await service.around_post(people.list_reposts, viewer_of(user), feed_post_id, wanted)
    return _page(found, wanted, resources)


@router.get("/blocks", summary="Whom you block")
async def list_blocks(
    service: Service, resources: WithResources, user: WithUser, wanted: WantedPage
) -> Page[PersonShown]:
    """Newest first."""
    return _page(await service.blocked(user.user_id, wanted), wanted, resources)


@router.get("/mutes", summary="Whom you mute")
async def list_mutes(
    service: Service, resources: WithResources, user: WithUser, wanted: WantedPage
) -> Page[PersonShown]:
    """Newest first."""
    return _page(await service.muted(user.user_id, wanted), wanted, resources)


def _page(
    found: Sequence[ListedPerson], wanted: PageRequest, resources: Resources
) -> Page[PersonShown]:
    return page_of(
        found,
        wanted,
        show=lambda one: PersonShown.of(one.person, resources.media_links),
        id_of=lambda one: one.place,
    )
