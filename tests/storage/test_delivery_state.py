"""What a worker reads of one delivery before it does anything."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import update

from domain.content import Attachment, Content, PostContent, ThreadPart
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from domain.receipts import Receipt
from runtime.resources import Resources
from storage import posts
from storage.database import Database
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.outcomes import Reason, Wait
from storage.posts import NewPosts, PublishTime
from storage.publishing import PublishingStore
from storage.tables import DeliveryRow
from tests.activities.written_posts import Author
from tests.conftest import Tenant

NOW = datetime.now(UTC)
UNKNOWN = Reason(type="outcome_unknown", message="No answer.", evidence={})
WITH_COMMENT = Content(text="One", thread=(ThreadPart(text="Two"),), first_comment="Three")


@pytest.fixture
def author(database: Database, workspace: Tenant, resources: Resources) -> Author:
    """Somebody of the workspace."""
    return Author(database, workspace.id, resources.vault)


@pytest.fixture
def store(database: Database) -> PublishingStore:
    """What workers read from."""
    return PublishingStore(database)


@pytest.fixture
async def armed(store: PublishingStore, author: Author) -> DeliveryState:
    """A post with a reply and a comment, armed."""
    post = await author.write(await author.connect(Network.X), content=WITH_COMMENT)
    state = await store.arm(post.deliveries[0].id)
    assert state is not None
    return state


async def test_the_content_is_what_that_network_gets(
    store: PublishingStore, author: Author, database: Database
) -> None:
    account = await author.connect(Network.X)
    content = PostContent(
        base=Content(text="For all"), variants={Network.X: {"text": "For X only"}}
    )
    post = posts.draw_up(
        workspace_id=author.workspace_id,
        content=content,
        targets=[account],
        publish_time=PublishTime(at=NOW),
        priority=3,
        at=NOW,
    )
    async with database.transaction() as session:
        await posts.accept(session, [NewPosts(posts=[post], created_by=uuid4())])
    state = await store.load(post.deliveries[0].id)
    assert state.content.text == "For X only"
    assert "For X only" not in repr(state)


async def test_media_comes_with_where_its_bytes_are(store: PublishingStore, author: Author) -> None:
    media_id = await author.upload(b"JPEG")
    content = Content(
        text="One", thread=(ThreadPart(text="Two", media=(Attachment(media_id=media_id),)),)
    )
    post = await author.write(await author.connect(Network.X), content=content)
    state = await store.load(post.deliveries[0].id)
    assert state.media[media_id].storage_key == str(media_id)
    assert state.media[media_id].size == 4


async def test_a_draft_has_nothing_to_publish(store: PublishingStore, author: Author) -> None:
    post = await author.write(await author.connect(Network.X))
    async with author._database.transaction() as session:
        await session.execute(update(DeliveryRow).values(publish_at=None))
    with pytest.raises(LookupError, match="publish time"):
        await store.load(post.deliveries[0].id)


async def test_an_unknown_delivery_is_an_error(store: PublishingStore) -> None:
    with pytest.raises(LookupError):
        await store.load(uuid4())
    with pytest.raises(LookupError):
        await store.arm(uuid4())


async def test_the_next_part_is_the_first_without_a_receipt(armed: DeliveryState) -> None:
    receipt = Receipt(remote_id="1", permalink=None)
    assert armed.next_part == 0
    assert armed.with_receipt(0, receipt).next_part == 1
    further = armed.with_receipt(0, receipt).with_receipt(1, receipt)
    assert further.next_part == 2
    assert [further.is_comment(part) for part in range(3)] == [False, False, True]


async def test_open_tries_are_not_over_and_do_not_count_yet(
    store: PublishingStore, armed: DeliveryState
) -> None:
    attempt = await store.claim(armed, 0, {}, NOW)
    assert isinstance(attempt, OpenAttempt)
    assert (await store.load(armed.delivery_id)).tries == {}
    await store.record_not_sent(armed, attempt, UNKNOWN, counted=True, then=Wait(until=NOW))
    assert (await store.load(armed.delivery_id)).tries == {0: 1}


async def test_looking_starts_from_the_earliest_try(
    store: PublishingStore, armed: DeliveryState
) -> None:
    for minutes in (0, 5):
        state = await store.arm(armed.delivery_id)
        assert state is not None
        attempt = await store.claim(state, 0, {}, NOW + timedelta(minutes=minutes))
        assert isinstance(attempt, OpenAttempt)
        await store.record_not_sent(state, attempt, UNKNOWN, counted=True, then=Wait(until=NOW))
    assert (await store.load(armed.delivery_id)).first_tries == {0: NOW}


@pytest.mark.parametrize("looked", [True, False])
async def test_a_part_is_doubtful_once_an_unanswered_try_was_closed_by_looking(
    store: PublishingStore, armed: DeliveryState, looked: bool
) -> None:
    attempt = await store.claim(armed, 0, {}, NOW)
    assert isinstance(attempt, OpenAttempt)
    if looked:
        await store.record_lookup(armed, attempt, UNKNOWN, found="absent")
    assert (await store.load(armed.delivery_id)).doubtful == frozenset()
    await store.record_not_sent(armed, attempt, UNKNOWN, counted=True, then=Wait(until=NOW))
    assert (await store.load(armed.delivery_id)).doubtful == ({0} if looked else set())


async def test_a_retry_knows_of_the_doubt_of_the_delivery_before_it(
    store: PublishingStore, author: Author, armed: DeliveryState
) -> None:
    attempt = await store.claim(armed, 0, {}, NOW)
    assert isinstance(attempt, OpenAttempt)
    await store.leave_unconfirmed(armed, attempt, UNKNOWN)
    delivery = await author.delivery(armed.post_id, armed.delivery_id)
    async with author._database.transaction() as session:
        await posts.resolve_delivery(
            session,
            delivery,
            status=DeliveryStatus.FAILED,
            permalink=None,
            reason=UNKNOWN.as_json(),
        )
    retry = await author.retry(await author.delivery(armed.post_id, armed.delivery_id))
    state = await store.load(retry.id)
    assert (state.doubtful, state.tries, state.first_tries) == (frozenset({0}), {}, {0: NOW})
