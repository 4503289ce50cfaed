"""What was held is let go: at an even pace, in fair order, by each post's late policy."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.circuits import CircuitState
from domain.deliveries import DeliveryStatus, PostStatus
from domain.lateness import LateChoice, LatePolicy
from domain.networks import Network
from domain.switches import Reach
from storage import posts, timeline
from storage.admission import Candidate, Refusal
from storage.database import Database, DatabaseUnavailable
from storage.delivery_state import OpenAttempt
from storage.outcomes import Wait
from storage.post_status import lock_posts
from storage.posts import Post, PublishTime, TargetAccount
from storage.publishing import PublishingStore
from storage.switches import circuits
from storage.switches.holding import held
from storage.switches.release import release
from storage.tables import DeliveryRow, PostRow
from tests.api.test_posts_statements import statements_of
from tests.storage.held_posts import RULES, Publishing, deliveries, later, now

PACE = 50.0


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


async def held_now(
    publishing: Publishing, workspace_id: UUID, account: TargetAccount, number: int, **more: object
) -> list[Post]:
    """So many posts that are held while everything is."""
    made = await publishing.write(workspace_id, account, number=number, **more)  # type: ignore[arg-type]
    await publishing.hold(Reach.EVERYTHING)
    assert len(await publishing.ask(made)) == number
    return made


async def drained(publishing: Publishing, *, seconds: float = 60) -> list[list[UUID]]:
    """What each release of every fifth of a second lets go, once nothing is held."""
    await publishing.lift(Reach.EVERYTHING)
    at, steps = now(), []
    await publishing.release(at=at)  # the drain begins
    for step in range(round(seconds * 5)):
        await publishing.release(at=at + timedelta(seconds=(step + 1) / 5))
        steps.append(await publishing.resumed())
        if not await publishing.count_held():
            break
    return steps


def flat(steps: Sequence[Sequence[UUID]]) -> list[UUID]:
    """All of it in order."""
    return [one for step in steps for one in step]


async def test_a_backlog_leaves_at_an_even_pace_and_all_of_it_does(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    made = await held_now(publishing, bakery, account, 95)
    steps = await drained(publishing)
    assert [len(step) for step in steps] == [*[10] * 9, 5]
    assert sorted(flat(steps)) == sorted(deliveries(made))


async def test_nothing_leaves_while_it_is_held(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    await held_now(publishing, bakery, account, 3)
    for seconds in range(3):
        assert await publishing.release(at=later(seconds=seconds)) == 0
    assert await publishing.resumed() == []


async def test_who_is_let_go_knows_why_and_when(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    (post,) = await held_now(publishing, bakery, account, 1)
    await drained(publishing)
    row = await publishing.stored(post)
    assert row.status is DeliveryStatus.DEFERRED
    assert row.reason is not None
    assert row.reason["type"] == "released"
    assert row.deferred_until is not None
    async with publishing.database.transaction() as session:
        events = await timeline.list_by_post(session, post.id, limit=10)
    assert events[-1].event == "released"


async def test_workspaces_take_turns_and_higher_priority_goes_first(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    rival = await publishing.workspace()
    rivals = await publishing.account(rival)
    many = await held_now(publishing, bakery, account, 30)
    few = await held_now(publishing, rival, rivals, 3)
    urgent = await held_now(publishing, rival, rivals, 1, priority=1)
    left = flat(await drained(publishing))
    assert left[0] == urgent[0].deliveries[0].id
    assert set(left[1:7]) == {*deliveries(few), *deliveries(many)[:3]}
    assert left[7:] == deliveries(many)[3:]


async def test_who_is_held_later_goes_on_where_the_others_are(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    """It neither waits for all that was held before, nor makes up for turns it did not need."""
    many = await held_now(publishing, bakery, account, 40)
    await publishing.lift(Reach.EVERYTHING)
    begin = now()
    await publishing.release(at=begin)
    await publishing.release(at=begin + timedelta(seconds=0.4))
    before = await publishing.resumed()
    rival = await publishing.workspace()
    rivals = await held_now(publishing, rival, await publishing.account(rival), 10)
    left = flat(await drained(publishing))
    assert before == deliveries(many)[:20]
    assert set(left[:10]) == {*deliveries(rivals)[:5], *deliveries(many)[20:25]}


class Holding:
    """Admits what nothing holds."""

    async def refused(
        self, session: AsyncSession, candidates: Sequence[Candidate]
    ) -> Mapping[UUID, Refusal]:
        """By delivery."""
        return await held(session, candidates, now(), RULES)


async def test_a_claim_that_was_refused_wins_once_it_was_let_go(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    store = PublishingStore(publishing.database, Holding())
    (post,) = await publishing.write(bakery, account, status=DeliveryStatus.SCHEDULED)
    (delivery_id,) = deliveries([post])
    await publishing.hold(Reach.EVERYTHING)
    state = await store.arm(delivery_id)
    refusal = await store.claim(state, 0, {}, now())
    assert isinstance(refusal, Refusal)
    assert refusal.until is not None
    await store.put_off(state, refusal.reason, then=Wait(until=refusal.until))
    assert flat(await drained(publishing)) == [delivery_id]
    state = await store.arm(delivery_id)
    assert isinstance(await store.claim(state, 0, {}, now()), OpenAttempt)
    assert (await publishing.stored(post)).status is DeliveryStatus.SENDING


async def test_two_drains_keep_one_pace(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    await held_now(publishing, bakery, account, 60)
    await publishing.lift(Reach.EVERYTHING)
    begin = now()
    await publishing.release(at=begin)
    for step in range(1, 6):
        at = begin + timedelta(seconds=step / 5)
        await asyncio.gather(*(publishing.release(at=at) for _ in range(4)))
        assert len(await publishing.resumed()) == 10


@pytest.mark.parametrize("pace", [0.5, 1000.0])
async def test_any_pace_is_kept(
    publishing: Publishing, bakery: UUID, account: TargetAccount, pace: float
) -> None:
    await held_now(publishing, bakery, account, 300)
    await publishing.lift(Reach.EVERYTHING)
    begin = now()
    for step in range(41):
        await publishing.release(at=begin + timedelta(seconds=step / 5), pace=pace)
        if step == 1 and pace > 1:
            assert len(await publishing.resumed()) == 200
            return
    assert len(await publishing.resumed()) == 4


async def test_what_another_switch_holds_is_not_let_go(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    other = await publishing.account(bakery)
    rival = await publishing.workspace()
    stays = await held_now(publishing, bakery, account, 2)
    goes = await held_now(publishing, bakery, other, 2)
    also_stays = await held_now(publishing, rival, await publishing.account(rival), 2)
    await publishing.hold(Reach.ACCOUNT, account.account_id, owner_id=bakery)
    await publishing.hold(Reach.WORKSPACE, rival)
    assert flat(await drained(publishing, seconds=1)) == deliveries(goes)
    await publishing.lift(Reach.WORKSPACE, rival)
    assert flat(await drained(publishing, seconds=1)) == deliveries(also_stays)
    await publishing.lift(Reach.ACCOUNT, account.account_id, owner_id=bakery)
    assert flat(await drained(publishing)) == deliveries(stays)


async def test_a_drain_that_dies_in_the_middle_loses_nothing_and_repeats_nothing(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    made = await held_now(publishing, bakery, account, 30)
    await publishing.lift(Reach.EVERYTHING)
    begin = now()
    await publishing.release(at=begin)
    await publishing.release(at=begin + timedelta(seconds=0.2))
    first = await publishing.resumed()

    async def die() -> None:
        async with publishing.database.transaction() as session:
            at = begin + timedelta(seconds=0.4)
            assert await release(session, Network.X, at, rules=RULES, pace=PACE) == 10
            raise ConnectionResetError

    with pytest.raises(DatabaseUnavailable):
        await die()
    assert await publishing.resumed() == []
    rest = flat(await drained(publishing))
    assert first + rest == deliveries(made)


async def test_what_was_stopped_or_moved_meanwhile_is_left_alone(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    stopped, moved, waiting = await held_now(publishing, bakery, account, 3)
    tomorrow = later(days=1)
    async with publishing.database.transaction() as session:
        await posts.cancel(session, stopped.id, deliveries([stopped]))
        known = await posts.lock(session, bakery, moved.id)
        assert known is not None
        await posts.revise(
            session,
            known,
            content=known.content,
            publish_time=PublishTime(at=tomorrow),
            priority=3,
            created_by=bakery,
        )
    assert flat(await drained(publishing)) == deliveries([waiting])
    assert (await publishing.stored(stopped)).status is DeliveryStatus.CANCELLED
    row = await publishing.stored(moved)
    assert (row.status, row.publish_at, row.reason) == (DeliveryStatus.SCHEDULED, tomorrow, None)
    await publishing.arm([moved])
    assert await publishing.ask([moved]) == {}


async def test_what_waits_for_something_else_by_now_only_loses_its_turn(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    (post,) = await held_now(publishing, bakery, account, 1)
    limited = {"type": "rate_limited", "message": "Wait.", "evidence": {}}
    async with publishing.database.transaction() as session:
        await session.execute(update(DeliveryRow).values(reason=limited))
    assert flat(await drained(publishing)) == []
    row = await publishing.stored(post)
    assert row.reason == limited


async def test_what_was_refused_a_moment_ago_is_waited_for(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    made = await held_now(publishing, bakery, account, 1)
    await publishing.arm(made)  # as it still is between the claim and the deferral
    assert flat(await drained(publishing, seconds=1)) == []
    assert await publishing.count_held() == 1


async def test_a_post_that_somebody_changes_right_now_is_passed_over(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    busy, free = await held_now(publishing, bakery, account, 2)
    await publishing.lift(Reach.EVERYTHING)
    begin = now()
    await publishing.release(at=begin)
    async with publishing.database.transaction() as session:
        await lock_posts(session, [busy.id])
        await publishing.release(at=begin + timedelta(seconds=1))
        assert await publishing.resumed() == deliveries([free])
    await publishing.release(at=begin + timedelta(seconds=2))
    assert await publishing.resumed() == deliveries([busy])


async def test_a_release_costs_the_same_however_much_it_lets_go_and_however_much_waits(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    await held_now(publishing, bakery, account, 1_000)
    await publishing.lift(Reach.EVERYTHING)
    begin, costs = now(), []
    await publishing.release(at=begin)
    for seconds in (0.02, 1.0):
        with statements_of(publishing.database) as sent:
            await publishing.release(at=begin + timedelta(seconds=seconds))
        costs.append(len(sent))
    assert len(await publishing.resumed()) == 50
    assert costs[0] == costs[1] <= 10


@pytest.mark.parametrize(
    ("policy", "kind", "status", "post_status"),
    [
        (LatePolicy.PUBLISH, "resume_deliveries", "deferred", PostStatus.PUBLISHING),
        (LatePolicy.SKIP, "cancel_deliveries", "cancelled", PostStatus.CANCELLED),
        (LatePolicy.ASK, None, "deferred", PostStatus.PUBLISHING),
    ],
)
async def test_what_is_too_late_by_then_goes_by_its_policy(
    publishing: Publishing,
    bakery: UUID,
    account: TargetAccount,
    policy: LatePolicy,
    kind: str | None,
    status: str,
    post_status: PostStatus,
) -> None:
    late = LateChoice(policy=policy, after=timedelta(minutes=5))
    made = await held_now(publishing, bakery, account, 1, late=late, publish_at=later(minutes=-6))
    await publishing.lift(Reach.EVERYTHING)
    await publishing.release(at=now())
    await publishing.release(at=later(seconds=1))
    for one in ("resume_deliveries", "cancel_deliveries"):
        assert await publishing.told(one) == (deliveries(made) if one == kind else [])
    row = await publishing.stored(made[0])
    assert row.status == status
    assert row.reason is not None
    if policy is not LatePolicy.PUBLISH:
        assert row.reason["type"] == "late"
        assert row.reason["evidence"]["late_after_seconds"] == 300
        assert row.deferred_until is None
    async with publishing.database.transaction() as session:
        post = await session.get(PostRow, made[0].id)
    assert post is not None
    assert post.status is post_status
    assert await publishing.count_held() == 0


async def test_what_leaves_in_time_after_all_is_published_whatever_its_policy(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    late = LateChoice(policy=LatePolicy.SKIP, after=timedelta(minutes=5))
    made = await held_now(publishing, bakery, account, 1, late=late, publish_at=later(minutes=-4))
    assert flat(await drained(publishing)) == deliveries(made)


async def test_what_says_nothing_itself_goes_by_its_workspace(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    late = LateChoice(policy=LatePolicy.SKIP)
    made = await held_now(publishing, bakery, account, 1, late=late, publish_at=later(minutes=-61))
    assert flat(await drained(publishing)) == []
    assert (await publishing.stored(made[0])).status is DeliveryStatus.CANCELLED


async def test_what_is_public_in_part_is_never_skipped(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    late = LateChoice(policy=LatePolicy.SKIP)
    made = await held_now(publishing, bakery, account, 1, late=late, publish_at=later(hours=-9))
    async with publishing.database.transaction() as session:
        await session.execute(update(DeliveryRow).values(remote_id="1"))
    assert flat(await drained(publishing)) == deliveries(made)


async def test_late_posts_do_not_take_the_turns_of_others(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    late = LateChoice(policy=LatePolicy.SKIP)
    await held_now(publishing, bakery, account, 90, late=late, publish_at=later(hours=-9))
    made = await held_now(publishing, bakery, account, 10)
    steps = await drained(publishing)
    assert steps == [deliveries(made)]


async def test_an_open_circuit_is_probed_with_what_it_holds_and_then_all_of_it_leaves(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    await publishing.fail_network(bakery)
    made = await publishing.write(bakery, account, number=20)
    await publishing.ask(made)
    begin = now()
    due = begin + RULES.circuits.open_for + timedelta(seconds=1)
    await publishing.release(at=begin)
    await publishing.release(at=begin + timedelta(seconds=5))
    assert await publishing.resumed() == []
    for step in range(5):
        await publishing.release(at=due + timedelta(seconds=step / 5))
    probes = await publishing.resumed()
    assert probes == deliveries(made)[:3]
    probing = made[:3]
    await publishing.arm(probing)
    assert await publishing.ask(probing, at=due) == {}
    await publishing.report(account, successes=3, at=due)
    await publishing.release(at=due + timedelta(seconds=10))
    assert await publishing.resumed() == deliveries(made)[3:]


async def test_probes_that_fail_keep_the_rest_held(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    await publishing.fail_network(bakery)
    made = await publishing.write(bakery, account, number=20)
    await publishing.ask(made)
    due = later(seconds=31)
    await publishing.release(at=due)
    await publishing.release(at=due + timedelta(seconds=1))
    await publishing.arm(made[:3])
    await publishing.ask(made[:3], at=due + timedelta(seconds=1))
    await publishing.report(account, failures=1, at=due + timedelta(seconds=2))
    assert len(await publishing.resumed()) == 3
    for seconds in (10, 30, 60):
        await publishing.release(at=due + timedelta(seconds=seconds))
        assert await publishing.resumed() == []
    async with publishing.database.transaction() as session:
        (known,) = await circuits.read(session, networks=[Network.X], accounts=[])
    assert (known.circuit.state, known.circuit.trips) == (CircuitState.OPEN, 2)


async def test_an_accounts_circuit_is_probed_beside_what_flows(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    await publishing.report(account, failures=5)
    broken = await publishing.write(bakery, account, number=20)
    await publishing.ask(broken)
    working = await held_now(publishing, bakery, await publishing.account(bakery), 5)
    await publishing.lift(Reach.EVERYTHING)
    due = later(seconds=31)
    await publishing.release(at=due)
    await publishing.release(at=due + timedelta(seconds=1))
    assert await publishing.resumed() == [*deliveries(broken)[:3], *deliveries(working)]
