"""What the model was told and what it says, as tables for a terminal and for docs/scaling.md."""

from collections.abc import Iterable, Mapping, Sequence

from bench.pages import table
from bench.simulation.costs import Costs, Footprint, Part, Stage
from bench.simulation.days import Needs
from bench.simulation.measured import Point
from bench.simulation.model import Answer
from bench.simulation.prices import own_cluster, with_temporal_cloud

PERCENTS = {50: "p50", 99: "p99", 100: "last"}


def of_costs(costs: Costs) -> str:
    """Processor time of a delivery, by stage and part."""
    rows = [
        (str(stage), *(f"{costs.of(stage, part) * 1000:.2f}" for part in Part)) for stage in Stage
    ]
    whole = ("**together**", *(f"**{costs.of_part(part) * 1000:.2f}**" for part in Part))
    names = (f"{part}" if part is not Part.NETWORK else "the networks" for part in Part)
    return table(("milliseconds of a delivery", *names), [*rows, whole])


def of_footprint(footprint: Footprint) -> str:
    """What one post leaves behind."""
    told = {
        "PostgreSQL: bytes with indexes, packed": footprint.postgres_bytes,
        "the same, as publishing leaves them before a vacuum": footprint.left_bytes,
        **{f"of that, packed: `{name}`": size for name, size in footprint.tables.items()},
        "bytes of write-ahead log": footprint.log_bytes,
        "Temporal: events": footprint.events,
        "state transitions": footprint.state_transitions,
        "requests to its store": footprint.store_requests,
        "actions, as Temporal Cloud bills them": footprint.actions,
        "bytes of history": footprint.history_bytes,
        "bytes of its store, indexes and visibility included": footprint.store_bytes,
    }
    return table(("one post", ""), ((name, _number(value)) for name, value in told.items()))


def of_points(known: Iterable[Point]) -> str:
    """What was measured, beside what the model says."""
    rows = (
        (
            point.what,
            f"{_number(point.measured, 3)} {point.unit}",
            f"{_number(point.simulated, 3)} {point.unit}",
            f"{point.error:+.0%}",
        )
        for point in known
    )
    return table(("2 cores for everything", "measured", "simulated", "error"), rows)


def of_crowds(title: str, answers: Mapping[str, Answer]) -> str:
    """How late crowds are."""
    rows = (
        (name, *(f"{answer.lateness(percent):.2f} s" for percent in PERCENTS))
        for name, answer in answers.items()
    )
    return table((title, *PERCENTS.values()), rows)


def of_days(days: Sequence[Needs], costs: Costs, footprint: Footprint) -> str:
    """What whole days need and cost."""
    told: dict[str, Iterable[float]] = {
        "installations": (day.cells for day in days),
        "deliveries a second, in the mean": (day.deliveries_per_second for day in days),
        "deliveries in the fullest second": (day.crowd for day in days),
        "cores busy, in the mean of the day": (
            day.deliveries_per_second * costs.whole for day in days
        ),
        "Temporal: state transitions a second, in the mean": (
            day.transitions_per_second for day in days
        ),
        "the same, while the fullest second's are armed": (day.transitions_at_peak for day in days),
        "requests to its store a second, meanwhile": (day.store_requests_at_peak for day in days),
        "seconds until their workflows have ended": (day.ending_seconds for day in days),
        "history shards, of one cluster": (day.history_shards for day in days),
        "partitions of each publish queue": (day.partitions for day in days),
        "posts asleep": (day.asleep for day in days),
        "its store, GiB": (day.store_gib for day in days),
        "PostgreSQL: GiB a day": (day.postgres_gib_a_day for day in days),
        "GiB, posts of a year": (day.postgres_gib for day in days),
        "GiB of write-ahead log a day": (day.log_gib_a_day for day in days),
        "cores: PostgreSQL": (day.postgres_cores for day in days),
        "cores: Temporal": (day.temporal_cores for day in days),
        "cores: Temporal's store": (day.store_cores for day in days),
        "cores: API": (day.api_cores for day in days),
        "cores: workers, a process each": (day.workers for day in days),
        "million actions a month": (day.actions_a_month / 1e6 for day in days),
        "US$ a month, all on rented machines": (float(own_cluster(day)) for day in days),
        "US$ a month, with Temporal Cloud, at most": (
            float(with_temporal_cloud(day, footprint)) for day in days
        ),
    }
    head = ("posts a day", *(f"{day.posts:,}" for day in days))
    return table(head, ((name, *map(_number, values)) for name, values in told.items()))


def _number(value: float, digits: int = 1) -> str:
    whole = value >= 100 or value == int(value)
    return f"{value:,.0f}" if whole else f"{value:,.{digits}f}"
