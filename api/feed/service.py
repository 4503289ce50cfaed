"""Reads what is public on the built-in network."""

from uuid import UUID

from api.pagination import PageRequest
from api.problems import Problem
from storage import feed
from storage.database import Database
from storage.feed import FeedPost


class NoSuchFeedPost(Problem):
    """Nothing is public under that id."""

    def __init__(self, feed_post_id: UUID) -> None:
        """See Problem."""
        super().__init__(
            f"There is no feed post {feed_post_id}.",
            status=404,
            slug="not-found",
            title="Not found",
        )


class FeedService:
    """What anybody may read of the feed."""

    def __init__(self, database: Database) -> None:
        """Everything it reads is in that database."""
        self._database = database

    async def read(self, feed_post_id: UUID) -> FeedPost:
        """One public post. Raises NoSuchFeedPost."""
        async with self._database.transaction() as session:
            post = await feed.get(session, feed_post_id)
        if post is None:
            raise NoSuchFeedPost(feed_post_id)
        return post

    async def list_page(self, account_id: UUID, wanted: PageRequest) -> list[FeedPost]:
        """One profile's posts, newest first."""
        async with self._database.transaction() as session:
            return await feed.list_by_account(
                session, account_id, before=wanted.before, limit=wanted.fetch
            )
