"""Deliveries that come to be armed late: whose lateness counts, and what is written then."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from domain.deliveries import DeliveryStatus, PostStatus
from domain.lateness import LateChoice, LatePolicy
from storage import lateness, timeline
from storage.database import Database
from storage.post_status import lock_posts
from storage.posts import Post, TargetAccount
from storage.tables import DeliveryRow, PostRow
from storage.workspaces import change_workspace
from tests.storage.held_posts import Publishing, deliveries, later, now

AN_HOUR_AGO = timedelta(hours=-1, minutes=-1)


@pytest.fixture
def publishing(database: Database) -> Publishing:
    """What workers and operators do."""
    return Publishing(database)


@pytest.fixture
async def bakery(publishing: Publishing) -> UUID:
    """A workspace."""
    return await publishing.workspace()


@pytest.fixture
async def account(publishing: Publishing, bakery: UUID) -> TargetAccount:
    """Its account on X."""
    return await publishing.account(bakery)


async def settle(publishing: Publishing, post: Post) -> LatePolicy | None:
    """What arming the post's delivery is answered."""
    async with publishing.database.transaction() as session:
        await lock_posts(session, [post.id])
        (delivery_id,) = deliveries([post])
        return (await lateness.settle_late(session, [delivery_id], now())).get(delivery_id)


async def put(publishing: Publishing, post: Post, **values: object) -> None:
    """Bring its delivery into another state."""
    async with publishing.database.transaction() as session:
        of_it = DeliveryRow.post_id == post.id
        await session.execute(update(DeliveryRow).where(of_it).values(**values))


async def write(
    publishing: Publishing,
    bakery: UUID,
    account: TargetAccount,
    policy: LatePolicy | None,
    late: timedelta = AN_HOUR_AGO,
) -> Post:
    """A post that was due so long ago, and that nobody looked after."""
    (post,) = await publishing.write(
        bakery,
        account,
        late=LateChoice(policy=policy),
        publish_at=now() + late,
        status=DeliveryStatus.SCHEDULED,
    )
    return post


async def test_after_an_outage_of_ours_the_policy_decides(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    expected = {
        LatePolicy.PUBLISH: (None, DeliveryStatus.SCHEDULED, PostStatus.SCHEDULED, 0),
        LatePolicy.SKIP: (LatePolicy.SKIP, DeliveryStatus.CANCELLED, PostStatus.CANCELLED, 1),
        LatePolicy.ASK: (LatePolicy.ASK, DeliveryStatus.DEFERRED, PostStatus.PUBLISHING, 0),
    }
    for policy, outcome in expected.items():
        post = await write(publishing, bakery, account, policy)
        verdict = await settle(publishing, post)
        async with publishing.database.transaction() as session:
            shown = await session.get(PostRow, post.id)
        assert shown is not None
        row = await publishing.stored(post)
        told = len(await publishing.told("cancel_deliveries"))
        assert (verdict, row.status, shown.status, told) == outcome


async def test_the_reason_says_how_late_and_why(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    post = await write(publishing, bakery, account, LatePolicy.SKIP)
    await settle(publishing, post)
    reason = (await publishing.stored(post)).reason
    assert reason is not None
    assert reason["type"] == "late"
    assert "1:01:0" in reason["message"]
    assert reason["evidence"]["late_policy"] == "skip"
    async with publishing.database.transaction() as session:
        events = await timeline.list_by_post(session, post.id, limit=10)
    assert (events[-1].event, events[-1].details["type"]) == ("cancelled", "late")


@pytest.mark.parametrize("policy", LatePolicy)
async def test_what_is_hardly_late_is_armed(
    publishing: Publishing, bakery: UUID, account: TargetAccount, policy: LatePolicy
) -> None:
    post = await write(publishing, bakery, account, policy, late=timedelta(minutes=-59))
    assert await settle(publishing, post) is None


@pytest.mark.parametrize("reason", ["rate_limited", "quota_exhausted", "try_later", "released"])
async def test_waits_that_were_announced_are_no_lateness(
    publishing: Publishing, bakery: UUID, account: TargetAccount, reason: str
) -> None:
    post = await write(publishing, bakery, account, LatePolicy.SKIP)
    waits = {"type": reason, "message": "", "evidence": {}}
    await put(publishing, post, status=DeliveryStatus.DEFERRED, reason=waits)
    assert await settle(publishing, post) is None


async def test_what_asks_goes_on_asking_and_says_so_once(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    post = await write(publishing, bakery, account, LatePolicy.ASK)
    for _ in range(3):
        assert await settle(publishing, post) is LatePolicy.ASK
    async with publishing.database.transaction() as session:
        events = await timeline.list_by_post(session, post.id, limit=10)
    assert [one.event for one in events].count(timeline.Event.DEFERRED) == 1


async def test_the_workspace_decides_for_posts_that_do_not(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    async with publishing.database.transaction() as session:
        await change_workspace(
            session,
            bakery,
            name=None,
            ambiguity_policy=None,
            late=LateChoice(policy=LatePolicy.SKIP, after=timedelta(minutes=10)),
        )
    kept = await write(publishing, bakery, account, None, late=timedelta(minutes=-9))
    skipped = await write(publishing, bakery, account, None, late=timedelta(minutes=-11))
    assert await settle(publishing, kept) is None
    assert await settle(publishing, skipped) is LatePolicy.SKIP


async def test_what_moved_since_it_was_read_is_not_touched(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    post = await write(publishing, bakery, account, LatePolicy.ASK)
    await settle(publishing, post)
    async with publishing.database.transaction() as session:
        late = await lateness.find(session, post.deliveries[0].id)
    assert late is not None
    tomorrow = later(days=1)
    await put(publishing, post, publish_at=tomorrow, status=DeliveryStatus.SCHEDULED, reason=None)
    async with publishing.database.transaction() as session:
        await lateness.apply(session, {late: LatePolicy.SKIP}, now(), why="")
    row = await publishing.stored(post)
    assert (row.status, row.reason) == (DeliveryStatus.SCHEDULED, None)
    assert await publishing.told("cancel_deliveries") == []
