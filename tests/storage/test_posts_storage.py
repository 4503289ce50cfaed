"""Posts in the tables: written, revised, stopped, retried, and always with the right status."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from domain.content import Content
from domain.deliveries import DeliveryStatus, PostStatus
from domain.networks import Network
from domain.receipts import Receipt
from runtime.resources import Resources
from storage import posts
from storage.database import Database
from storage.delivery_state import OpenAttempt
from storage.outcomes import Fail, Reason, Wait
from storage.posts import Delivery, Post, PostFilter
from storage.publishing import PublishingStore
from storage.tables import PostRevisionRow
from tests.activities.written_posts import Author
from tests.conftest import Tenant

NOW = datetime.now(UTC)
TOMORROW = NOW + timedelta(days=1)
REFUSAL = Reason(type="content_refused", message="No.", evidence={})
RECEIPT = Receipt(remote_id="1", permalink="https://network.example/1")


@pytest.fixture
def author(database: Database, workspace: Tenant, resources: Resources) -> Author:
    """Somebody of the workspace."""
    return Author(database, workspace.id, resources.vault)


@pytest.fixture
def store(database: Database) -> PublishingStore:
    """What workers write to."""
    return PublishingStore(database)


@pytest.fixture
async def post(author: Author) -> Post:
    """A post to two accounts, due now."""
    return await author.write(await author.connect(Network.X), await author.connect(Network.FEED))


async def publish(store: PublishingStore, delivery: Delivery) -> None:
    """Publish a delivery."""
    state = await store.arm(delivery.id)
    assert state is not None
    attempt = await store.claim(state, 0, {}, NOW)
    assert isinstance(attempt, OpenAttempt)
    await store.record_published(state, attempt, RECEIPT, last_part=True)


async def fail(store: PublishingStore, delivery: Delivery) -> None:
    """Let a delivery be refused for good."""
    await store.put_off(await store.load(delivery.id), REFUSAL, then=Fail())


async def test_a_new_post_has_a_delivery_for_each_account(post: Post) -> None:
    assert (post.status, post.revision) == (PostStatus.SCHEDULED, 1)
    assert {one.network for one in post.deliveries} == {Network.X, Network.FEED}
    assert all(one.untouched and one.root_id == one.id for one in post.deliveries)


async def test_another_workspace_does_not_see_it(
    database: Database, other_workspace: Tenant, post: Post
) -> None:
    async with database.transaction() as session:
        assert await posts.get(session, other_workspace.id, post.id) is None
        assert await posts.lock(session, other_workspace.id, post.id) is None
        delivery_id = post.deliveries[0].id
        assert await posts.find_delivery(session, other_workspace.id, delivery_id) is None


async def test_an_edit_is_a_new_revision_and_the_old_text_stays(
    author: Author, post: Post, database: Database
) -> None:
    await author.edit(post.id, Content(text="Second"))
    changed = await author.post(post.id)
    assert (changed.revision, changed.content.base.text) == (2, "Second")
    stored = [await author.stored(one.id) for one in changed.deliveries]
    assert [row.revision for row in stored] == [2, 2]
    async with database.transaction() as session:
        kept = (await session.scalars(select(PostRevisionRow.revision))).all()
    assert sorted(kept) == [1, 2]


async def test_a_move_takes_every_waiting_delivery_along(
    author: Author, store: PublishingStore, post: Post
) -> None:
    deferred = await store.arm(post.deliveries[0].id)
    assert deferred is not None
    await store.put_off(deferred, REFUSAL, then=Wait(until=TOMORROW))
    await author.edit(post.id, publish_at=TOMORROW)
    moved = await author.post(post.id)
    assert moved.status is PostStatus.SCHEDULED
    for delivery in moved.deliveries:
        assert (delivery.status, delivery.publish_at) == (DeliveryStatus.SCHEDULED, TOMORROW)
        assert (delivery.deferred_until, delivery.reason) == (None, None)


async def test_what_is_out_stays_as_it_is(
    author: Author, store: PublishingStore, post: Post
) -> None:
    out, waiting = post.deliveries
    await publish(store, out)
    await author.edit(post.id, Content(text="Second"))
    await author.cancel(post.id)
    after = {one.id: one.status for one in (await author.post(post.id)).deliveries}
    assert after == {out.id: DeliveryStatus.PUBLISHED, waiting.id: DeliveryStatus.CANCELLED}
    assert (await author.stored(out.id)).revision == 1


async def test_a_post_is_cancelled_with_its_deliveries(author: Author, post: Post) -> None:
    await author.cancel(post.id)
    cancelled = await author.post(post.id)
    assert cancelled.status is PostStatus.CANCELLED
    assert {one.status for one in cancelled.deliveries} == {DeliveryStatus.CANCELLED}
    assert not any(one.untouched for one in cancelled.deliveries)


async def test_a_retry_takes_the_place_of_what_failed(
    author: Author, store: PublishingStore, post: Post
) -> None:
    failed, other = post.deliveries
    await fail(store, failed)
    await publish(store, other)
    assert (await author.post(post.id)).status is PostStatus.PARTIALLY_PUBLISHED
    retry = await author.retry(failed)
    after = await author.post(post.id)
    assert after.status is PostStatus.PUBLISHING
    assert {one.id for one in after.current_deliveries} == {retry.id, other.id}
    assert (retry.root_id, retry.account_id) == (failed.root_id, failed.account_id)
    await publish(store, retry)
    assert (await author.post(post.id)).status is PostStatus.PUBLISHED
    assert (await author.delivery(post.id, failed.id)).status is DeliveryStatus.FAILED


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (DeliveryStatus.PUBLISHED, PostStatus.PUBLISHED),
        (DeliveryStatus.FAILED, PostStatus.PARTIALLY_PUBLISHED),
    ],
)
async def test_a_person_settles_what_nobody_could_prove(
    author: Author,
    store: PublishingStore,
    database: Database,
    post: Post,
    told: DeliveryStatus,
    expected: PostStatus,
) -> None:
    doubtful, other = post.deliveries
    await publish(store, other)
    state = await store.arm(doubtful.id)
    assert state is not None
    attempt = await store.claim(state, 0, {}, NOW)
    assert isinstance(attempt, OpenAttempt)
    await store.leave_unconfirmed(state, attempt, REFUSAL)
    assert (await author.post(post.id)).status is PostStatus.PUBLISHING
    async with database.transaction() as session:
        await posts.resolve_delivery(
            session,
            await author.delivery(post.id, doubtful.id),
            status=told,
            permalink="https://network.example/found",
            reason={"type": "resolved"},
        )
    settled = await author.delivery(post.id, doubtful.id)
    assert (settled.status, settled.permalink) == (told, "https://network.example/found")
    assert (await author.post(post.id)).status is expected


async def test_lists_are_by_workspace_and_newest_first(
    author: Author, database: Database, post: Post, other_workspace: Tenant
) -> None:
    newer = await author.write(await author.connect(Network.MASTODON), publish_at=TOMORROW)

    async def listed(**chosen: Any) -> list[UUID]:
        async with database.transaction() as session:
            found = await posts.list_by_workspace(
                session, author.workspace_id, PostFilter(**chosen), before=None, limit=10
            )
        return [one.id for one in found]

    assert await listed() == [newer.id, post.id]
    assert await listed(network=Network.X) == [post.id]
    assert await listed(account_id=newer.deliveries[0].account_id) == [newer.id]
    assert await listed(status=PostStatus.DRAFT) == []
    assert await listed(publish_from=TOMORROW) == [newer.id]
    assert await listed(publish_until=TOMORROW) == [post.id]
    async with database.transaction() as session:
        assert not await posts.list_by_workspace(
            session, other_workspace.id, PostFilter(), before=None, limit=10
        )
        older = await posts.list_by_workspace(
            session, author.workspace_id, PostFilter(), before=newer.id, limit=10
        )
    assert [one.id for one in older] == [post.id]


async def test_an_unknown_post_is_none(author: Author, database: Database) -> None:
    async with database.transaction() as session:
        assert await posts.get(session, author.workspace_id, uuid4()) is None
