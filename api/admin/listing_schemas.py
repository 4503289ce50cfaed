"""Listings as moderators see them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field

from domain.listings import ListingStatus
from storage.moderation.listings import ListingOnTrial


class ListingOnTrialShown(BaseModel):
    """One listing, whatever became of it."""

    id: UUID
    seller_id: UUID
    seller_handle: str
    title: str
    description: str
    price: Annotated[Decimal, Field(description="Exact, as text.")]
    currency: str
    status: ListingStatus
    removal_reason: str | None
    created_at: datetime

    @classmethod
    def of(cls, listing: ListingOnTrial) -> Self:
        """As it is shown."""
        return cls.model_validate(listing, from_attributes=True)
