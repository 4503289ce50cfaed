"""Switches and circuits at the moment of a claim: who is held, by what, and what that costs."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from domain.circuits import CircuitState
from domain.networks import Network
from domain.switches import Reach
from storage.database import Database, DatabaseUnavailable
from storage.posts import TargetAccount
from storage.switches import circuits
from storage.switches.holding import held
from storage.tables import SwitchRow
from tests.api.test_posts_statements import statements_of
from tests.storage.held_posts import RULES, Publishing, candidates, deliveries, later, now


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


async def test_nothing_held_costs_one_statement_however_many_ask(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    made = await publishing.write(bakery, account, number=500)
    with statements_of(publishing.database) as sent:
        assert await publishing.claim(made) == {}
    asked = [statement for statement, _ in sent if "FOR NO KEY UPDATE" not in statement]
    assert len(asked) == 1


async def test_holding_costs_the_same_however_many_are_held(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    await publishing.hold(Reach.EVERYTHING)
    costs = []
    for number in (1, 200):
        made = await publishing.write(bakery, account, number=number)
        with statements_of(publishing.database) as sent:
            assert len(await publishing.claim(made)) == number
        costs.append(len(sent))
    assert costs[0] == costs[1] <= 3  # the posts locked, one look, the turns


@pytest.mark.parametrize("reach", Reach)
async def test_each_switch_holds_what_it_reaches_and_says_so(
    publishing: Publishing, bakery: UUID, account: TargetAccount, reach: Reach
) -> None:
    subject: object = {
        Reach.EVERYTHING: "",
        Reach.NETWORK: Network.X,
        Reach.WORKSPACE: bakery,
        Reach.ACCOUNT: account.account_id,
    }[reach]
    (post,) = await publishing.write(bakery, account)
    await publishing.hold(reach, subject)
    refusal = (await publishing.ask([post]))[post.deliveries[0].id]
    assert refusal.reason.type == "held"
    assert "operator Ada" in refusal.reason.message
    assert "Something is wrong." in refusal.reason.message
    assert refusal.reason.evidence["reach"] == reach
    assert refusal.until is not None
    assert refusal.until > later(minutes=59)


@pytest.mark.parametrize("reach", [Reach.NETWORK, Reach.WORKSPACE, Reach.ACCOUNT])
async def test_switches_of_others_hold_nothing_here(
    publishing: Publishing, bakery: UUID, account: TargetAccount, reach: Reach
) -> None:
    await publishing.hold(reach, Network.BLUESKY if reach is Reach.NETWORK else uuid4())
    assert await publishing.ask(await publishing.write(bakery, account)) == {}


async def test_a_lifted_or_expired_switch_holds_nothing(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    made = await publishing.write(bakery, account)
    await publishing.hold(Reach.EVERYTHING)
    assert await publishing.lift(Reach.EVERYTHING)
    assert not await publishing.lift(Reach.EVERYTHING)
    await publishing.hold(Reach.NETWORK, Network.X, until=later(minutes=5))
    assert await publishing.ask(made, at=later(minutes=5)) == {}


async def test_who_held_and_lifted_is_kept(publishing: Publishing) -> None:
    await publishing.hold(Reach.NETWORK, Network.X, at=later(hours=-2), until=later(hours=-1))
    await publishing.hold(Reach.NETWORK, Network.X)
    await publishing.hold(Reach.NETWORK, Network.X, until=later(hours=1))
    await publishing.lift(Reach.NETWORK, Network.X)
    async with publishing.database.transaction() as session:
        query = select(SwitchRow).order_by(SwitchRow.held_since)
        rows = (await session.scalars(query)).all()
    assert [row.lifted_by for row in rows] == ["its time was over", "operator Ada"]


async def test_a_workspace_cannot_lift_what_an_operator_holds(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    made = await publishing.write(bakery, account)
    await publishing.hold(Reach.WORKSPACE, bakery)
    await publishing.hold(Reach.WORKSPACE, bakery, owner_id=bakery)
    assert await publishing.lift(Reach.WORKSPACE, bakery, owner_id=bakery)
    assert not await publishing.lift(Reach.WORKSPACE, bakery, owner_id=bakery)
    assert len(await publishing.ask(made)) == 1


async def test_the_settings_hold_whatever_the_switches_say(
    database: Database, publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    rules = replace(RULES, held_networks=frozenset({Network.X}))
    made = await publishing.write(bakery, account)
    (refusal,) = (await Publishing(database, rules).ask(made)).values()
    assert "settings" in refusal.reason.message


async def test_who_was_held_does_not_go_before_it_is_released(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    made = await publishing.write(bakery, account)
    await publishing.hold(Reach.EVERYTHING)
    await publishing.ask(made)
    await publishing.lift(Reach.EVERYTHING)
    await publishing.arm(made)
    (refusal,) = (await publishing.ask(made)).values()
    assert refusal.reason.evidence == {"by": "turn"}
    fresh = await publishing.write(bakery, account)
    assert await publishing.ask(fresh) == {}


async def test_a_network_of_which_many_accounts_fail_is_held_for_all(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    await publishing.fail_network(bakery)
    on_both = [account, await publishing.account(bakery, Network.FEED)]
    (post,) = await publishing.write(bakery, *on_both)
    refused = await publishing.ask([post])
    assert [one.network for one in post.deliveries if one.id in refused] == [Network.X]
    (refusal,) = refused.values()
    assert "10 of 10 sends" in refusal.reason.message


async def test_an_account_that_fails_alone_is_held_alone(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    await publishing.report(account, failures=500)
    other = await publishing.account(bakery)
    broken = await publishing.write(bakery, account)
    working = await publishing.write(bakery, other)
    assert [*await publishing.ask([*broken, *working])] == deliveries(broken)


async def test_failures_of_a_crowded_second_hold_nobody(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    others = [await publishing.account(bakery) for _ in range(4)]
    for one in others:
        await publishing.report(one, failures=4, successes=400)
    assert await publishing.ask(await publishing.write(bakery, account)) == {}


async def test_successes_where_nothing_failed_leave_no_trace(
    publishing: Publishing, account: TargetAccount
) -> None:
    await publishing.report(account, successes=100)
    async with publishing.database.transaction() as session:
        assert await circuits.read(session, networks=list(Network), only_disturbing=False) == []


async def test_two_workers_together_take_no_more_probes_than_planned(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    await publishing.fail_network(bakery, at=now() - timedelta(minutes=1))
    batches = [await publishing.write(bakery, account, number=20) for _ in range(8)]
    refused = await asyncio.gather(*(publishing.ask(batch) for batch in batches))
    assert sum(20 - len(one) for one in refused) == RULES.circuits.probes
    assert await publishing.count_held() == 160 - RULES.circuits.probes


async def test_probes_that_succeed_let_everybody_through_again(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    await publishing.fail_network(bakery, at=now() - timedelta(minutes=1))
    made = await publishing.write(bakery, account, number=4)
    assert len(await publishing.ask(made)) == 1
    await publishing.report(account, successes=3)
    assert await publishing.ask(await publishing.write(bakery, account, number=50)) == {}


async def test_a_probe_that_was_rolled_back_is_given_again(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    await publishing.fail_network(bakery, at=now() - timedelta(minutes=1))
    made = await publishing.write(bakery, account, number=3)

    async def claim_and_fail() -> None:
        async with publishing.database.transaction() as session:
            assert await held(session, candidates(made), now(), RULES) == {}
            raise ConnectionResetError

    with pytest.raises(DatabaseUnavailable):
        await claim_and_fail()
    assert await publishing.ask(made) == {}


async def test_an_account_shut_by_its_own_circuit_takes_no_probe_of_its_network(
    publishing: Publishing, bakery: UUID, account: TargetAccount
) -> None:
    await publishing.report(account, failures=5)
    await publishing.fail_network(bakery, at=now() - timedelta(minutes=1))
    made = await publishing.write(bakery, account, number=5)
    assert len(await publishing.ask(made)) == 5
    working = await publishing.account(bakery)
    assert len(await publishing.ask(await publishing.write(bakery, working, number=5))) == 2


async def test_quiet_circuits_are_forgotten(
    publishing: Publishing, account: TargetAccount, bakery: UUID
) -> None:
    await publishing.report(account, failures=1, at=later(hours=-2))
    await publishing.fail_network(bakery, at=later(hours=-2))
    async with publishing.database.transaction() as session:
        await circuits.forget_quiet(session, before=later(hours=-1))
        left = await circuits.read(session, networks=[Network.X], only_disturbing=False)
    assert {one.circuit.state for one in left} == {CircuitState.OPEN}
