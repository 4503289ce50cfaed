"""What a process holds while it runs: connections, the vault, the adapters."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from cache.failure_limiter import FailureLimiter
from cache.fallback_store import FallbackStore
from cache.feed_cache import FeedCache
from cache.key_value_store import KeyValueStore
from cache.memory_store import InMemoryStore
from cache.rate_limiter import RateLimiter
from cache.rates import Rate
from cache.redis_store import RedisStore
from domain.networks import Network
from mail.sender import MailSender
from networks.bluesky.posts import BlueskyPosts
from networks.feed import FeedEntry, FeedName, FeedPosts, FeedUnavailable
from networks.http_client import HttpClient
from networks.mastodon.statuses import MastodonStatuses
from networks.meta.facebook import FacebookPages
from networks.meta.instagram import InstagramBusiness
from networks.protocol import NetworkAdapter
from networks.x.posts import XPosts
from realtime.bus import LinkedBus, LiveBus
from realtime.link import Link
from realtime.postgres_link import PostgresLink
from realtime.redis_link import RedisLink
from runtime.metrics import Metrics
from runtime.settings import InvalidSettings, Settings, StorageProvider
from runtime.signing_in import SigningIn, mail_sender, open_signing_in
from storage import pictures
from storage.callers import Callers
from storage.database import Database, DatabaseUnavailable
from storage.feed import pages as feed_pages
from storage.feed import publishing as feed_publishing
from storage.feed.publishing import FAN_OUT_LIMIT
from storage.feed.versions import FeedVersions
from storage.media_links import MediaLinks
from storage.media_store import LocalMediaStore, MediaStore, S3MediaStore
from storage.vault import TokenVault


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Everything that is shared by the parts of one process."""

    settings: Settings
    metrics: Metrics
    database: Database
    callers: Callers
    vault: TokenVault
    media_store: MediaStore
    media_links: MediaLinks
    http: HttpClient
    adapters: Mapping[Network, NetworkAdapter]
    key_value_store: KeyValueStore
    key_requests: RateLimiter | None
    """By API key; None when they are not limited."""
    failed_authentications: FailureLimiter | None
    """By address; None when they are not limited."""
    feed_versions: FeedVersions
    feed_cache: FeedCache | None
    """None when every feed is read anew."""
    link: Link
    """Joins the processes that hold sockets; a process's Socket.IO server stands on it."""
    live: LiveBus
    """Tells people's sockets, wherever they are connected."""
    signing_in: SigningIn
    mail: MailSender | None
    """None when MAIL_PROVIDER is off."""


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Build them from the settings; nothing connects before it is used."""
    async with AsyncExitStack() as stack:
        database = Database(str(settings.database_url), pool_size=settings.database_pool_size)
        stack.push_async_callback(database.close)
        http = HttpClient(
            timeout=timedelta(seconds=settings.network_timeout_seconds),
            allow_private_addresses=settings.allow_private_addresses,
        )
        stack.push_async_callback(http.close)
        store = _key_value_store(settings)
        stack.push_async_callback(store.close)
        link = _link(settings)
        stack.push_async_callback(link.close)
        yield Resources(
            settings=settings,
            metrics=Metrics(by_workspace=settings.metrics_by_workspace),
            database=database,
            callers=Callers(database),
            vault=TokenVault([key.get_secret_value() for key in settings.credentials_keys]),
            media_store=_media_store(settings),
            media_links=MediaLinks(
                _address(settings.storage_public_base_url or settings.public_base_url),
                settings.media_url_key.get_secret_value(),
                upload_base_url=_address(settings.public_base_url),
            ),
            http=http,
            adapters=_adapters(settings, http, database),
            key_value_store=store,
            key_requests=_limiter(store, "api-key", settings.api_rate_per_minute),
            failed_authentications=_failure_limiter(store, settings),
            feed_versions=FeedVersions(
                database, cached_for=timedelta(seconds=settings.feed_cache_user_ttl_seconds)
            ),
            feed_cache=_feed_cache(store, settings),
            link=link,
            live=LinkedBus(link),
            signing_in=await stack.enter_async_context(open_signing_in(settings, database, store)),
            mail=mail_sender(settings),
        )


class StoredMedia:
    """Uploaded media as the publish path reads it."""

    def __init__(self, store: MediaStore, links: MediaLinks) -> None:
        """`store` has the bytes, `links` makes them fetchable for a while."""
        self._store = store
        self._links = links

    def reader(self, storage_key: str) -> Callable[[], Awaitable[bytes]]:
        """Something that reads the bytes when called."""

        async def read() -> bytes:
            return await self._store.read(storage_key)

        return read

    def public_url(self, media_id: UUID, lifetime: timedelta) -> str:
        """A signed link under which a network may fetch them."""
        return self._links.url_for(media_id, lifetime)


class FeedTable:
    """The built-in network's posts, in our own database."""

    def __init__(self, database: Database, *, fan_out_limit: int = FAN_OUT_LIMIT) -> None:
        """Each method is one transaction; authors with more followers are looked up by them."""
        self._database = database
        self._fan_out_limit = fan_out_limit

    async def insert_once(self, entry: FeedEntry) -> UUID:
        """Insert the post unless one with its key is there. Raises FeedUnavailable."""
        try:
            async with self._database.transaction() as session:
                return await feed_publishing.publish_for_account(
                    session,
                    account_id=entry.account_id,
                    publish_key=entry.publish_key,
                    text=entry.text,
                    media=[(file.media_id, file.alt_text) for file in entry.media],
                    fan_out_limit=self._fan_out_limit,
                )
        except DatabaseUnavailable as error:
            raise FeedUnavailable from error

    async def name_of(self, remote_id: str) -> FeedName | None:
        """What the one of that id is called now. Raises FeedUnavailable."""
        try:
            async with self._database.transaction() as session:
                page = await feed_pages.find(session, remote_id)
        except DatabaseUnavailable as error:
            raise FeedUnavailable from error
        if page is None:
            return None
        return FeedName(handle=page.handle, display_name=page.display_name)

    async def make_ready(self, media_ids: Sequence[UUID]) -> None:
        """Have the sizes of these pictures made. Raises FeedUnavailable."""
        try:
            async with self._database.transaction() as session:
                await pictures.ask_for(session, media_ids)
        except DatabaseUnavailable as error:
            raise FeedUnavailable from error

    async def find(self, publish_key: str) -> UUID | None:
        """The id of the post with that key. Raises FeedUnavailable."""
        try:
            async with self._database.transaction() as session:
                return await feed_publishing.find_by_key(session, publish_key)
        except DatabaseUnavailable as error:
            raise FeedUnavailable from error


