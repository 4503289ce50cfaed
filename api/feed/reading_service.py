"""Feeds and lists of posts. Home feeds and trends are kept as bytes for a while, if so set."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from api.feed.problems import no_such_person, no_such_post
from api.feed.schemas import FeedEntryShown, FeedPostShown, TrendingHashtags, TrendingPosts
from api.pagination import Page, PageRequest, encode_cursor
from cache.feed_cache import FeedCache
from domain.mentions import folded_hashtag
from storage.database import Database
from storage.feed import home, lists, people, posts, trends
from storage.feed.home import FeedEntry
from storage.feed.lists import ListedPost
from storage.feed.posts import FeedPost
from storage.feed.versions import FeedVersions
from storage.media_links import MediaLinks

Viewer = UUID | None
"""Who reads; None for somebody who is not signed in."""


class FeedReading:
    """What people read. Each list costs two statements, however long it is."""

    def __init__(
        self,
        database: Database,
        links: MediaLinks,
        versions: FeedVersions,
        cache: FeedCache | None,
    ) -> None:
        """Without a `cache` everything is read anew."""
        self._database = database
        self._links = links
        self._versions = versions
        self._cache = cache

    async def home(self, viewer: UUID, wanted: PageRequest) -> bytes:
        """A page of the reader's home feed, as it is sent."""

        async def make() -> bytes:
            return (await self._home(viewer, wanted)).model_dump_json().encode()

        what = f"home:{wanted.limit}:{wanted.before or ''}"
        return await self._kept(viewer, what, make)

    async def trending_posts(self, viewer: Viewer, limit: int) -> bytes:
        """What people are busy with, as it is sent."""

        async def make() -> bytes:
            async with self._database.transaction() as session:
                ids = await trends.trending_posts(session, viewer, limit=limit)
                found = await posts.load(session, viewer, ids)
            shown = [found[post_id] for post_id in ids if post_id in found]
            return TrendingPosts.of(shown, self._links).model_dump_json().encode()

        what = f"trending-posts:{limit}"
        if viewer is None:
            return await self._kept_for_everybody(what, make)
        return await self._kept(viewer, what, make)

    async def trending_hashtags(self, limit: int) -> bytes:
        """Hashtags that are used a lot, as they are sent."""

        async def make() -> bytes:
            async with self._database.transaction() as session:
                found = await trends.trending_hashtags(session, limit=limit)
            return TrendingHashtags.of(found).model_dump_json().encode()

        return await self._kept_for_everybody(f"trending-hashtags:{limit}", make)

    async def post(self, viewer: Viewer, post_id: UUID) -> FeedPost:
        """One post. Raises NotFound."""
        async with self._database.transaction() as session:
            found = await posts.find(session, viewer, post_id)
        if found is None:
            raise no_such_post(post_id)
        return found

    async def profile_posts(
        self, viewer: Viewer, user_id: UUID, wanted: PageRequest
    ) -> Page[FeedEntryShown]:
        """What one person published and reposted, newest first. Raises NotFound."""
        async with self._database.transaction() as session:
            entries = await home.list_profile(
                session, viewer, user_id, before=wanted.before, limit=wanted.fetch
            )
            found = await posts.load(session, viewer, [entry.post_id for entry in entries])
            if not entries and await people.find_profile(session, viewer, user_id) is None:
                raise no_such_person(user_id)
        return self._entries(entries, found, wanted)

    async def account_posts(
        self, viewer: Viewer, account_id: UUID, wanted: PageRequest
    ) -> Page[FeedPostShown]:
        """What was published through one account, newest first."""
        async with self._database.transaction() as session:
            listed = await lists.list_of_account(
                session, viewer, account_id, before=wanted.before, limit=wanted.fetch
            )
            found = await posts.load(session, viewer, [one.post_id for one in listed])
        return self._posts(listed, found, wanted)

    async def hashtag_posts(
        self, viewer: Viewer, hashtag: str, wanted: PageRequest
    ) -> Page[FeedPostShown]:
        """Posts with that hashtag, newest first."""
        async with self._database.transaction() as session:
            listed = await lists.list_of_hashtag(
                session,
                viewer,
                folded_hashtag(hashtag),
                before=wanted.before,
                limit=wanted.fetch,
            )
            found = await posts.load(session, viewer, [one.post_id for one in listed])
        return self._posts(listed, found, wanted)

    async def bookmarks(self, viewer: UUID, wanted: PageRequest) -> Page[FeedPostShown]:
        """What somebody keeps for later, latest kept first."""
        async with self._database.transaction() as session:
            listed = await lists.list_bookmarks(
                session, viewer, before=wanted.before, limit=wanted.fetch
            )
            found = await posts.load(session, viewer, [one.post_id for one in listed])
        return self._posts(listed, found, wanted)

    async def _home(self, viewer: UUID, wanted: PageRequest) -> Page[FeedEntryShown]:
        async with self._database.transaction() as session:
            entries = await home.list_home(
                session, viewer, before=wanted.before, limit=wanted.fetch
            )
            found = await posts.load(session, viewer, [entry.post_id for entry in entries])
        return self._entries(entries, found, wanted)

    async def _kept(self, viewer: UUID, what: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        if self._cache is None:
            return await make()
        version = await self._versions.of(viewer)
        return await self._cache.of_user(viewer, version, what, make)

    async def _kept_for_everybody(self, what: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        if self._cache is None:
            return await make()
        version = await self._versions.for_everybody()
        return await self._cache.of_everybody(version, what, make)

    def _entries(
        self, entries: Sequence[FeedEntry], found: dict[UUID, FeedPost], wanted: PageRequest
    ) -> Page[FeedEntryShown]:
        """What vanished between the two statements is left out; the cursor holds all the same."""
        shown = entries[: wanted.limit]
        return Page[FeedEntryShown](
            items=[
                FeedEntryShown.of(entry, found[entry.post_id], self._links)
                for entry in shown
                if entry.post_id in found
            ],
            next_cursor=encode_cursor(shown[-1].id) if len(entries) > wanted.limit else None,
        )

    def _posts(
        self, listed: Sequence[ListedPost], found: dict[UUID, FeedPost], wanted: PageRequest
    ) -> Page[FeedPostShown]:
        shown = listed[: wanted.limit]
        return Page[FeedPostShown](
            items=[
                FeedPostShown.of(found[one.post_id], self._links)
                for one in shown
                if one.post_id in found
            ],
            next_cursor=encode_cursor(shown[-1].place) if len(listed) > wanted.limit else None,
        )
