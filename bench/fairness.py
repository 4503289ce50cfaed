"""`make bench-fairness`: one workspace has thousands of due posts; how long another's wait."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median

from bench import figures
from bench.command import carry_out, command_line, fresh_system, punctual_options
from bench.contenders.punctual_client import PunctualClient, PunctualFailed
from bench.contenders.punctual_system import PunctualOptions
from bench.load import Load
from bench.results import Outcome
from bench.sandboxes import Arrival, SandboxProcess

ACCOUNTS = 100
"""Of the workspace with the many posts."""
SINGLES = 10
PAUSE_SECONDS = 2.0
"""Between two of the other workspace's posts."""
PATIENCE = timedelta(seconds=600)
UNDER_WAY = 100
"""Of the crowd's posts are out before the first single one is asked for."""
ALLOWED_SECONDS = 2.0


async def run_fairness(crowd: int, options: PunctualOptions, latency_ms: float) -> Outcome:
    """Let the crowd begin, then ask for single posts now and then."""
    many = Load.of(
        crowd, networks=("x",), posts_of_a_user=-(-crowd // ACCOUNTS), users_of_a_workspace=ACCOUNTS
    )
    few = Load.of(SINGLES, networks=("x",), posts_of_a_user=SINGLES)
    async with fresh_system(options, latency_ms=latency_ms) as (system, sandbox):
        client = system.client
        for load in (many, few):
            await client.populate(load)
        await system.stack.stop("worker")
        await client.schedule(many, "now")
        await system.stack.start("worker")
        print(f"  {crowd} posts of one workspace are due", flush=True)
        await _under_way(sandbox)
        asked = await _singles(client, few)
        left = crowd - len([one for one in await sandbox.arrivals() if _is_of(one, many)])
        await client.settled(datetime.now(UTC) + PATIENCE)
        arrivals = await sandbox.arrivals()
        told = await client.published()
    found = {one.mark: one.at for one in arrivals}
    delays = sorted((found[mark] - at).total_seconds() for mark, at in asked.items())
    public = [(one.network, one.mark) for one in arrivals]
    line = (
        f"fairness: crowd={crowd} still_due={left} singles={len(delays)}"
        f" median_delay={median(delays):.3f} worst_delay={delays[-1]:.3f}"
        f" published={len(told)} duplicates={len(public) - len(set(public))}"
    )
    everything = len(told) == crowd + SINGLES == len(public)
    return Outcome(
        name="fairness",
        line=line,
        is_good=everything and left > 0 and delays[-1] <= ALLOWED_SECONDS,
        told={"delay_seconds": delays},
        draw=partial(
            _draw,
            [one.at for one in arrivals if _is_of(one, many)],
            {mark: (at, found[mark]) for mark, at in asked.items()},
        ),
    )


async def _under_way(sandbox: SandboxProcess) -> None:
    deadline = datetime.now(UTC) + PATIENCE
    while await sandbox.sends() < UNDER_WAY:
        if datetime.now(UTC) > deadline:
            raise PunctualFailed("the crowd's posts do not go out")
        await asyncio.sleep(0.1)


async def _singles(client: PunctualClient, few: Load) -> dict[str, datetime]:
    """When each single post was asked for, by mark."""
    asked = {}
    for post in few.posts():
        asked[post.mark] = datetime.now(UTC)
        await client.create(post, "now")
        await asyncio.sleep(PAUSE_SECONDS)
    return asked


def _is_of(arrival: Arrival, load: Load) -> bool:
    return arrival.mark.startswith(f"{load.run}-")


def _draw(crowd: Sequence[datetime], singles: dict[str, tuple[datetime, datetime]]) -> None:
    began = min(crowd)
    seconds = sorted((at - began).total_seconds() for at in crowd)
    title = f"Single posts beside a workspace with {len(crowd):,} due ones"
    with figures.figure("fairness", title=title, x="seconds", y="the crowd's posts sent") as axes:
        axes.step(seconds, range(1, len(seconds) + 1), where="post", label="the crowd")
        for number, (asked, arrived) in enumerate(singles.values()):
            first, last = ((at - began).total_seconds() for at in (asked, arrived))
            label = "a single post, from asked for to sent" if number == 0 else None
            axes.axvspan(first, last, color=figures.COLOURS[1], alpha=0.6, label=label)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 only when no single post waited longer than is allowed."""
    parser = command_line("fairness", __doc__)
    parser.add_argument("--crowd", type=int, default=10_000, help="due posts of the one workspace")
    asked = parser.parse_args(arguments)
    return carry_out(asked, run_fairness(asked.crowd, punctual_options(asked), asked.latency_ms))


if __name__ == "__main__":
    sys.exit(main())
