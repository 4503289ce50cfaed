"""What one process tells the circuits: nothing while all is well, and failures in proportion."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.circuits import CircuitState
from domain.networks import Network
from storage.database import Database
from storage.posts import TargetAccount
from storage.switches import circuits
from storage.switches.circuits import KnownCircuit
from storage.switches.reports import CircuitReports
from tests.api.test_posts_statements import statements_of
from tests.patience import PATIENCE
from tests.storage.held_posts import RULES, Publishing, now


class SetClock:
    """Shows what it is set to."""

    def __init__(self) -> None:
        """Begins now."""
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        """The moment it shows."""
        return self.now


@pytest.fixture
def clock() -> SetClock:
    """The process's clock."""
    return SetClock()


@pytest.fixture
def publishing(database: Database) -> Publishing:
    """What workers and operators do."""
    return Publishing(database)


@pytest.fixture
def reports(database: Database, clock: SetClock) -> CircuitReports:
    """One process's."""
    return CircuitReports(database, RULES.circuits, clock)


@pytest.fixture
async def bakery(publishing: Publishing) -> UUID:
    """A workspace."""
    return await publishing.workspace()


@pytest.fixture
async def account(publishing: Publishing, bakery: UUID) -> TargetAccount:
    """Its account on X."""
    return await publishing.account(bakery)


async def circuit_of_x(publishing: Publishing) -> KnownCircuit | None:
    """The network's circuit, if it has one."""
    async with publishing.database.transaction() as session:
        found = await circuits.read(
            session, networks=[Network.X], accounts=[], only_disturbing=False
        )
    return found[0] if found else None


def note(
    reports: CircuitReports, account: TargetAccount, number: int = 1, *, failed: bool = False
) -> None:
    for _ in range(number):
        reports.note(account.network, account.account_id, failed=failed, started_at=now())


async def test_an_idle_process_asks_nothing(
    publishing: Publishing, reports: CircuitReports
) -> None:
    with statements_of(publishing.database) as sent:
        await reports.tell()
    assert sent == []


async def test_while_all_is_well_it_asks_once_and_writes_nothing(
    publishing: Publishing, reports: CircuitReports, account: TargetAccount
) -> None:
    note(reports, account, 3_000)
    with statements_of(publishing.database) as sent:
        await reports.tell()
    assert len(sent) == 1
    assert await circuit_of_x(publishing) is None


async def test_failures_come_with_the_successes_of_their_time(
    publishing: Publishing, reports: CircuitReports, account: TargetAccount, bakery: UUID
) -> None:
    failing = [await publishing.account(bakery) for _ in range(10)]
    note(reports, account, 500)
    await reports.tell()
    for one in failing:
        note(reports, one, 2, failed=True)
    await reports.tell()
    known = await circuit_of_x(publishing)
    assert known is not None
    assert known.circuit.state is CircuitState.CLOSED
    assert (known.circuit.failures, known.circuit.sends) == (20, 520)


async def test_long_ago_it_went_well_does_not_outweigh_that_it_fails_now(
    publishing: Publishing,
    reports: CircuitReports,
    clock: SetClock,
    account: TargetAccount,
    bakery: UUID,
) -> None:
    note(reports, account, 5_000)
    clock.now += timedelta(seconds=15)
    for one in [await publishing.account(bakery) for _ in range(10)]:
        note(reports, one, 1, failed=True)
    await reports.tell()
    known = await circuit_of_x(publishing)
    assert known is not None
    assert known.circuit.state is CircuitState.OPEN


async def test_what_was_told_is_not_told_again(
    publishing: Publishing, reports: CircuitReports, account: TargetAccount
) -> None:
    note(reports, account, 3, failed=True)
    for _ in range(3):
        await reports.tell()
    known = await circuit_of_x(publishing)
    assert known is not None
    assert known.circuit.failures == 3


async def test_successes_of_one_process_count_where_another_saw_failures(
    publishing: Publishing, reports: CircuitReports, account: TargetAccount, clock: SetClock
) -> None:
    await publishing.report(account, failures=3)
    note(reports, account, 1)
    await reports.tell()  # learns of it
    note(reports, account, 40)
    await reports.tell()
    known = await circuit_of_x(publishing)
    assert known is not None
    assert (known.circuit.failures, known.circuit.sends) == (3, 44)


async def test_probes_that_succeeded_close_the_circuit(
    publishing: Publishing,
    database: Database,
    account: TargetAccount,
    bakery: UUID,
    clock: SetClock,
) -> None:
    await publishing.fail_network(bakery, at=now() - timedelta(minutes=1))
    made = await publishing.write(bakery, account, number=3)
    assert await publishing.ask(made) == {}
    reports = CircuitReports(database, RULES.circuits, lambda: datetime.now(UTC))
    note(reports, account, 3)
    await reports.tell()
    await reports.tell()
    known = await circuit_of_x(publishing)
    assert known is not None
    assert known.circuit.state is CircuitState.CLOSED


async def test_it_tells_by_itself_and_tells_what_is_left_when_stopped(
    publishing: Publishing, database: Database, account: TargetAccount
) -> None:
    reports = CircuitReports(database, RULES.circuits, lambda: datetime.now(UTC))
    running = asyncio.create_task(reports.run())
    note(reports, account, 2, failed=True)
    async with asyncio.timeout(PATIENCE):
        while True:
            if await circuit_of_x(publishing) is not None:
                break
            await asyncio.sleep(0.05)
    note(reports, account, 1, failed=True)
    reports.stop()
    await running
    known = await circuit_of_x(publishing)
    assert known is not None
    assert known.circuit.failures == 3
