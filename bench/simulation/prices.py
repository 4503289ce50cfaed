"""What machines and Temporal Cloud cost, in US dollars; the list prices of November 2026 or before.

They are assumptions to be replaced by one's own: docs/scaling.md names their sources.
"""

from decimal import Decimal

from bench.simulation.costs import Footprint
from bench.simulation.days import AHEAD, GIB, KEPT_HISTORIES, MONTH, Needs

CORE_MONTH = Decimal(30)
"""A virtual core with 4 GiB of memory."""
GIB_MONTH = Decimal("0.08")
"""Of a network disk."""
COPIES = 2
"""A primary and its standby: of PostgreSQL, and of Temporal's store."""

HOURS = 24
ACTIVE_GIB_HOUR = Decimal("0.042")
RETAINED_GIB_HOUR = Decimal("0.00105")
FAIRNESS = Decimal("1.1")
"""Actions are billed as so many while fairness keys are in use."""
PLAN = Decimal("1.1")
"""A tenth of what is used goes to the plan."""
ACTIONS: tuple[tuple[int, int], ...] = ((5, 50), (5, 45), (10, 40), (30, 35), (50, 30), (100, 25))
"""Millions a month, and the price of a million; one after the other."""
BEYOND = 25
"""The last published price. Above 200 million a month there are others, which are not published."""


def own_cluster(needs: Needs) -> Decimal:
    """A month of everything on rented machines, Temporal included."""
    cores = needs.cores + (COPIES - 1) * (needs.postgres_cores + needs.store_cores)
    disk = COPIES * (needs.postgres_gib + needs.store_gib)
    return CORE_MONTH * cores + GIB_MONTH * round(disk)


def with_temporal_cloud(needs: Needs, footprint: Footprint) -> Decimal:
    """A month with Temporal Cloud in the place of one's own."""
    cores = needs.cores - needs.temporal_cores - needs.store_cores + needs.postgres_cores
    machines = CORE_MONTH * cores + GIB_MONTH * round(COPIES * needs.postgres_gib)
    return machines + temporal_cloud(needs, footprint)


def temporal_cloud(needs: Needs, footprint: Footprint) -> Decimal:
    """A month of Temporal Cloud: actions, storage, plan."""
    history = Decimal(needs.posts * footprint.history_bytes) / GIB
    hours = MONTH * HOURS
    storage = history * hours * (AHEAD * ACTIVE_GIB_HOUR + KEPT_HISTORIES * RETAINED_GIB_HOUR)
    return PLAN * (actions_price(Decimal(needs.actions_a_month) * FAIRNESS) + storage)


def actions_price(actions: Decimal) -> Decimal:
    """Of so many in a month, by the published steps."""
    price, left = Decimal(0), actions / 1_000_000
    for millions, each in ACTIONS:
        taken = min(left, Decimal(millions))
        price += taken * each
        left -= taken
    return price + left * BEYOND
