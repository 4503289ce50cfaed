"""Whole days: how posts spread over one, what they need, and what that costs.

What is assumed stands here by name; docs/scaling.md says where each figure comes from.
"""

from dataclasses import dataclass
from math import ceil, log2

from bench.simulation.costs import Costs, Footprint, Part, Stage
from bench.simulation.system import System
from relay.post_workflows import LONGEST_LEAD

DAY = 86_400
MONTH = 30
GIB = 2**30

DELIVERIES_A_POST = 2
FULLEST = 0.04
"""Of a day's posts, those of its fullest second: five full hours have 20 % of them. Assumed."""

BUSY = 0.5
"""How busy a part is in its fullest minutes at most."""

UPDATES_OF_A_SHARD = 50.0
"""State transitions a second of one history shard, which writes them one after the other: at 5 ms a
write it could do 200."""
LEAST_SHARDS = 512
TASKS_OF_A_PARTITION = 1000 / 15
"""Tasks a second of one partition of a task queue."""
LEAST_PARTITIONS = 4

STORE_REQUEST = 0.0005
"""Seconds of a PostgreSQL core for one request to Temporal's store. Assumed: Punctual's own
transactions, divided by their statements, are below that."""

KEPT_POSTS = 365
"""Days."""
KEPT_HISTORIES = 7
"""Days; TEMPORAL_RETENTION."""
AHEAD = 7
"""Days from a post's creation to its publish time, in the mean."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One whole installation: its own database, its own Temporal namespace, its own workers."""

    crowd: int
    """Deliveries of one second that it is made for."""
    postgres_cores: int
    api_cores: int
    workers: int
    claimed_per_second: float
    """By one worker."""

    def system(self, costs: Costs) -> System:
        """The same, as the model takes it."""
        return System(
            postgres_cores=self.postgres_cores,
            temporal_cores=temporal_cores(self.crowd, costs),
            api_cores=self.api_cores,
            workers=self.workers,
            claimed_per_second=self.claimed_per_second,
            rate_per_second=float(self.crowd),
            armed_per_second=armed_per_second(self.crowd),
        )


def armed_per_second(crowd: int) -> float:
    """What ARMED_PER_SECOND has to be for a crowd, with a fifth to spare."""
    return max(60.0, ceil(crowd / LONGEST_LEAD.total_seconds() * 1.2))


def temporal_cores(crowd: int, costs: Costs) -> int:
    """Of Temporal's services while a crowd is armed; its store's are not among them."""
    seconds = costs.of(Stage.TAKING_IN, Part.TEMPORAL) + costs.of(Stage.ARMING, Part.TEMPORAL)
    return max(2, ceil(armed_per_second(crowd) * seconds / BUSY))


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """Of so many posts a day; cores and processes are of all cells together."""

    posts: int
    cells: int
    crowd: int
    """Deliveries in the fullest second."""
    deliveries_per_second: float
    """In the mean."""
    transitions_per_second: float
    """Temporal's, in the mean."""
    transitions_at_peak: float
    """While the fullest second is armed."""
    store_requests_at_peak: float
    history_shards: int
    """Of one cluster for all cells."""
    ending_seconds: float
    """After the fullest second, until Temporal has ended its workflows; receipts do not wait."""
    partitions: int
    """Of each publish queue, in each cell."""
    temporal_cores: int
    store_cores: int
    postgres_cores: int
    api_cores: int
    workers: int
    postgres_gib_a_day: float
    postgres_gib: float
    log_gib_a_day: float
    store_gib: float
    asleep: float
    """Posts that sleep."""
    actions_a_month: float

    @property
    def cores(self) -> int:
        """Of everything."""
        return (
            self.temporal_cores
            + self.store_cores
            + self.postgres_cores
            + self.api_cores
            + self.workers
        )


def needs(posts: int, cell: Cell, costs: Costs, footprint: Footprint) -> Needs:
    """What so many posts a day need, in cells of that kind."""
    crowd = posts * FULLEST * DELIVERIES_A_POST
    cells = max(1, ceil(crowd / cell.crowd))
    mean = posts / DAY
    armed = cells * armed_per_second(ceil(crowd / cells))
    at_peak = mean + armed / DELIVERIES_A_POST
    transitions = at_peak * footprint.state_transitions
    requests = at_peak * footprint.store_requests
    temporal = temporal_cores(ceil(crowd / cells), costs)
    return Needs(
        posts=posts,
        cells=cells,
        crowd=round(crowd),
        deliveries_per_second=mean * DELIVERIES_A_POST,
        transitions_per_second=mean * footprint.state_transitions,
        transitions_at_peak=transitions,
        store_requests_at_peak=requests,
        history_shards=max(LEAST_SHARDS, 2 ** ceil(log2(transitions / UPDATES_OF_A_SHARD))),
        ending_seconds=crowd / cells * costs.of(Stage.RECORDING, Part.TEMPORAL) / temporal,
        partitions=max(LEAST_PARTITIONS, ceil(armed / cells / TASKS_OF_A_PARTITION)),
        temporal_cores=cells * temporal,
        store_cores=ceil(requests * STORE_REQUEST / BUSY),
        postgres_cores=cells * cell.postgres_cores,
        api_cores=cells * cell.api_cores,
        workers=cells * cell.workers,
        postgres_gib_a_day=posts * footprint.postgres_bytes / GIB,
        postgres_gib=posts * footprint.postgres_bytes * KEPT_POSTS / GIB,
        log_gib_a_day=posts * footprint.log_bytes / GIB,
        store_gib=posts * footprint.store_bytes * (KEPT_HISTORIES + AHEAD) / GIB,
        asleep=posts * AHEAD,
        actions_a_month=posts * MONTH * footprint.actions,
    )
