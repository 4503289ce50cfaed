"""What people say of listings."""

from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from api.chat.schemas import MessageText
from api.texts import Name, PlainText
from domain.listings import (
    DESCRIPTION_AT_MOST,
    IMAGES_AT_MOST,
    Category,
    Condition,
)
from domain.money import Money, known_currency, parse_money
from storage.marketplace.listings import Offer, Place

_COORDINATE_DIGITS: Final = 3
"""About 100 m: near enough to meet, too far to tell the door."""

Title = Annotated[Name, Field(examples=["Bread oven, hardly used"])]
Description = Annotated[PlainText, Field(max_length=DESCRIPTION_AT_MOST)]
Currency = Annotated[
    str,
    StringConstraints(min_length=3, max_length=3),
    AfterValidator(known_currency),
    Field(description="ISO 4217, in capitals.", examples=["EUR"]),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PriceBody(_Strict):
    """An exact amount; nothing asked is 0."""

    amount: Annotated[
        str,
        Field(
            max_length=40,
            description="Digits, with no more after the point than the currency has."
            " Always a string: numbers of JSON lose digits.",
            examples=["249.90"],
        ),
    ]
    currency: Currency

    @model_validator(mode="after")
    def _require_money(self) -> Self:
        self.money()
        return self

    def money(self) -> Money:
        """The amount, exactly. Raises InvalidMoney."""
        return parse_money(self.amount, self.currency)


class PlaceBody(_Strict):
    """Where the thing is; coordinates are kept to about 100 m."""

    name: Annotated[Name, Field(examples=["Leipzig"])]
    latitude: Annotated[float | None, Field(ge=-90, le=90, allow_inf_nan=False)] = None
    longitude: Annotated[float | None, Field(ge=-180, le=180, allow_inf_nan=False)] = None

    @model_validator(mode="after")
    def _require_both(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("Coordinates are two: send both, or neither.")
        return self

    def place(self) -> Place:
        """As it is kept."""

        def kept(degrees: float | None) -> float | None:
            return None if degrees is None else round(degrees, _COORDINATE_DIGITS)

        return Place(name=self.name, latitude=kept(self.latitude), longitude=kept(self.longitude))


class NewListing(_Strict):
    """Something to sell."""

    title: Title
    description: Description = ""
    price: PriceBody
    condition: Condition
    category: Category
    place: PlaceBody
    status: Annotated[
        Literal["draft", "active"], Field(description="A draft is seen by nobody else.")
    ] = "draft"

    def offer(self) -> Offer:
        """As it is kept."""
        return Offer(
            title=self.title,
            description=self.description,
            price=self.price.money(),
            condition=self.condition,
            category=self.category,
            place=self.place.place(),
        )


class ListingChange(_Strict):
    """What is different; what is left out stays."""

    title: Title | None = None
    description: Description | None = None
    price: PriceBody | None = None
    condition: Condition | None = None
    category: Category | None = None
    place: PlaceBody | None = None

    def applied_to(self, offer: Offer) -> Offer:
        """The offer as it is with the change."""
        return Offer(
            title=offer.title if self.title is None else self.title,
            description=offer.description if self.description is None else self.description,
            price=offer.price if self.price is None else self.price.money(),
            condition=offer.condition if self.condition is None else self.condition,
            category=offer.category if self.category is None else self.category,
            place=offer.place if self.place is None else self.place.place(),
        )


class StatusChange(_Strict):
    """What becomes of it."""

    status: Literal["active", "sold", "withdrawn"]


class ListingImages(_Strict):
    """Which pictures it shows."""

    media_ids: Annotated[
        list[UUID],
        Field(
            max_length=IMAGES_AT_MOST,
            description="Media items of your own, in the order in which they are shown.",
        ),
    ]


class ContactBody(_Strict):
    """A first message; without one the conversation is opened only."""

    client_id: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=64,
            pattern=r"^[A-Za-z0-9_.-]+$",
            description="Your own name for the message: sent again under it, it is sent once.",
        ),
    ] = None
    text: MessageText = ""

    @model_validator(mode="after")
    def _require_name(self) -> Self:
        if self.text.strip() and self.client_id is None:
            raise ValueError("A message needs a client_id, so that it is sent once.")
        return self
