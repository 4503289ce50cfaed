"""`python -m bench.social PLAN RECORDING`: one round of people, as Locust's users."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import gevent

from bench.processes import usage_of
from bench.social.auth_acts import AuthActs
from bench.social.chat_acts import ChatActs
from bench.social.feed_acts import FeedActs
from bench.social.notification_acts import NotificationActs
from bench.social.plan import Plan, read_plan
from bench.social.post_acts import PostActs
from bench.social.samples import Recording
from bench.social.town import Town

ARRIVAL_SECONDS: Final = 120.0
"""Beyond what the plan gives them to arrive, everybody is in or was turned away."""
PATIENCE: Final = 30.0
"""Seconds until an act that goes on is left alone, and a message that nobody saw is lost."""


class Inhabitant(AuthActs, FeedActs, PostActs, ChatActs, NotificationActs):
    """Does all of it; the numbers at the acts say how often each."""

    def arrive(self) -> None:
        """As an app does that is opened."""
        self.sign_in()
        self.connect()
        self.read_home()


def live(plan: Plan) -> Recording:
    """Let them arrive, live, and come to rest."""
    town = Town(plan, Inhabitant)
    runner = town.create_local_runner()
    people, pids = len(plan.residents), {**plan.pids, "people": os.getpid()}
    runner.start(people, spawn_rate=plan.arrive_per_second)
    arriving = people / plan.arrive_per_second + ARRIVAL_SECONDS
    _wait(lambda: town.arrived + town.turned_away == people, arriving)
    gevent.sleep(plan.settle)

    began, before = time.perf_counter(), usage_of(pids)
    gevent.sleep(plan.seconds)
    ended, after = time.perf_counter(), usage_of(pids)

    town.is_over = True
    _wait(lambda: town.resting == town.arrived, plan.pace + PATIENCE)
    _wait(lambda: not town.letters.on_their_way, PATIENCE)
    town.letters.give_up()
    samples, late = tuple(town.samples), tuple(town.began_late_ms)
    runner.quit()
    return Recording(
        began=began,
        ended=ended,
        arrived=town.arrived,
        samples=samples,
        began_late_ms=late,
        cpu_seconds={
            name: round(after[name].cpu_seconds - before[name].cpu_seconds, 2) for name in after
        },
    )


def _wait(until: Callable[[], bool], seconds: float) -> None:
    """Whatever comes first."""
    deadline = time.perf_counter() + seconds
    while not until() and time.perf_counter() < deadline:
        gevent.sleep(0.05)


def main() -> int:
    """0; how good the round was is for others to say."""
    plan, recording = (Path(name) for name in sys.argv[1:3])
    live(read_plan(plan)).write(recording)
    return 0


if __name__ == "__main__":
    sys.exit(main())
