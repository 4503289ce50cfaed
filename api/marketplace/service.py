"""Listings: what their sellers do with them, and what everybody else does."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.chat.groups import ConversationService
from api.chat.problems import NoSuchConversation
from api.chat.schemas import NewMessageBody
from api.chat.service import MessageService
from api.idempotency import Once, claim_id
from api.marketplace.problems import (
    CannotChange,
    CannotMove,
    NoSuchListing,
    NotForSale,
    OwnListing,
    unusable_images,
)
from api.marketplace.schemas import ContactBody, ListingChange
from api.marketplace.shown import ContactShown
from api.pagination import PageRequest
from domain.listings import EDITABLE, SELLER_MOVES, ListingOrder, ListingStatus
from storage import media as media_rows
from storage.chat import conversations
from storage.database import Database
from storage.marketplace import contacts, favourites, listings, searching
from storage.marketplace.favourites import Favourite
from storage.marketplace.listings import Listing, Offer
from storage.marketplace.searching import Hit, SearchCursor, Wanted

TALKED_ABOUT: Final = 20
"""Listings of one conversation that are told of."""


class SellingService:
    """What sellers do. Each act is one transaction; others' listings are not to be found."""

    def __init__(self, database: Database) -> None:
        """Everything is in that database."""
        self._database = database

    async def create(
        self, user_id: UUID, offer: Offer, status: ListingStatus, once: Once | None
    ) -> Listing:
        """Offer something, or answer with what was offered under the key before.

        Raises IdempotencyKeyReused; NoSuchListing when that one was deleted since.
        """
        async with self._database.transaction() as session:
            listing_id, new = await claim_id(session, user_id, once)
            if new:
                await listings.create(session, listing_id, user_id, offer, status)
            return await self._own(session, user_id, listing_id)

    async def list_own(
        self, user_id: UUID, status: ListingStatus | None, wanted: PageRequest
    ) -> list[Listing]:
        """The seller's own, in any state, put up last first."""
        async with self._database.transaction() as session:
            return await listings.list_own(
                session, user_id, status=status, before=wanted.before, limit=wanted.fetch
            )

    async def change(self, user_id: UUID, listing_id: UUID, change: ListingChange) -> Listing:
        """Say something else of it. Raises NoSuchListing, CannotChange."""
        async with self._database.transaction() as session:
            listing = await self._editable(session, user_id, listing_id)
            await listings.change(session, listing_id, change.applied_to(listing.offer))
            return await self._own(session, user_id, listing_id)

    async def move(self, user_id: UUID, listing_id: UUID, status: ListingStatus) -> Listing:
        """Give it another status; the one that it has is fine. Raises NoSuchListing, CannotMove."""
        async with self._database.transaction() as session:
            listing = await self._own(session, user_id, listing_id)
            if listing.status is status:
                return listing
            if status not in SELLER_MOVES[listing.status]:
                raise CannotMove(listing.status, status)
            await listings.move(session, listing_id, status)
            return await self._own(session, user_id, listing_id)

    async def show_images(
        self, user_id: UUID, listing_id: UUID, media_ids: Sequence[UUID]
    ) -> Listing:
        """Have it show these pictures. Raises NoSuchListing, CannotChange, InvalidRequest."""
        async with self._database.transaction() as session:
            await self._editable(session, user_id, listing_id)
            usable = await media_rows.find_of_user_to_use(session, user_id, media_ids)
            wrong = [
                position
                for position, media_id in enumerate(media_ids)
                if media_id not in usable or media_id in media_ids[:position]
            ]
            if wrong:
                raise unusable_images(wrong)
            await listings.show_images(session, listing_id, media_ids)
            return await self._own(session, user_id, listing_id)

    async def delete(self, user_id: UUID, listing_id: UUID) -> None:
        """Forget it. Raises NoSuchListing, and CannotChange once a moderator has removed it."""
        async with self._database.transaction() as session:
            listing = await self._own(session, user_id, listing_id)
            if listing.status is ListingStatus.REMOVED:
                raise CannotChange(listing.status)
            await listings.remove_for_good(session, listing_id)

    async def _editable(self, session: AsyncSession, user_id: UUID, listing_id: UUID) -> Listing:
        listing = await self._own(session, user_id, listing_id)
        if listing.status not in EDITABLE:
            raise CannotChange(listing.status)
        return listing

    async def _own(self, session: AsyncSession, user_id: UUID, listing_id: UUID) -> Listing:
        listing = await listings.find_own(session, user_id, listing_id)
        if listing is None:
            raise NoSuchListing(listing_id)
        return listing


