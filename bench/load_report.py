"""What the load test's rounds come to: a table, the JSON, the plot, the last line."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from statistics import median
from typing import Any, Final, Self

from bench import figures
from bench.lateness import percentile
from bench.results import Outcome
from bench.social.samples import (
    GROUPS,
    SEEN,
    Figures,
    Recording,
    figures_by_group,
    figures_by_name,
    wrong_answers,
)

SHOWN_ERRORS: Final = 10
"""Different ones that are printed of a round."""

_LABELS: Final = {SEEN: "chat, seen", "all": "all requests"}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """How the system of a round is set."""

    redis: bool
    """Cache, limits, and what sockets of several processes tell each other."""
    feed_cache: bool

    @property
    def label(self) -> str:
        """For people."""
        redis = "Redis" if self.redis else "no Redis"
        return f"{redis}, {'feed cache' if self.feed_cache else 'no feed cache'}"

    @property
    def settings(self) -> Mapping[str, str]:
        """Where it differs from what `make up` runs with. REDIS_URL comes on top."""
        redis = str(self.redis).lower()
        return {
            # Everybody comes from one address here.
            "LOGIN_TRIES_PER_MINUTE": "0",
            "REDIS_ENABLED": redis,
            "REDIS_SOCKET_ADAPTER_ENABLED": redis,
            "FEED_CACHE_ENABLED": str(self.feed_cache).lower(),
        }


AS_MADE_UP: Final = Variant(redis=False, feed_cache=True)
"""What `make up` runs with: the last line's figures are its."""


@dataclass(frozen=True, kw_only=True)
class Scheduled:
    """What became of the posts that people scheduled."""

    asked: int
    published: int
    p99: float
    """Lateness, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """One variant, once."""

    variant: Variant
    groups: Mapping[str, Figures]
    """Of `bench.social.samples.figures_by_group`."""
    kinds: Mapping[str, Figures]
    """Of each kind of request."""
    wrong: Counter[str]
    """What was wrong, how often."""
    missing_people: int
    """Who could not sign in or connect."""
    scheduled: Scheduled
    began_late_p99: float
    """Milliseconds by which people's own process was behind its plan; in the figures as well."""
    cpu_seconds: Mapping[str, float]
    """Of each process while it was measured."""

    @classmethod
    def of(
        cls, variant: Variant, recording: Recording, *, people: int, scheduled: Scheduled
    ) -> Self:
        """`people` is how many there should have been."""
        return cls(
            variant=variant,
            groups=figures_by_group(recording),
            kinds=figures_by_name(recording),
            wrong=wrong_answers(recording.samples),
            missing_people=people - recording.arrived,
            scheduled=scheduled,
            began_late_p99=percentile(sorted(recording.began_late_ms), 99),
            cpu_seconds=recording.cpu_seconds,
        )

    @property
    def errors(self) -> int:
        """Wrong answers, unseen messages, people who did not get in, posts that did not go out."""
        unpublished = self.scheduled.asked - self.scheduled.published
        return self.wrong.total() + self.missing_people + unpublished