def _adapters(
    settings: Settings, http: HttpClient, database: Database
) -> dict[Network, NetworkAdapter]:
    return {
        Network.FACEBOOK: FacebookPages(http, base_url=_address(settings.facebook_base_url)),
        Network.INSTAGRAM: InstagramBusiness(http, base_url=_address(settings.instagram_base_url)),
        Network.X: XPosts(
            http,
            base_url=_address(settings.x_base_url),
            permalink_template=settings.x_permalink_template,
        ),
        Network.BLUESKY: BlueskyPosts(
            http,
            base_url=_address(settings.bluesky_base_url),
            permalink_template=settings.bluesky_permalink_template,
        ),
        Network.MASTODON: MastodonStatuses(http),
        Network.FEED: FeedPosts(
            FeedTable(database, fan_out_limit=settings.feed_fan_out_limit),
            public_base_url=_address(settings.public_base_url),
        ),
    }


def _key_value_store(settings: Settings) -> KeyValueStore:
    if not settings.redis_enabled:
        return InMemoryStore()
    if settings.redis_url is None:
        raise InvalidSettings("REDIS_ENABLED=true needs REDIS_URL")
    redis = RedisStore(str(settings.redis_url), prefix=settings.redis_key_prefix)
    return FallbackStore(redis, InMemoryStore())


def _feed_cache(store: KeyValueStore, settings: Settings) -> FeedCache | None:
    if not settings.feed_cache_enabled:
        return None
    return FeedCache(
        store,
        user_ttl=timedelta(seconds=settings.feed_cache_user_ttl_seconds),
        trending_ttl=timedelta(seconds=settings.feed_cache_trending_ttl_seconds),
    )


def _link(settings: Settings) -> Link:
    if not settings.redis_socket_adapter_enabled:
        return PostgresLink(str(settings.database_url), channel="punctual_live")
    if settings.redis_url is None:
        raise InvalidSettings("REDIS_SOCKET_ADAPTER_ENABLED=true needs REDIS_URL")
    return RedisLink(str(settings.redis_url), channel=f"{settings.redis_key_prefix}live")


def _limiter(store: KeyValueStore, name: str, per_minute: int) -> RateLimiter | None:
    return RateLimiter(store, name=name, rate=Rate.per_minute(per_minute)) if per_minute else None


def _failure_limiter(store: KeyValueStore, settings: Settings) -> FailureLimiter | None:
    limiter = _limiter(store, "failed-authentication", settings.api_failed_auth_per_minute)
    return FailureLimiter(limiter) if limiter else None


def _media_store(settings: Settings) -> MediaStore:
    if settings.storage_provider is StorageProvider.LOCAL:
        return LocalMediaStore(settings.storage_base_path)
    if not (settings.s3_bucket and settings.s3_access_key_id and settings.s3_secret_access_key):
        raise InvalidSettings("STORAGE_PROVIDER=s3 needs a bucket and its keys")
    return S3MediaStore(
        bucket=settings.s3_bucket,
        region=settings.s3_region,
        endpoint=_address(settings.s3_endpoint) if settings.s3_endpoint else None,
        public_endpoint=(
            _address(settings.s3_public_endpoint) if settings.s3_public_endpoint else None
        ),
        access_key_id=settings.s3_access_key_id.get_secret_value(),
        secret_access_key=settings.s3_secret_access_key.get_secret_value(),
        force_path_style=settings.s3_force_path_style,
    )


def _address(url: object) -> str:
    return str(url).rstrip("/")
