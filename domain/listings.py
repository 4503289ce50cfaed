"""What people offer on the marketplace: its words, and what may become of it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

DESCRIPTION_AT_MOST: Final = 10_000
"""Characters."""
IMAGES_AT_MOST: Final = 10
"""Of one listing."""


class ListingStatus(StrEnum):
    """Where a listing stands."""

    DRAFT = "draft"
    """Seen by its seller only."""
    ACTIVE = "active"
    """For sale: found by everybody."""
    SOLD = "sold"
    """Found no more, but still seen by those who know it."""
    WITHDRAWN = "withdrawn"
    """Not for sale; seen by its seller only."""
    REMOVED = "removed"
    """By a moderator; its seller sees that, and cannot change it."""


PUBLIC: Final = frozenset({ListingStatus.ACTIVE, ListingStatus.SOLD})
"""What others than the seller may see."""

EDITABLE: Final = frozenset({ListingStatus.DRAFT, ListingStatus.ACTIVE, ListingStatus.WITHDRAWN})
"""What its seller may change: who bought a thing can still read what was offered."""

SELLER_MOVES: Final[Mapping[ListingStatus, frozenset[ListingStatus]]] = {
    ListingStatus.DRAFT: frozenset({ListingStatus.ACTIVE}),
    ListingStatus.ACTIVE: frozenset({ListingStatus.SOLD, ListingStatus.WITHDRAWN}),
    ListingStatus.SOLD: frozenset({ListingStatus.ACTIVE}),
    ListingStatus.WITHDRAWN: frozenset({ListingStatus.ACTIVE, ListingStatus.SOLD}),
    ListingStatus.REMOVED: frozenset(),
}
"""Every move that a seller may make; a sale that fell through is offered again."""


class Condition(StrEnum):
    """How used a thing is."""

    NEW = "new"
    LIKE_NEW = "like_new"
    GOOD = "good"
    FAIR = "fair"
    FOR_PARTS = "for_parts"


class Category(StrEnum):
    """What kind of thing it is. New ones may be added; none is ever taken away."""

    ANIMALS = "animals"
    ART_AND_CRAFT = "art_and_craft"
    BABY_AND_CHILD = "baby_and_child"
    BOOKS_FILMS_AND_MUSIC = "books_films_and_music"
    CLOTHING = "clothing"
    COLLECTIBLES = "collectibles"
    ELECTRONICS = "electronics"
    FOOD = "food"
    FURNITURE = "furniture"
    GAMES_AND_TOYS = "games_and_toys"
    GARDEN = "garden"
    HEALTH_AND_BEAUTY = "health_and_beauty"
    HOME = "home"
    INSTRUMENTS = "instruments"
    OFFICE = "office"
    SERVICES = "services"
    SPORT_AND_LEISURE = "sport_and_leisure"
    TICKETS = "tickets"
    TOOLS = "tools"
    VEHICLES = "vehicles"
    OTHER = "other"


class ListingOrder(StrEnum):
    """How search results are sorted."""

    NEWEST = "newest"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    RELEVANCE = "relevance"


BY_PRICE: Final = frozenset({ListingOrder.PRICE_ASC, ListingOrder.PRICE_DESC})
"""Orders that make sense within one currency only."""
