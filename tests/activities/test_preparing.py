"""What is done ahead of time is used at the moment, and made again when the text changed."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from temporalio.exceptions import ApplicationError

from activities.decisions import AT_ONCE, RECONNECT_POLL
from activities.refusals import PREPARE_RETRY
from contracts.failures import FailureType
from domain.content import Attachment, Content, ThreadPart
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from networks.errors import (
    AccountDisconnected,
    ContentRefused,
    CredentialsExpired,
    MediaNotReady,
    NetworkError,
    RateLimited,
    TryLater,
)
from networks.protocol import Connection, NetworkAdapter
from storage.database import Database
from storage.jobs import JobKind
from storage.media_store import MediaMissing, MediaStoreError, MediaStoreUnavailable
from storage.posts import Delivery
from storage.tables import JobRow, PictureRow
from tests.activities.conftest import Networks, NewDispatcher, PictureShelf
from tests.activities.dispatcher import Dispatcher
from tests.activities.scripted_adapter import (
    SearchableNetwork,
    TwoStepNetwork,
    receipt,
    refusal,
    renewed,
)
from tests.activities.written_posts import Author


@pytest.fixture
async def delivery(author: Author, two_step: TwoStepNetwork) -> Delivery:
    """A delivery that has something to prepare, due now."""
    two_step.needs_media = True
    return (await author.write(await author.connect(Network.INSTAGRAM))).deliveries[0]


@pytest.mark.parametrize("network", [one for one in Network if one is not Network.FEED])
async def test_what_was_prepared_ahead_is_what_is_published(
    dispatcher: Dispatcher,
    networks: Networks,
    author: Author,
    pictures: PictureShelf,
    network: Network,
) -> None:
    account = await networks.connect(network)
    media_id = await author.upload(pictures.content)
    content = Content(text="Bread", media=(Attachment(media_id=media_id),))
    (delivery,) = (await author.write(account, content=content)).deliveries
    await dispatcher.prepare(delivery)
    assert await networks.public(account) == []
    assert (await author.stored(delivery.id)).status is DeliveryStatus.PREPARING
    # From here on nothing can be uploaded any more.
    for operation in ("upload", "container"):
        await networks.fault(account, "answer", operation=operation, status=500, times=None)
    published = await dispatcher.publish(delivery)
    assert published.waits == []
    assert len(await networks.public(account)) == 1


async def test_the_sizes_of_a_feed_posts_picture_are_asked_for_ahead_and_once(
    dispatcher: Dispatcher,
    networks: Networks,
    author: Author,
    pictures: PictureShelf,
    database: Database,
) -> None:
    account = await networks.connect(Network.FEED)
    media_id = await author.upload(pictures.content)
    content = Content(text="Bread", media=(Attachment(media_id=media_id),))
    (delivery,) = (await author.write(account, content=content)).deliveries
    asked = select(JobRow.subject_id).where(JobRow.kind == JobKind.MAKE_IMAGES)
    await dispatcher.prepare(delivery)
    assert await networks.public(account) == []
    for _ in range(2):
        async with database.transaction() as session:
            assert (await session.scalars(asked)).all() == [media_id]
            assert (await session.get_one(PictureRow, media_id)).status == "processing"
        await dispatcher.publish(delivery)
    assert len(await networks.public(account)) == 1


async def test_an_edit_after_preparing_prepares_again(
    dispatcher: Dispatcher, networks: Networks, author: Author, pictures: PictureShelf
) -> None:
    account = await networks.connect(Network.INSTAGRAM)
    media = (Attachment(media_id=await author.upload(pictures.content)),)
    (delivery,) = (await author.write(account, content=Content(text="Old", media=media))).deliveries
    await dispatcher.prepare(delivery)
    await author.edit(delivery.post_id, Content(text="New", media=media))
    assert (await dispatcher.publish(delivery)).waits == []
    (public,) = await networks.public(account)
    assert public["text"] == "New"


async def test_each_part_is_kept_as_soon_as_it_is_prepared(
    scripted: Dispatcher, two_step: TwoStepNetwork, author: Author
) -> None:
    two_step.needs_media = True
    content = Content(text="One", thread=(ThreadPart(text="Two"),))
    account = await author.connect(Network.INSTAGRAM)
    (delivery,) = (await author.write(account, content=content)).deliveries
    two_step.prepares.then({"container": "c1"}, refusal(TryLater))
    with pytest.raises(ApplicationError):
        await scripted.prepare(delivery)
    two_step.prepares.then({"container": "c2"})
    two_step.sends.then(receipt(1), receipt(2))
    await scripted.publish(delivery)
    assert [one.prepared["container"] for one in two_step.sent] == ["c1", "c2"]


async def test_media_that_is_not_ready_leaves_nothing_prepared(
    scripted: Dispatcher, two_step: TwoStepNetwork, author: Author, delivery: Delivery
) -> None:
    two_step.prepares.then(refusal(MediaNotReady))
    with pytest.raises(ApplicationError) as raised:
        await scripted.prepare(delivery)
    assert raised.value.type == FailureType.PREPARATION_PENDING
    assert (await author.stored(delivery.id)).prepared is None
    two_step.prepares.then({"container": "c2"})
    two_step.sends.then(receipt())
    assert (await scripted.publish(delivery)).outcome.status is DeliveryStatus.PUBLISHED


async def test_media_that_is_never_ready_fails_in_the_end(
    scripted: Dispatcher, two_step: TwoStepNetwork, delivery: Delivery
) -> None:
    two_step.prepares.then(refusal(MediaNotReady), refusal(MediaNotReady))

    async def later(_: timedelta) -> None:
        scripted.clock.jump(timedelta(minutes=30))

    ended = await scripted.publish(delivery, before_each=later)
    assert ended.waited == [("PreparationPending", 5)]
    assert ended.outcome.status is DeliveryStatus.FAILED


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(TryLater, 10), (MediaNotReady, 5), (RateLimited, 900), (ContentRefused, None)],
)
async def test_ahead_of_time_a_refusal_is_only_noted(
    scripted: Dispatcher,
    two_step: TwoStepNetwork,
    author: Author,
    delivery: Delivery,
    error: type[NetworkError],
    seconds: float | None,
) -> None:
    two_step.prepares.then(refusal(error))
    with pytest.raises(ApplicationError) as raised:
        await scripted.prepare(delivery)
    delay = raised.value.next_retry_delay
    assert (delay.total_seconds() if delay else None) == seconds
    assert raised.value.non_retryable is (seconds is None)
    stored = await author.stored(delivery.id)
    assert (stored.status, stored.reason) == (DeliveryStatus.PREPARING, None)
    assert await author.attempts(delivery.id) == []


async def test_credentials_are_refreshed_ahead_of_time(
    scripted: Dispatcher, two_step: TwoStepNetwork, delivery: Delivery
) -> None:
    two_step.prepares.then(refusal(CredentialsExpired), {"container": "c1"})
    two_step.refreshes.then(renewed())
    with pytest.raises(ApplicationError) as raised:
        await scripted.prepare(delivery)
    assert raised.value.next_retry_delay == AT_ONCE
    await scripted.prepare(delivery, attempt=2)
    state = await scripted.store.load(delivery.id)
    assert state.account.credentials_version == 2
    assert state.prepared == {0: {"container": "c1"}}


async def test_a_broken_account_is_told_ahead_of_time(
    scripted: Dispatcher, two_step: TwoStepNetwork, author: Author, delivery: Delivery
) -> None:
    two_step.prepares.then(refusal(AccountDisconnected))
    for attempt in (1, 2):
        with pytest.raises(ApplicationError) as raised:
            await scripted.prepare(delivery, attempt)
        assert raised.value.next_retry_delay == PREPARE_RETRY
        assert not raised.value.non_retryable
    assert (await scripted.store.load(delivery.id)).account.status == "reconnect"
    stored = await author.stored(delivery.id)
    assert (stored.status, stored.reason) == (DeliveryStatus.PREPARING, None)
    await author.connect_again(delivery.account_id)
    two_step.prepares.then({"container": "c1"})
    two_step.sends.then(receipt())
    await scripted.prepare(delivery, attempt=3)
    assert (await scripted.publish(delivery)).waits == []


async def test_for_a_removed_account_nothing_is_prepared(
    scripted: Dispatcher, author: Author, delivery: Delivery
) -> None:
    await author.disconnect(delivery.account_id)
    with pytest.raises(ApplicationError) as raised:
        await scripted.prepare(delivery)
    assert raised.value.non_retryable
    assert (await author.stored(delivery.id)).status is DeliveryStatus.PREPARING


async def test_an_account_that_breaks_after_it_was_renewed_is_marked(
    scripted: Dispatcher, two_step: TwoStepNetwork, author: Author
) -> None:
    two_step.needs_media = True
    ending = Connection(
        remote_id="1",
        handle="corner_bakery",
        display_name="Corner bakery",
        credentials={"access_token": "ending"},
        expires_at=datetime.now(UTC),
    )
    account = await author.connect(Network.INSTAGRAM, ending)
    (delivery,) = (await author.write(account)).deliveries
    two_step.refreshes.then(renewed())
    two_step.prepares.then(refusal(AccountDisconnected))
    with pytest.raises(ApplicationError) as raised:
        await scripted.publish_once(delivery)
    assert raised.value.next_retry_delay == RECONNECT_POLL
    assert (await scripted.store.load(delivery.id)).account.status == "reconnect"


async def test_preparing_late_or_for_an_old_time_does_nothing(
    scripted: Dispatcher, author: Author, delivery: Delivery
) -> None:
    await author.edit(delivery.post_id, publish_at=datetime.now(UTC) + timedelta(days=1))
    await scripted.prepare(delivery)
    await author.cancel(delivery.post_id)
    await scripted.prepare(delivery)
    assert (await author.stored(delivery.id)).status is DeliveryStatus.CANCELLED


class EmptyShelf(PictureShelf):
    """A media store whose files cannot be read."""

    def __init__(self, error: MediaStoreError) -> None:
        """`error` is what reading raises."""
        super().__init__(b"", "http://127.0.0.1:9/none.jpg")
        self._error = error

    async def _fail(self) -> bytes:
        raise self._error

    def reader(self, storage_key: str) -> Callable[[], Awaitable[bytes]]:
        """Fails."""
        return self._fail


@pytest.mark.parametrize(
    ("error", "waits", "told"),
    [
        (MediaMissing("gone"), 0, "content_refused"),
        (MediaStoreUnavailable("away"), 3, "try_later"),
    ],
    ids=["missing", "unavailable"],
)
async def test_media_that_cannot_be_read_is_told(
    new_dispatcher: NewDispatcher,
    adapters: dict[Network, NetworkAdapter],
    networks: Networks,
    author: Author,
    error: MediaStoreError,
    waits: int,
    told: str,
) -> None:
    account = await networks.connect(Network.MASTODON)
    content = Content(text="Bread", media=(Attachment(media_id=await author.upload(b"")),))
    (delivery,) = (await author.write(account, content=content)).deliveries
    ended = await new_dispatcher(adapters, media=EmptyShelf(error)).publish(delivery)
    assert len(ended.waits) == waits
    assert ended.outcome.status is DeliveryStatus.FAILED
    assert ((await author.stored(delivery.id)).reason or {})["type"] == told


async def test_text_alone_has_nothing_to_prepare(
    scripted: Dispatcher, searchable: SearchableNetwork, author: Author
) -> None:
    (delivery,) = (await author.write(await author.connect(Network.X))).deliveries
    await scripted.prepare(delivery)
    searchable.sends.then(receipt())
    assert (await scripted.publish(delivery)).outcome.status is DeliveryStatus.PUBLISHED
