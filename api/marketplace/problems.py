"""Why something cannot be done with a listing."""

from collections.abc import Sequence
from uuid import UUID

from api.problems import Conflict, FieldProblem, InvalidRequest, NotFound
from domain.listings import ListingStatus


class NoSuchListing(NotFound):
    """None that the user may see, or change."""

    def __init__(self, listing_id: UUID) -> None:
        """See Problem."""
        super().__init__("listing", listing_id, place="that is yours or for sale")


class CannotMove(Conflict):
    """A status from which there is no way to the other."""

    def __init__(self, now: ListingStatus, wanted: ListingStatus) -> None:
        """See Problem."""
        super().__init__(
            f"A listing that is {now} cannot become {wanted}.",
            slug="listing-status",
            title="Not from this status",
        )


class CannotChange(Conflict):
    """What it says is settled."""

    def __init__(self, now: ListingStatus) -> None:
        """See Problem."""
        super().__init__(
            f"A listing that is {now} cannot be changed.",
            slug="listing-settled",
            title="The listing is settled",
        )


class NotForSale(Conflict):
    """Too late to ask."""

    def __init__(self) -> None:
        """See Problem."""
        super().__init__(
            "This is not for sale any more.", slug="not-for-sale", title="Not for sale"
        )


class OwnListing(Conflict):
    """Nobody asks themselves."""

    def __init__(self) -> None:
        """See Problem."""
        super().__init__("This listing is your own.", slug="own-listing", title="Your own listing")


def unusable_images(positions: Sequence[int]) -> InvalidRequest:
    """Media items that are not the seller's, or were named before."""
    return InvalidRequest(
        *(
            FieldProblem(
                field=f"media_ids[{position}]",
                rule="unknown_media",
                message="You have uploaded no media item of this id, or named it twice.",
                fix="Upload it first, and send the id that you get, once.",
            )
            for position in positions
        )
    )


def currency_needed(field: str) -> InvalidRequest:
    """Prices of different currencies do not compare."""
    return InvalidRequest(
        FieldProblem(
            field="currency",
            rule="missing",
            message=f"Prices compare within one currency only, and {field} needs that.",
            fix="Send currency too, such as EUR.",
        )
    )


def words_needed() -> InvalidRequest:
    """Relevance to nothing."""
    return InvalidRequest(
        FieldProblem(
            field="q",
            rule="missing",
            message="Relevance is relevance to words.",
            fix="Send q, or sort otherwise.",
        )
    )
