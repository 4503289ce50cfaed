"""Whatever happens, in whatever order, a post is public once or says why it is not."""

import os
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from activities.settling import Settler
from domain.networks import Guarantee, Network
from domain.policies import AmbiguityPolicy
from storage.delivery_state import DeliveryState, OpenAttempt
from tests.state_machine.conftest import OpenSystem
from tests.state_machine.fallible_networks import Mishap
from tests.state_machine.post_machine import machine_of
from tests.state_machine.promises import BrokenPromise
from tests.state_machine.publishing_system import EARLY_LEADS, LoopThread, PublishingSystem
from tests.state_machine.sudden_death import MortalStore, Point

EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "0"))
"""More than none: so many, chosen by chance and made shorter when one fails."""
STEPS = 25
FEW = 30
ENOUGH = 100
SECONDS_EACH = 30
"""That an example may take, on a busy machine; it takes one."""


def _run(system: PublishingSystem, loop: LoopThread, examples: int, *, by_chance: bool) -> None:
    """Raises the first BrokenPromise, also when the same choices do not break it again."""
    machine = machine_of(system, loop)
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=STEPS,
                derandomize=not by_chance,
                phases=[Phase.generate, Phase.shrink] if by_chance else [Phase.generate],
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                report_multiple_bugs=False,
            ),
        )
    except Flaky as error:
        if machine.broken:
            raise machine.broken[0] from error
        raise


@pytest.mark.timeout((EXAMPLES or FEW) * SECONDS_EACH)
def test_promises_hold(open_system: OpenSystem, loop_thread: LoopThread) -> None:
    _run(open_system(), loop_thread, EXAMPLES or FEW, by_chance=EXAMPLES > 0)


class BlindSettler(Settler):
    """Sends again what was not answered where only looking helps, as a plain retry does."""

    async def settle(self, state: DeliveryState, attempt: OpenAttempt) -> None:
        """Never looks."""
        adapter = self._adapters[state.network]
        if adapter.guarantee is not Guarantee.SEARCHABLE:
            await super().settle(state, attempt)
            return
        piece = self._pieces.part(state, attempt.part)
        outgoing = self._pieces.outgoing(state, piece, attempt)
        target = self._accounts.target(state.network, state.account)
        await self._published(state, attempt, await adapter.send(target, outgoing))


def test_a_blind_resend_is_found(open_system: OpenSystem, loop_thread: LoopThread) -> None:
    machine = machine_of(open_system(settler=BlindSettler), loop_thread)()
    machine.begin(
        policy=AmbiguityPolicy.HOLD,
        after=None,
        parts=False,
        met={Network.X: [Mishap.ANSWER_LOST]},
        deaths=[],
        crowd=False,
    )
    with pytest.raises(BrokenPromise, match="public 2 times"):
        machine.teardown()


@pytest.mark.timeout(ENOUGH * SECONDS_EACH)
def test_choices_by_chance_come_upon_a_blind_resend(
    open_system: OpenSystem, loop_thread: LoopThread
) -> None:
    """The fourth of them does; a machine that stands still may make it miss."""
    system = open_system(settler=BlindSettler)
    with pytest.raises(BrokenPromise, match=r"public \d times"):
        _run(system, loop_thread, ENOUGH, by_chance=False)


class UncheckedRevoke(MortalStore):
    """Takes every departure of another worker for one that never left."""

    async def revoke(self, departure_id: UUID) -> bool:
        """Whatever is written down."""
        await super().revoke(departure_id)
        return True


def test_a_revoke_that_came_after_the_release_is_found(
    open_system: OpenSystem, loop_thread: LoopThread
) -> None:
    """Every worker dies when it has sent; the next one takes it for a request that never left."""
    machine = machine_of(open_system(store=UncheckedRevoke, leads=EARLY_LEADS), loop_thread)()
    machine.begin(
        policy=AmbiguityPolicy.HOLD,
        after=None,
        parts=False,
        met={},
        deaths=[],
        crowd=True,
    )
    machine.worker_will_die(points=[Point.SENT] * 2)
    machine.create(to=[Network.X], after=timedelta(minutes=5), parts=False, relay=True)
    machine.pass_time(time=timedelta(minutes=30))
    with pytest.raises(BrokenPromise, match=r"public \d times"):
        machine.teardown()


def test_absence_soon_after_the_send_is_no_proof(
    open_system: OpenSystem, loop_thread: LoopThread
) -> None:
    """Each look is the last deed of its worker, and the next worker looks at once."""
    machine = machine_of(open_system(), loop_thread)()
    machine.begin(
        policy=AmbiguityPolicy.RESEND,
        after=None,
        parts=False,
        met={Network.X: [Mishap.ANSWER_LOST]},
        deaths=[Point.LOOKED] * 2,
        crowd=False,
    )
    machine.pass_time(time=timedelta(minutes=6))
    machine.teardown()
