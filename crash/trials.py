"""One scenario, carried out: a post is scheduled, somebody stands at a point, something dies."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from crash.customer import CustomerLeft, Public
from crash.gatekeeper import Trap, Word
from crash.points import FACTS, Point
from crash.scenarios import THEIRS, Scenario, Shape
from crash.strikes import ON_THE_WAY_SECONDS, Strikes
from crash.system import System
from crash.verdicts import SETTLED, Verdict, judge
from stack.demo_posts import picture

ACCOUNTS = 4
"""On each network: a fault that is ordered for one scenario does not meet the one before it."""

LATE_SECONDS = 4.0
"""Longer than the system waits for a network."""

MAY_HAVE_LEFT = frozenset({Point.RELEASED, Point.ANSWERED})
"""Where nobody else can tell whether what stands there was sent."""

SETTLE_SECONDS = 90.0
"""After what happened, before a delivery counts as stuck."""


@dataclass(kw_only=True)
class Trial:
    """What is known of one scenario."""

    number: int
    scenario: Scenario
    mark: str
    accounts: Mapping[str, str]
    """By network."""
    post_id: str = ""
    arrived: frozenset[str] = frozenset()
    problem: str = ""
    """Why the scenario could not be carried out as it was meant."""
    stuck: frozenset[str] = frozenset()
    """Networks that were not settled in time."""
    answer: Mapping[str, Any] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    def verdict_all(self, public: Public) -> None:
        """Judge every delivery by what is public now."""
        scenario = self.scenario
        by_network = {one["network"]: one for one in self.answer.get("deliveries", ())}
        for network in scenario.networks:
            counts = [public[network, f"{self.mark}.{part}"] for part in range(scenario.parts)]
            silent = {"status": "unknown", "reason": None, "lateness_ms": None}
            self.verdicts[network] = judge(
                by_network.get(network, silent),
                counts,
                comments=1 if scenario.shape is Shape.COMMENT else 0,
                should_be_cancelled=scenario.shape is Shape.CANCELLED,
                has_to_leave=network in self._have_to_leave,
                is_late=network in self.stuck,
            )

    @property
    def _have_to_leave(self) -> frozenset[str]:
        """Networks to which nothing had been sent, for certain, when somebody died."""
        if not self.scenario.in_crowd:
            return frozenset()
        had_left = self.arrived if self.scenario.point in MAY_HAVE_LEFT else frozenset()
        return frozenset(self.scenario.networks) - had_left


class Trials:
    """Carries out scenarios on one system."""

    def __init__(self, system: System) -> None:
        """Call `connect` first."""
        self._system = system
        self._strikes = Strikes(system)
        self._customer = system.customer
        self._run = uuid4().hex[:6]
        self._accounts: list[dict[str, str]] = []
        self._media = ""
        self._posts: set[str] = set()
        self._count = 0

    @property
    def feed_accounts(self) -> Sequence[str]:
        """Whose built-in feed has to be read to know what is public."""
        return [accounts["feed"] for accounts in self._accounts if "feed" in accounts]

    async def connect(self, networks: Sequence[str]) -> None:
        """Connect the accounts that posts go to, and upload their picture."""
        for number in range(ACCOUNTS):
            self._accounts.append(
                {
                    network: await self._customer.connect(network, _handle(network, number))
                    for network in networks
                }
            )
        self._media = await self._customer.upload(picture(0))

    async def carry_out(self, scenario: Scenario) -> Trial:
        """Schedule, wait until they stand there, let it happen."""
        number = self._count
        self._count += 1
        trial = Trial(
            number=number,
            scenario=scenario,
            mark=f"{self._run}-{number}",
            accounts=self._accounts[number % ACCOUNTS],
        )
        trap = self._trap(scenario, scenario.point)
        try:
            await self._order_faults(trial)
            if FACTS[scenario.point].is_update:
                await self._create(trial)
                await self._started(trial)
                trap.post = trial.post_id
                self._system.keeper.set_trap(trap)
                await self._change(trial)
                await self._happen(trial, trap)
            else:
                self._system.keeper.set_trap(trap)
                before = self._set_trap_before(scenario)
                creating = asyncio.create_task(self._create(trial))
                await self._happen(trial, trap, before)
                await creating
        except CustomerLeft as error:
            trial.problem = str(error)
        finally:
            trap.open()
        return trial

    def _trap(self, scenario: Scenario, point: Point) -> Trap:
        return Trap(
            point=point,
            expected=scenario.expected,
            part=scenario.part,
            ignored=frozenset(self._posts),
            holds=FACTS[point].holds,
            in_turn=FACTS[point].in_turn,
        )

    def _set_trap_before(self, scenario: Scenario) -> Trap | None:
        """For the worker that has to be struck so that another comes to the scenario's point."""
        point = FACTS[scenario.point].after
        if point is None:
            return None
        trap = self._trap(scenario, point)
        self._system.keeper.set_trap(trap)
        return trap

    async def settle(self, trial: Trial) -> None:
        """Wait until every delivery is settled, or stuck; then judge."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while trial.post_id:
            trial.answer = await self._customer.show(trial.post_id)
            open_ones = {
                str(one["network"])
                for one in trial.answer["deliveries"]
                if one["status"] not in SETTLED
            }
            if not open_ones:
                break
            if time.monotonic() > deadline:
                trial.stuck = frozenset(open_ones)
                break
            await asyncio.sleep(0.5)
        trial.verdict_all(await self._customer.public(self.feed_accounts))

    async def _create(self, trial: Trial) -> None:
        lead = FACTS[trial.scenario.point].lead
        at = (datetime.now(UTC) + timedelta(seconds=lead)).isoformat() if lead else "now"
        trial.post_id = await self._customer.create(self._body(trial, at), f"key-{trial.mark}")
        self._posts.add(trial.post_id)

    async def _started(self, trial: Trial) -> None:
        """Wait until the post's workflow runs: only then is there something to update."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            events = await self._customer.timeline(trial.post_id)
            if any(event["event"] == "workflow_started" for event in events):
                return
            await asyncio.sleep(0.1)
        raise CustomerLeft("the workflow did not start")

    async def _change(self, trial: Trial) -> None:
        if trial.scenario.shape is Shape.CANCELLED:
            await self._customer.cancel(trial.post_id)
        else:
            at = datetime.now(UTC) + timedelta(seconds=7)
            await self._customer.move(trial.post_id, at.isoformat())

    async def _happen(self, trial: Trial, trap: Trap, before: Trap | None = None) -> None:
        """Let it happen, and let go who still stands there."""
        try:
            trial.problem = await self._strikes.at(trap, trial.scenario, before=before)
        finally:
            trial.arrived = frozenset(trap.arrived)
            for each in (before, trap):
                if each is not None:
                    each.open()

    async def _order_faults(self, trial: Trial) -> None:
        """Tell the networks what to do with this post's request."""
        scenario = trial.scenario
        if scenario.point is not Point.SENDING:
            return
        is_theirs = scenario.fault in THEIRS
        order = {
            "kind": str(scenario.fault) if is_theirs else "latency",
            "operation": scenario.operation,
            "skip": scenario.skip,
            "seconds": LATE_SECONDS if is_theirs else ON_THE_WAY_SECONDS,
        }
        for network in scenario.networks:
            if network != "feed":
                handle = _handle(network, trial.number % ACCOUNTS)
                body = {**order, "network": network, "account": handle}
                await self._customer.sandbox("POST", "faults", body)
            elif is_theirs:
                ignored = frozenset(self._posts)
                word = Word(network=network, text=str(scenario.fault), ignored=ignored)
                self._system.keeper.say(word)

    def _body(self, trial: Trial, publish_at: str) -> dict[str, Any]:
        scenario = trial.scenario
        picture_of = [{"media_id": self._media, "alt_text": "Bread"}]
        body: dict[str, Any] = {
            "text": f"Bread of the day [{trial.mark}.0]",
            "targets": [trial.accounts[network] for network in scenario.networks],
            "publish_at": publish_at,
        }
        if scenario.shape is Shape.THREAD:
            body["thread"] = [
                {"text": f"And more [{trial.mark}.{part}]"} for part in range(1, scenario.parts)
            ]
        if scenario.shape is Shape.COMMENT:
            body["first_comment"] = f"With butter [{trial.mark}.1]"
        if FACTS[scenario.point].with_media:
            body["media"] = picture_of
        elif "instagram" in scenario.networks:
            body["variants"] = {"instagram": {"media": picture_of}}
        return body


def _handle(network: str, number: int) -> str:
    return f"crash{number}.test" if network == "bluesky" else f"crash{number}"
