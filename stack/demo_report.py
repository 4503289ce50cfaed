"""What `make demo` says at the end."""

from collections.abc import Sequence
from dataclasses import dataclass


class DemoFailed(Exception):
    """Something did not go as it should; the text says what."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One delivery as the table shows it."""

    network: str
    kind: str
    status: str
    permalink: str
    lateness_ms: int | None
    expected: int
    """Public items that it should have made."""
    public: int
    """Public items that the network says it made."""
    heard_ms: int | None
    """On the feed: how long after its second a follower's socket heard of it."""


def report(shown: Sequence[Shown]) -> bool:
    """Print the table and the last line; whether everything is as it should be."""
    print(f"\n{'network':<10}{'kind':<22}{'lateness':>9}  permalink")
    for one in sorted(shown, key=lambda one: (one.network, one.kind)):
        late = "-" if one.lateness_ms is None else f"{one.lateness_ms} ms"
        told = one.permalink if one.status == "published" else f"{one.status}: {one.permalink}"
        print(f"{one.network:<10}{one.kind:<22}{late:>9}  {told}")
    everybody_heard = _report_heard([one for one in shown if one.network == "feed"])
    published = sum(one.status == "published" for one in shown)
    duplicates = sum(max(0, one.public - one.expected) for one in shown)
    missing = sum(max(0, one.expected - one.public) for one in shown)
    print(
        f"\ndemo: published {published}/{len(shown)}, duplicates {duplicates}, missing {missing}",
        flush=True,
    )
    complete = bool(shown) and published == len(shown) and not duplicates and not missing
    return complete and everybody_heard


def _report_heard(on_feed: Sequence[Shown]) -> bool:
    """What a follower of the feed's page heard; whether that was everything, of one post at least.

    A post without a time did not arrive.
    """
    print("\nOn a follower's socket, after the second:")
    for one in on_feed:
        heard = "did not arrive" if one.heard_ms is None else f"{one.heard_ms} ms"
        print(f"  {one.kind:<22}{heard:>9}")
    return bool(on_feed) and all(one.heard_ms is not None for one in on_feed)
