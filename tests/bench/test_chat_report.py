"""What the chat benchmark makes of its runs: the last line, and whether anything was lost."""

from dataclasses import replace

from bench.chat_report import ChatReport, Heard
from bench.chat_systems import System

OURS = Heard(
    system=System.PUNCTUAL,
    per_second=100,
    sent=10,
    refused=0,
    expected=100,
    seen=100,
    wrong=0,
    p50=4.0,
    p99=9.0,
    max=12.0,
    acknowledged_p99=8.0,
    cpu_seconds={"server-1": 0.2, "postgres": 0.1, "clients": 0.3},
)
RELAY = replace(OURS, system=System.RELAY, p50=1.0, p99=6.0)
KEPT = replace(OURS, system=System.KEPT, p50=3.0, p99=10.0)


def report(*heard: Heard) -> ChatReport:
    """Of a run whose last line is about 100 messages a second."""
    return ChatReport(heard, sockets=1000, headline=100)


def test_the_last_line_compares_the_median_rounds_at_the_headline_rate() -> None:
    slow, quick = replace(OURS, p99=90.0), replace(OURS, p99=3.0)
    elsewhere = replace(OURS, per_second=200, p99=900.0)
    line = report(slow, OURS, quick, elsewhere, RELAY, KEPT).last_line()
    assert line == (
        "chat: sockets=1000 per_second=100 sent=40 seen=400 lost=0 p50=4.0ms p99=9.0ms"
        " node_p50=1.0ms node_p99=6.0ms ratio=1.50"
        " node_kept_p50=3.0ms node_kept_p99=10.0ms ratio_kept=0.90"
    )


def test_what_was_not_seen_or_refused_or_seen_twice_is_lost_and_fails() -> None:
    bad = replace(OURS, seen=98, refused=1, wrong=1)
    assert bad.lost == 4
    assert " lost=4 " in report(bad, RELAY, KEPT).last_line()
    assert not report(bad, OURS, RELAY, KEPT).outcome().is_good


def test_what_a_contender_loses_is_shown_and_fails_nothing() -> None:
    shown = report(OURS, replace(RELAY, seen=90), KEPT)
    assert shown.outcome().is_good
    relay = next(line for line in shown.table().splitlines() if "relay only" in line)
    assert relay.split()[-5:] == ["10", "1.0", "6.0", "12.0", "30%"]


def test_a_run_of_ours_alone_has_nothing_to_compare_with() -> None:
    assert report(OURS).last_line().endswith("lost=0 p50=4.0ms p99=9.0ms")
