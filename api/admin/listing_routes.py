"""`/v1/admin/listings`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.admin.guard import Moderator
from api.admin.listing_schemas import ListingOnTrialShown
from api.admin.listing_service import AdminListings
from api.admin.reasons import Reasoned
from api.pagination import Page, WantedPage, page_of
from api.resources import WithResources
from domain.listings import ListingStatus
from storage.moderation.listings import ListingFilter

router = APIRouter(prefix="/v1/admin/listings", tags=["admin"])


async def _service(resources: WithResources) -> AdminListings:
    return AdminListings(resources.database)


async def _chosen(
    seller_id: Annotated[UUID | None, Query(description="Only that user's.")] = None,
    status: Annotated[ListingStatus | None, Query(description="Only those.")] = None,
) -> ListingFilter:
    return ListingFilter(seller_id=seller_id, status=status)


Service = Annotated[AdminListings, Depends(_service)]


@router.get("", summary="List everybody's listings")
async def list_all_listings(
    service: Service,
    _: Moderator,
    chosen: Annotated[ListingFilter, Depends(_chosen)],
    wanted: WantedPage,
) -> Page[ListingOnTrialShown]:
    """Newest first, removed ones too. For moderators."""
    found = await service.list_page(chosen, wanted)
    return page_of(found, wanted, show=ListingOnTrialShown.of, id_of=lambda listing: listing.id)


@router.post("/{listing_id}/remove", summary="Remove a listing")
async def remove_listing(
    service: Service, known: Moderator, listing_id: UUID, why: Reasoned
) -> ListingOnTrialShown:
    """Nobody finds it any more; its seller is told, and sees why. For moderators."""
    return ListingOnTrialShown.of(await service.remove(known, listing_id, why.reason))


@router.post("/{listing_id}/restore", summary="Put a removed listing back")
async def restore_listing(
    service: Service, known: Moderator, listing_id: UUID, why: Reasoned
) -> ListingOnTrialShown:
    """To what it was before. For moderators."""
    return ListingOnTrialShown.of(await service.restore(known, listing_id, why.reason))