class BuyingService:
    """What people do with listings that they can see."""

    def __init__(
        self, database: Database, talking: ConversationService, messages: MessageService
    ) -> None:
        """`talking` and `messages` are how sellers are asked."""
        self._database = database
        self._talking = talking
        self._messages = messages

    async def read(self, user_id: UUID, listing_id: UUID) -> Listing:
        """One's own, or one that others show. Raises NoSuchListing."""
        async with self._database.transaction() as session:
            return await self._seen(session, user_id, listing_id)

    async def search(
        self,
        user_id: UUID,
        wanted: Wanted,
        *,
        order: ListingOrder,
        after: SearchCursor | None,
        limit: int,
    ) -> list[Hit]:
        """What is for sale, in that order."""
        async with self._database.transaction() as session:
            return await searching.search(
                session, user_id, wanted, order=order, after=after, limit=limit
            )

    async def mark(self, user_id: UUID, listing_id: UUID) -> None:
        """Make it a favourite; once more is fine. Raises NoSuchListing."""
        async with self._database.transaction() as session:
            await self._seen(session, user_id, listing_id)
            await favourites.mark(session, user_id, listing_id)

    async def unmark(self, user_id: UUID, listing_id: UUID) -> None:
        """Let go of it; once more is fine."""
        async with self._database.transaction() as session:
            await favourites.unmark(session, user_id, listing_id)

    async def list_favourites(self, user_id: UUID, wanted: PageRequest) -> list[Favourite]:
        """One's own, marked last first."""
        async with self._database.transaction() as session:
            return await favourites.list_page(
                session, user_id, before=wanted.before, limit=wanted.fetch
            )

    async def count_favourites(self, user_id: UUID) -> int:
        """How many there are in that list."""
        async with self._database.transaction() as session:
            return await favourites.count(session, user_id)

    async def contact(self, user_id: UUID, listing_id: UUID, body: ContactBody) -> ContactShown:
        """Ask the seller about it, in the direct conversation of the two; once more is fine.

        Three transactions, each of which may be repeated, so whoever is cut off asks again. Raises
        NoSuchListing, OwnListing, NotForSale, NotReachable.
        """
        listing = await self.read(user_id, listing_id)
        if listing.seller.user_id == user_id:
            raise OwnListing
        if listing.status is not ListingStatus.ACTIVE:
            raise NotForSale
        opened, _ = await self._talking.open_direct(user_id, listing.seller.user_id)
        async with self._database.transaction() as session:
            await self._seen(session, user_id, listing_id)
            await contacts.note(session, listing_id, user_id, opened.id)
        message_id = None
        if body.client_id is not None and body.text.strip():
            message = NewMessageBody(client_id=body.client_id, text=body.text)
            sent = await self._messages.send(user_id, opened.id, message)
            message_id = sent.message.id
        return ContactShown(conversation_id=opened.id, listing_id=listing_id, message_id=message_id)

    async def talked_about(self, user_id: UUID, conversation_id: UUID) -> list[Listing]:
        """What a conversation of one's own is about. Raises NoSuchConversation."""
        async with self._database.transaction() as session:
            if await conversations.membership(session, conversation_id, user_id) is None:
                raise NoSuchConversation(conversation_id)
            return await contacts.listings_of(session, user_id, conversation_id, limit=TALKED_ABOUT)

    async def _seen(self, session: AsyncSession, user_id: UUID, listing_id: UUID) -> Listing:
        listing = await listings.find(session, user_id, listing_id)
        if listing is None:
            raise NoSuchListing(listing_id)
        return listing