class LoadReport:
    """Over all rounds: of several of a variant the median, of errors the sum."""

    def __init__(self, *, people: int) -> None:
        """How many live in each round."""
        self._people = people
        self._rounds: dict[Variant, list[Round]] = {}

    def add(self, one: Round) -> None:
        """One more round."""
        self._rounds.setdefault(one.variant, []).append(one)

    def table(self) -> str:
        """A block a variant, a line a group; times in milliseconds."""
        head = (
            f"{'':<18}{'requests':>10}{'/s':>8}{'p50':>9}{'p95':>9}{'p99':>9}"
            f"{'longest':>9}{'errors':>8}"
        )
        lines = ["", head]
        for variant, rounds in self._rounds.items():
            lines.append(variant.label)
            lines += [self._line(name, rounds) for name in (*GROUPS, "all", SEEN)]
        return "\n".join([*lines, ""])

    def last_line(self) -> str:
        """The line to read: figures of `make up`'s settings, errors of all rounds."""
        chosen = AS_MADE_UP if AS_MADE_UP in self._rounds else next(iter(self._rounds))
        rounds = self._rounds[chosen]
        return (
            f"load: users={self._people} rps={_middle(rounds, 'all', 'per_second'):.0f}"
            f" p99_feed={_middle(rounds, 'feed', 'p99'):.0f}ms"
            f" p99_chat={_middle(rounds, SEEN, 'p99'):.0f}ms errors={self.errors}"
        )

    @property
    def errors(self) -> int:
        """Of all rounds."""
        return sum(one.errors for rounds in self._rounds.values() for one in rounds)

    def outcome(self) -> Outcome:
        """All of it."""
        return Outcome(
            name="load",
            line=self.last_line(),
            is_good=self.errors == 0,
            told={
                "people": self._people,
                "locust": version("locust"),
                "rounds": [_told(one) for rounds in self._rounds.values() for one in rounds],
            },
            draw=self._draw,
        )

    def _line(self, name: str, rounds: Sequence[Round]) -> str:
        errors = sum(one.groups[name].errors for one in rounds)
        times = "".join(
            f"{_middle(rounds, name, what):>9.1f}" for what in ("p50", "p95", "p99", "longest")
        )
        return (
            f"  {_LABELS.get(name, name):<16}{_middle(rounds, name, 'requests'):>10.0f}"
            f"{_middle(rounds, name, 'per_second'):>8.1f}{times}{errors:>8}"
        )

    def _draw(self) -> None:
        groups = (*GROUPS, SEEN)
        width = 0.8 / len(self._rounds)
        title = (
            f"{self._people} people at once: half are answered within the dark part, 99 % within"
        )
        with figures.figure("load", title=f"{title} the bar", x="", y="ms") as axes:
            for number, (variant, rounds) in enumerate(self._rounds.items()):
                places = [place + (number + 0.5) * width - 0.4 for place in range(len(groups))]
                colour = figures.COLOURS[number]
                p99, p50 = (
                    [_middle(rounds, name, what) for name in groups] for what in ("p99", "p50")
                )
                axes.bar(places, p99, width * 0.9, color=colour, alpha=0.45)
                axes.bar(places, p50, width * 0.9, color=colour, label=variant.label)
            axes.set_xticks(range(len(groups)), [_LABELS.get(name, name) for name in groups])


def show(one: Round) -> None:
    """A few lines about one round, as soon as it is over."""
    scheduled = one.scheduled
    print(
        f"  scheduled posts: {scheduled.published} of {scheduled.asked} published,"
        f" p99 {scheduled.p99:.2f} s late; people acted up to {one.began_late_p99:.0f} ms (p99)"
        " after they wanted to"
    )
    spent = ", ".join(f"{name} {seconds:.1f}" for name, seconds in one.cpu_seconds.items())
    print(f"  CPU seconds: {spent}")
    if one.missing_people:
        print(f"  {one.missing_people} people did not get in")
    for error, count in one.wrong.most_common(SHOWN_ERRORS):
        print(f"  {count} x {error}")


def _middle(rounds: Sequence[Round], group: str, what: str) -> float:
    values: list[float] = [getattr(one.groups[group], what) for one in rounds]
    return median(values)


def _told(one: Round) -> dict[str, Any]:
    return {
        "variant": one.variant.label,
        "groups": {name: _rounded(found) for name, found in one.groups.items()},
        "kinds": {name: _rounded(found) for name, found in one.kinds.items()},
        "errors": one.errors,
        "wrong": dict(one.wrong.most_common(SHOWN_ERRORS)),
        "scheduled_posts": asdict(one.scheduled),
        "began_late_p99_ms": round(one.began_late_p99, 1),
        "cpu_seconds": dict(one.cpu_seconds),
    }


def _rounded(found: Figures) -> dict[str, float]:
    return {name: round(value, 2) for name, value in asdict(found).items()}
