"""Who asked a seller about which listing, and in which conversation."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from storage.marketplace.listings import Listing, as_seen_by, read
from storage.tables import ListingContactRow, ListingRow


async def note(
    session: AsyncSession, listing_id: UUID, user_id: UUID, conversation_id: UUID
) -> None:
    """Remember what they talk about; once more is fine."""
    await session.execute(
        insert(ListingContactRow)
        .values(listing_id=listing_id, user_id=user_id, conversation_id=conversation_id)
        .on_conflict_do_nothing()
    )


async def listings_of(
    session: AsyncSession, viewer_id: UUID, conversation_id: UUID, *, limit: int
) -> list[Listing]:
    """What a conversation is about, asked last first, in whatever state it is by now.

    For members of the conversation; who asks has to see to that.
    """
    query = (
        as_seen_by(viewer_id)
        .join(ListingContactRow, ListingContactRow.listing_id == ListingRow.id)
        .where(ListingContactRow.conversation_id == conversation_id)
        .order_by(ListingContactRow.contacted_at.desc(), ListingRow.id)
        .limit(limit)
    )
    return await read(session, query)
