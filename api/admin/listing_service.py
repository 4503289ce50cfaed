"""Moderators look at listings, take them away and give them back."""

from collections.abc import Sequence
from uuid import UUID

from api.admin.guard import actor_of
from api.auth.service import SignedIn
from api.pagination import PageRequest
from api.problems import NotFound
from domain.ids import new_id
from domain.moderation import Act
from domain.notifications import NotificationKind, SubjectType
from storage.database import Database
from storage.marketplace import moderating
from storage.moderation import audit, listings
from storage.moderation.listings import ListingFilter, ListingOnTrial
from storage.notifications.deciding import notify


class AdminListings:
    """Each method is one transaction, with its entry in the audit log."""

    def __init__(self, database: Database) -> None:
        """`database` keeps listings."""
        self._database = database

    async def list_page(
        self, chosen: ListingFilter, wanted: PageRequest
    ) -> Sequence[ListingOnTrial]:
        """Listings, newest first."""
        async with self._database.transaction() as session:
            return await listings.list_page(
                session, chosen, before=wanted.before, limit=wanted.fetch
            )

    async def remove(self, by: SignedIn, listing_id: UUID, reason: str) -> ListingOnTrial:
        """Take it out of everybody's sight; its seller hears of it. Raises NotFound."""
        return await self._judge(by, listing_id, Act.REMOVE_LISTING, reason)

    async def restore(self, by: SignedIn, listing_id: UUID, reason: str) -> ListingOnTrial:
        """Put it back to what it was. Raises NotFound."""
        return await self._judge(by, listing_id, Act.RESTORE_LISTING, reason)

    async def _judge(self, by: SignedIn, listing_id: UUID, act: Act, reason: str) -> ListingOnTrial:
        async with self._database.transaction() as session:
            before = await listings.find(session, listing_id)
            if before is None:
                raise NotFound("listing", listing_id, place="here")
            if act is Act.RESTORE_LISTING:
                await moderating.restore(session, listing_id)
            elif await moderating.remove(session, listing_id, reason):
                await notify(
                    session,
                    NotificationKind.CONTENT_REMOVED,
                    user_ids=[before.seller_id],
                    actor_id=None,
                    subject_type=SubjectType.LISTING,
                    subject_id=listing_id,
                    cause_id=new_id(),
                )
            after = await listings.find(session, listing_id)
            if after is None:
                raise LookupError("a listing vanished while it was locked")
            await audit.record(
                session,
                actor_of(by),
                act,
                subject_type="listing",
                subject_id=listing_id,
                reason=reason,
                before={"status": before.status},
                after={"status": after.status},
            )
        return after
