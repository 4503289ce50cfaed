"""The load test's figures, table and last line."""

import math
from collections.abc import Iterable
from pathlib import Path

import pytest

from bench.load_report import AS_MADE_UP, LoadReport, Round, Scheduled, Variant
from bench.social.plan import Conversation, Plan, Resident, read_plan
from bench.social.samples import (
    SEEN,
    Recording,
    Sample,
    figures_by_group,
    figures_by_name,
    read_recording,
)

ALL_OUT = Scheduled(asked=3, published=3, p99=0.05)
WITHOUT_CACHE = Variant(redis=False, feed_cache=False)


def sample(group: str, ms: float, *, due: float = 15, error: str | None = None) -> Sample:
    """One answer."""
    return Sample(group=group, name="home", due=due, ms=ms, error=error)


def recording(samples: Iterable[Sample], *, arrived: int = 500) -> Recording:
    """Measured from second 10 to second 20."""
    return Recording(
        began=10.0,
        ended=20.0,
        arrived=arrived,
        samples=tuple(samples),
        began_late_ms=(0.0, 3.0),
        cpu_seconds={"api": 4.5},
    )


def lived(
    samples: Iterable[Sample],
    *,
    variant: Variant = AS_MADE_UP,
    arrived: int = 500,
    scheduled: Scheduled = ALL_OUT,
) -> Round:
    """A round of 500 people."""
    recorded = recording(samples, arrived=arrived)
    return Round.of(variant, recorded, people=500, scheduled=scheduled)


def report(*rounds: Round) -> LoadReport:
    """Of those rounds."""
    made = LoadReport(people=500)
    for one in rounds:
        made.add(one)
    return made


def test_figures_are_of_what_was_due_while_it_was_measured() -> None:
    """Answers that come later count with their whole time; what was due before does not."""
    samples = [sample("feed", ms) for ms in range(1, 101)]
    samples += [sample("feed", 9_000, due=9.99), sample("feed", 9_000, due=20)]
    samples += [sample("feed", 50_000, due=19.99)]
    feed = figures_by_group(recording(samples))["feed"]
    assert (feed.requests, feed.per_second) == (101, 10.1)
    assert (feed.p50, feed.p95, feed.p99, feed.longest) == (51, 96, 100, 50_000)


def test_errors_count_whenever_they_happened() -> None:
    """People who arrive are answered rightly, too."""
    samples = [sample("auth", 1, due=1, error="500"), sample("auth", 1)]
    assert figures_by_group(recording(samples))["auth"].errors == 1


def test_seen_messages_are_no_requests() -> None:
    """They have a line of their own."""
    groups = figures_by_group(recording([sample("chat", 2), sample(SEEN, 4), sample(SEEN, 5)]))
    assert (groups["all"].requests, groups["chat"].requests, groups[SEEN].requests) == (1, 1, 2)


def test_a_group_that_nothing_was_asked_of_has_no_times() -> None:
    """And does not look quick."""
    assert math.isnan(figures_by_group(recording([]))["feed"].p99)


def test_each_kind_of_request_is_told_apart() -> None:
    """By group and name."""
    kinds = figures_by_name(recording([sample("feed", 2), sample("posts", 3)]))
    assert {name: one.p50 for name, one in kinds.items()} == {"feed: home": 2, "posts: home": 3}


def test_the_last_line_tells_what_make_up_would_do() -> None:
    """Wherever its round stood."""
    rounds = [
        lived([sample("feed", 900), sample(SEEN, 900)], variant=WITHOUT_CACHE),
        lived([sample("feed", 41.6), sample(SEEN, 12.4), sample("auth", 1)]),
    ]
    assert report(*rounds).last_line() == (
        "load: users=500 rps=0 p99_feed=42ms p99_chat=12ms errors=0"
    )


def test_of_several_rounds_of_a_variant_the_median_is_told() -> None:
    """One that was disturbed does not decide."""
    rounds = [lived([sample("feed", ms), sample(SEEN, ms)]) for ms in (10, 5_000, 30)]
    assert " p99_feed=30ms p99_chat=30ms " in report(*rounds).last_line()


@pytest.mark.parametrize(
    ("bad", "errors"),
    [
        (lived([sample("feed", 1, error="500"), sample(SEEN, 1, error="never seen")]), 2),
        (lived([sample("people", 0, error="KeyError")]), 1),
        (lived([sample("feed", 1)], arrived=497), 3),
        (lived([sample("feed", 1)], scheduled=Scheduled(asked=5, published=1, p99=0.1)), 4),
    ],
    ids=["wrong answers", "unreadable answers", "people turned away", "posts not published"],
)
def test_whatever_went_wrong_in_any_round_is_in_the_last_line(bad: Round, errors: int) -> None:
    """And the command fails."""
    told = report(lived([sample("feed", 1)], variant=WITHOUT_CACHE), bad)
    assert told.last_line().endswith(f" errors={errors}")
    assert not told.outcome().is_good


def test_nothing_wrong_is_good() -> None:
    """In all rounds."""
    assert report(lived([sample("feed", 1)])).outcome().is_good


def test_the_table_has_a_line_for_each_group_of_each_variant() -> None:
    """Requests, a second, three percentiles, the longest, errors."""
    told = report(lived([sample("feed", 12.3)]), lived([], variant=WITHOUT_CACHE)).table()
    assert "no Redis, feed cache" in told
    assert "no Redis, no feed cache" in told
    feed = next(line for line in told.splitlines() if line.split()[:1] == ["feed"])
    assert feed.split() == ["feed", "1", "0.1", "12.3", "12.3", "12.3", "12.3", "0"]


def test_a_recording_can_be_read_back(tmp_path: Path) -> None:
    """As it was."""
    recorded = recording([sample("feed", 1.5), sample("chat", 2, error="409")])
    recorded.write(tmp_path / "recording.json")
    assert read_recording(tmp_path / "recording.json") == recorded


def test_a_plan_can_be_read_back(tmp_path: Path) -> None:
    """Residents and all."""
    resident = Resident(
        user_id="u",
        email="u@example.org",
        workspace_id="w",
        account_id="a",
        conversations=(Conversation(id="c", members=("u", "v")),),
    )
    plan = Plan(
        api="http://127.0.0.1:1",
        password="p",
        residents=(resident,),
        arrive_per_second=25,
        pace=5,
        settle=1,
        seconds=60,
        pids={"api": 1},
    )
    plan.write(tmp_path / "new" / "plan.json")
    assert read_plan(tmp_path / "new" / "plan.json") == plan
