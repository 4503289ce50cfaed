"""`/v1/marketplace`, and what of it is the user's own."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from api.auth.dependencies import WithUser
from api.chat.groups import ConversationService
from api.chat.service import MessageService
from api.chat.telling import Telling
from api.idempotency import WithIdempotencyKey, asked_once
from api.marketplace.cursors import encode_cursor
from api.marketplace.schemas import (
    ContactBody,
    ListingChange,
    ListingImages,
    NewListing,
    StatusChange,
)
from api.marketplace.search_query import WantedListings
from api.marketplace.service import BuyingService, SellingService
from api.marketplace.shown import ContactShown, Count, ListingShown
from api.pagination import Page, WantedPage, page_of
from api.problem_answers import refuses
from api.resources import WithResources
from domain.listings import ListingStatus
from storage.media_links import MediaLinks

router = APIRouter(tags=["marketplace"])


async def _selling(resources: WithResources) -> SellingService:
    return SellingService(resources.database)


async def _buying(resources: WithResources) -> BuyingService:
    telling = Telling(resources.live, resources.media_links)
    return BuyingService(
        resources.database,
        ConversationService(resources.database, telling),
        MessageService(resources.database, telling),
    )


async def _links(resources: WithResources) -> MediaLinks:
    return resources.media_links


Selling = Annotated[SellingService, Depends(_selling)]
Buying = Annotated[BuyingService, Depends(_buying)]
Links = Annotated[MediaLinks, Depends(_links)]


@router.post(
    "/v1/marketplace/listings", status_code=201, responses=refuses(404), summary="Offer something"
)
async def create_listing(
    selling: Selling,
    links: Links,
    user: WithUser,
    body: NewListing,
    idempotency_key: WithIdempotencyKey,
) -> ListingShown:
    """A draft, unless it is to be for sale at once. Pictures are added afterwards."""
    once = asked_once(idempotency_key, "create_listing", body)
    created = await selling.create(user.user_id, body.offer(), ListingStatus(body.status), once)
    return ListingShown.of(created, user.user_id, links)


@router.get("/v1/marketplace/listings", summary="Search listings")
async def search_listings(
    buying: Buying, links: Links, user: WithUser, search: WantedListings
) -> Page[ListingShown]:
    """What is for sale. Neither skips nor repeats what stays for sale while you page."""
    found = await buying.search(
        user.user_id,
        search.wanted,
        order=search.order,
        after=search.after,
        limit=search.limit + 1,
    )
    shown = found[: search.limit]
    more = len(found) > search.limit
    return Page[ListingShown](
        items=[ListingShown.of(hit.listing, user.user_id, links) for hit in shown],
        next_cursor=encode_cursor(search.order, shown[-1].cursor) if more else None,
    )


@router.get("/v1/marketplace/listings/{listing_id}", summary="Show a listing")
async def show_listing(
    buying: Buying, links: Links, user: WithUser, listing_id: UUID
) -> ListingShown:
    """Your own in any state; others' while they are for sale or sold."""
    return ListingShown.of(await buying.read(user.user_id, listing_id), user.user_id, links)


@router.patch(
    "/v1/marketplace/listings/{listing_id}", responses=refuses(409), summary="Change a listing"
)
async def change_listing(
    selling: Selling, links: Links, user: WithUser, listing_id: UUID, change: ListingChange
) -> ListingShown:
    """Until it is sold."""
    changed = await selling.change(user.user_id, listing_id, change)
    return ListingShown.of(changed, user.user_id, links)


@router.delete(
    "/v1/marketplace/listings/{listing_id}",
    status_code=204,
    responses=refuses(409),
    summary="Delete a listing",
)
async def delete_listing(selling: Selling, user: WithUser, listing_id: UUID) -> None:
    """For good, unless a moderator has removed it. To end a sale, withdraw it instead."""
    await selling.delete(user.user_id, listing_id)


@router.put(
    "/v1/marketplace/listings/{listing_id}/status",
    responses=refuses(409),
    summary="Sell or withdraw a listing",
)
async def move_listing(
    selling: Selling, links: Links, user: WithUser, listing_id: UUID, change: StatusChange
) -> ListingShown:
    """Put it up for sale, withdraw it, or say that it is sold; repeating this is fine."""
    moved = await selling.move(user.user_id, listing_id, ListingStatus(change.status))
    return ListingShown.of(moved, user.user_id, links)


@router.put(
    "/v1/marketplace/listings/{listing_id}/images",
    responses=refuses(409),
    summary="Choose a listing's pictures",
)
async def choose_listing_images(
    selling: Selling, links: Links, user: WithUser, listing_id: UUID, images: ListingImages
) -> ListingShown:
    """Media items of yours, in that order and no others; their sizes are made afterwards.

    Sockets of yours hear of each as `media.picture`, with its `media_id` and `status`.
    """
    shown = await selling.show_images(user.user_id, listing_id, images.media_ids)
    return ListingShown.of(shown, user.user_id, links)


@router.put(
    "/v1/marketplace/listings/{listing_id}/favourite", status_code=204, summary="Mark a listing"
)
async def mark_listing(buying: Buying, user: WithUser, listing_id: UUID) -> None:
    """Makes it a favourite of yours; repeating this is fine."""
    await buying.mark(user.user_id, listing_id)


@router.delete(
    "/v1/marketplace/listings/{listing_id}/favourite", status_code=204, summary="Unmark a listing"
)
async def unmark_listing(buying: Buying, user: WithUser, listing_id: UUID) -> None:
    """It is a favourite of yours no more; repeating this is fine."""
    await buying.unmark(user.user_id, listing_id)


@router.post(
    "/v1/marketplace/listings/{listing_id}/contact",
    responses=refuses(409),
    summary="Ask the seller",
)
async def contact_seller(
    buying: Buying, user: WithUser, listing_id: UUID, body: ContactBody
) -> ContactShown:
    """Opens your direct conversation, or finds it, and sends the text, if there is one."""
    return await buying.contact(user.user_id, listing_id, body)


@router.get(
    "/v1/marketplace/conversations/{conversation_id}/listings",
    summary="Tell what a conversation is about",
)
async def list_conversation_listings(
    buying: Buying, links: Links, user: WithUser, conversation_id: UUID
) -> list[ListingShown]:
    """Listings that one of the two has asked the other about, the last 20, in their state now."""
    found = await buying.talked_about(user.user_id, conversation_id)
    return [ListingShown.of(one, user.user_id, links) for one in found]


@router.get("/v1/users/me/listings", summary="List your listings")
async def list_own_listings(
    selling: Selling,
    links: Links,
    user: WithUser,
    wanted: WantedPage,
    status: ListingStatus | None = None,
) -> Page[ListingShown]:
    """Those put up last first."""
    return page_of(
        await selling.list_own(user.user_id, status, wanted),
        wanted,
        show=lambda listing: ListingShown.of(listing, user.user_id, links),
        id_of=lambda listing: listing.position,
    )


@router.get("/v1/users/me/favourites", summary="List your favourites")
async def list_favourites(
    buying: Buying, links: Links, user: WithUser, wanted: WantedPage
) -> Page[ListingShown]:
    """Marked last first; what was withdrawn or removed is left out."""
    return page_of(
        await buying.list_favourites(user.user_id, wanted),
        wanted,
        show=lambda marked: ListingShown.of(marked.listing, user.user_id, links),
        id_of=lambda marked: marked.id,
    )


@router.get("/v1/users/me/favourites/count", summary="Count your favourites")
async def count_favourites(buying: Buying, user: WithUser) -> Count:
    """Those that the list shows."""
    return Count(count=await buying.count_favourites(user.user_id))
