"""When a network, or one account on it, fails so often that sending more would only waste tries.

closed ── too many failures in the window ──► open ── its time is over ──► half-open
  ▲                                            ▲                              │
  └──────────── enough probes succeeded ───────┼──────────────────────────────┤
                                               └────── a probe failed ────────┘
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

BUCKETS: Final = 6
"""Pieces of the sliding window: it moves on by a sixth of its length."""


class CircuitState(StrEnum):
    """Whether deliveries may be sent."""

    CLOSED = "closed"
    """They may: all is well."""
    OPEN = "open"
    """They are held."""
    HALF_OPEN = "half_open"
    """A few may, to find out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CircuitPlan:
    """When a circuit opens, for how long, and what closes it again."""

    window: timedelta = timedelta(seconds=60)
    """How long a failure counts."""
    min_failures: int = 10
    """Fewer in the window never open a network's circuit."""
    account_min_failures: int = 5
    """Fewer in the window never open an account's circuit; nor does one account give a network's
    circuit more than these."""
    failure_share: float = 0.5
    """Of the sends in the window, the least share of failures that opens."""
    open_for: timedelta = timedelta(seconds=30)
    """The first time; doubled each time that it opens again soon."""
    longest_open: timedelta = timedelta(minutes=10)
    """However often it opened. One that stayed closed for as long starts from the first again."""
    probes: int = 3
    """Sends let through at once when half-open; as many successes close it."""
    probe_patience: timedelta = timedelta(seconds=30)
    """After it, probes that nobody heard of again are given once more."""

    @property
    def piece(self) -> timedelta:
        """What the window moves on by."""
        return self.window / BUCKETS

    def for_account(self) -> "CircuitPlan":
        """The plan of a single account's circuit."""
        return replace(self, min_failures=self.account_min_failures)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sends:
    """How some sends went that began at about the same time."""

    started_at: datetime
    """When the earliest of them began, UTC."""
    failures: int
    """Those that speak of the network: no answer, no connection, a fault on its side."""
    successes: int
    """Those that it answered, if only with a refusal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """The sends of one piece of the window."""

    begins: datetime
    failures: int
    successes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Circuit:
    """One circuit at one moment. Times are UTC."""

    state: CircuitState = CircuitState.CLOSED
    since: datetime
    """When it came into this state."""
    until: datetime | None = None
    """Open: when it may be probed. Half-open: when the probes that are out count as lost."""
    trips: int = 0
    """How often it opened lately; each doubles the time."""
    probes_left: int = 0
    probes_succeeded: int = 0
    tallies: tuple[Tally, ...] = ()
    """Of the window, oldest first; kept while it is closed."""

    @property
    def failures(self) -> int:
        """How many were counted in the window."""
        return sum(tally.failures for tally in self.tallies)

    @property
    def sends(self) -> int:
        """How many were counted in the window, failed ones included."""
        return self.failures + sum(tally.successes for tally in self.tallies)

    def is_disturbed(self, now: datetime, plan: CircuitPlan) -> bool:
        """Whether successes matter to it: it is not closed, or failures are in its window."""
        return self.state is not CircuitState.CLOSED or any(
            tally.failures for tally in _recent(self.tallies, now, plan)
        )

    def after(self, sends: Iterable[Sends], now: datetime, plan: CircuitPlan) -> "Circuit":
        """As it is once these sends are known, all of them weighed at once.

        What began before it was probed tells nothing new of it.
        """
        if self.state is CircuitState.OPEN:
            return self
        if self.state is CircuitState.HALF_OPEN:
            sends = [one for one in sends if one.started_at >= self.since]
        sends = list(sends)
        failures = sum(one.failures for one in sends)
        successes = sum(one.successes for one in sends)
        if self.state is CircuitState.HALF_OPEN:
            return self._probed(failures, successes, now, plan)
        return self._counted(failures, successes, now, plan)

    def is_shut(self, now: datetime, plan: CircuitPlan) -> bool:
        """Whether nothing more may be sent now, not even a probe."""
        return self.state is not CircuitState.CLOSED and not self.probes_due(now, plan)

    def take_probe(self, now: datetime, plan: CircuitPlan) -> "Circuit":
        """As it is once one more send goes out, which it let through."""
        if self.state is CircuitState.CLOSED:
            return self
        if self.is_shut(now, plan):
            raise ValueError("a shut circuit lets nothing through")
        due = self._as_of(now, plan)
        return replace(due, probes_left=due.probes_left - 1)

    def probes_due(self, now: datetime, plan: CircuitPlan) -> int:
        """How many sends it lets through now to find out; none of a closed one's are probes."""
        return 0 if self.state is CircuitState.CLOSED else self._as_of(now, plan).probes_left

    def _as_of(self, now: datetime, plan: CircuitPlan) -> "Circuit":
        """With the probes of a new round, when its time has come."""
        if self.until is None or now < self.until:
            return self
        begun = self.state is CircuitState.HALF_OPEN
        return replace(
            self,
            state=CircuitState.HALF_OPEN,
            since=self.since if begun else now,
            until=now + plan.probe_patience,
            probes_left=plan.probes,
            probes_succeeded=self.probes_succeeded if begun else 0,
        )

    def _counted(
        self, failures: int, successes: int, now: datetime, plan: CircuitPlan
    ) -> "Circuit":
        counted = replace(
            self, tallies=_with(_recent(self.tallies, now, plan), failures, successes, now, plan)
        )
        enough = counted.failures >= max(plan.min_failures, 1)
        if enough and counted.failures >= plan.failure_share * counted.sends:
            return _opened(counted, now, plan)
        return counted

    def _probed(self, failures: int, successes: int, now: datetime, plan: CircuitPlan) -> "Circuit":
        if failures:
            return _opened(self, now, plan)
        succeeded = self.probes_succeeded + successes
        if succeeded < plan.probes:
            return replace(self, probes_succeeded=succeeded)
        return Circuit(state=CircuitState.CLOSED, since=now, trips=self.trips)


def _opened(circuit: Circuit, now: datetime, plan: CircuitPlan) -> Circuit:
    """Open, for longer than the last time unless that is long ago."""
    rested = circuit.state is CircuitState.CLOSED and now - circuit.since > plan.longest_open
    trips = 1 if rested else circuit.trips + 1
    doubled = plan.open_for * 2 ** min(trips - 1, 20)  # bounded, because a timedelta is
    return replace(
        circuit,
        state=CircuitState.OPEN,
        since=now,
        until=now + min(doubled, max(plan.longest_open, plan.open_for)),
        trips=min(trips, 1000),
        probes_left=0,
        probes_succeeded=0,
    )


def _recent(tallies: tuple[Tally, ...], now: datetime, plan: CircuitPlan) -> tuple[Tally, ...]:
    return tuple(tally for tally in tallies if tally.begins > now - plan.window)


def _with(
    tallies: tuple[Tally, ...], failures: int, successes: int, now: datetime, plan: CircuitPlan
) -> tuple[Tally, ...]:
    """Count into the newest piece of the window, or begin another."""
    if tallies and now - tallies[-1].begins < plan.piece:
        last = tallies[-1]
        counted = replace(
            last, failures=last.failures + failures, successes=last.successes + successes
        )
        return (*tallies[:-1], counted)
    return (*tallies, Tally(begins=now, failures=failures, successes=successes))
