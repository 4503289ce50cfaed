"""How listings are shown."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field

from domain.listings import Category, Condition, ListingStatus
from domain.money import Money
from domain.pictures import PictureStatus
from storage.marketplace.listings import Listing
from storage.media_links import MediaLinks
from storage.pictures import Picture


class ContactShown(BaseModel):
    """Where the two talk."""

    conversation_id: UUID
    listing_id: UUID
    message_id: Annotated[UUID | None, Field(description="Null when no text was sent.")]


class PriceShown(BaseModel):
    """An exact amount."""

    amount: Annotated[str, Field(description="With all digits of its currency.")]
    currency: Annotated[str, Field(description="ISO 4217.", examples=["EUR"])]

    @classmethod
    def of(cls, money: Money) -> Self:
        """As it is shown."""
        return cls(amount=money.text, currency=money.currency)


class PlaceShown(BaseModel):
    """Where the thing is."""

    name: str
    latitude: float | None
    longitude: float | None


class SellerShown(BaseModel):
    """Who offers it."""

    user_id: UUID
    handle: str
    display_name: str


class ImageSizeShown(BaseModel):
    """One size of a picture."""

    width: Annotated[int, Field(description="Pixels.")]
    height: Annotated[int, Field(description="Pixels.")]
    url: Annotated[str, Field(description="Works for a week at least, without a token; cache it.")]


class ImageShown(BaseModel):
    """A picture of a listing: upright, without anything hidden in it."""

    media_id: UUID
    status: PictureStatus
    failure: Annotated[str | None, Field(description="Why it could not be made ready.")]
    alt_text: str
    sizes: Annotated[
        dict[str, ImageSizeShown],
        Field(description="small, medium and large: 320, 800 and 1600 pixels at most; WebP."),
    ]

    @classmethod
    def of(cls, picture: Picture, links: MediaLinks) -> Self:
        """As it is shown."""
        urls = links.picture_urls(picture.media_id, picture.sizes)
        return cls(
            media_id=picture.media_id,
            status=picture.status,
            failure=picture.failure,
            alt_text=picture.alt_text,
            sizes={
                name: ImageSizeShown(width=size.width, height=size.height, url=urls[name])
                for name, size in picture.sizes.items()
            },
        )


class ListingShown(BaseModel):
    """Something that is, or was, for sale."""

    id: UUID
    seller: SellerShown
    title: str
    description: str
    price: PriceShown
    condition: Condition
    category: Category
    place: PlaceShown
    status: ListingStatus
    removal_reason: Annotated[
        str | None, Field(description="Why a moderator removed it; told to its seller only.")
    ]
    images: Annotated[
        list[ImageShown], Field(description="To others than the seller those that are ready.")
    ]
    favourite_count: int
    is_favourite: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, listing: Listing, viewer_id: UUID, links: MediaLinks) -> Self:
        """As the viewer sees it."""
        offer, is_own = listing.offer, listing.seller.user_id == viewer_id
        return cls(
            id=listing.id,
            seller=SellerShown(
                user_id=listing.seller.user_id,
                handle=listing.seller.handle,
                display_name=listing.seller.display_name,
            ),
            title=offer.title,
            description=offer.description,
            price=PriceShown.of(offer.price),
            condition=offer.condition,
            category=offer.category,
            place=PlaceShown(
                name=offer.place.name,
                latitude=offer.place.latitude,
                longitude=offer.place.longitude,
            ),
            status=listing.status,
            removal_reason=listing.removal_reason if is_own else None,
            images=[
                ImageShown.of(picture, links)
                for picture in listing.images
                if is_own or picture.status is PictureStatus.READY
            ],
            favourite_count=listing.favourite_count,
            is_favourite=listing.is_favourite,
            created_at=listing.created_at,
            updated_at=listing.updated_at,
        )


class Count(BaseModel):
    """How many."""

    count: int
