"""`make crash-matrix`: something dies at every point of the way; then it is counted what is public.

Exit code 1 when anything is public twice, or missing without a word.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence

from crash import crowds
from crash.plants import Plant
from crash.points import Point
from crash.report import show_deaths, show_table, tell_bad
from crash.scenarios import ALL_NETWORKS, Fault, Scenario, scenarios
from crash.system import System, running_system
from crash.trials import Trial, Trials
from crash.verdicts import line_of
from domain.policies import AmbiguityPolicy
from stack.errors import StackError

OVERLAP = 2
"""Scenarios that are still settling while the next one begins."""

LAST_LOOK_SECONDS = 6.0
"""After the last scenario, for whatever would still become public."""


async def run_matrix(
    chosen: Sequence[Scenario],
    *,
    policy: AmbiguityPolicy = AmbiguityPolicy.HOLD,
    plant: Plant | None = None,
    verbose: bool = False,
) -> list[Trial]:
    """Carry them out in that order, first those that are claimed at their second.

    Each half has a system of its own, and is judged by what is public at its end.
    """
    done: list[Trial] = []
    for in_crowd in (False, True):
        half = [scenario for scenario in chosen if scenario.in_crowd is in_crowd]
        if half:
            overrides = {crowds.VARIABLE: "1"} if in_crowd else {}
            async with running_system(plant=plant, verbose=verbose, overrides=overrides) as system:
                done += await _run_on(system, half, policy)
    show_table(done)
    return done


async def _run_on(
    system: System, chosen: Sequence[Scenario], policy: AmbiguityPolicy
) -> list[Trial]:
    await system.customer.choose(policy)
    trials = Trials(system)
    used = {network for scenario in chosen for network in scenario.networks}
    await trials.connect([network for network in ALL_NETWORKS if network in used])
    done = await _carry_out_all(trials, chosen)
    await asyncio.sleep(LAST_LOOK_SECONDS)
    public = await system.customer.public(trials.feed_accounts)
    for trial in done:
        trial.verdict_all(public)
    await tell_bad(system.customer, done)
    show_deaths(system.deaths)
    return done


async def _carry_out_all(trials: Trials, chosen: Sequence[Scenario]) -> list[Trial]:
    slots = asyncio.Semaphore(OVERLAP)
    began = time.monotonic()
    done: list[Trial] = []
    async with asyncio.TaskGroup() as settling:
        for scenario in chosen:
            await slots.acquire()
            trial = await trials.carry_out(scenario)
            done.append(trial)
            settling.create_task(_settle(trials, trial, slots, began, len(chosen)))
    return done


async def _settle(
    trials: Trials, trial: Trial, slots: asyncio.Semaphore, began: float, total: int
) -> None:
    try:
        await trials.settle(trial)
    finally:
        slots.release()
    ends = " ".join(f"{network}={one.outcome}" for network, one in trial.verdicts.items())
    there = f"{len(trial.arrived)}/{len(trial.scenario.expected)}"
    problem = f"  PROBLEM: {trial.problem}" if trial.problem else ""
    took = time.monotonic() - began
    print(
        f"[{took:5.0f} s {trial.number + 1:3}/{total}] {trial.scenario.name}"
        f"  ({there} stood there)  {ends}{problem}",
        flush=True,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    asked = _parser().parse_args(arguments)
    chosen = list(scenarios(asked.points, asked.faults, asked.networks))
    if asked.seed is not None:
        random.Random(asked.seed).shuffle(chosen)
    cases = sum(len(scenario.networks) for scenario in chosen)
    print(f"{len(chosen)} scenarios, {cases} deliveries", flush=True)
    try:
        done = asyncio.run(
            run_matrix(chosen, policy=asked.policy, plant=asked.plant, verbose=asked.verbose)
        )
    except StackError as error:
        print(f"crash-matrix: {error}", file=sys.stderr)
        return 1
    verdicts = [verdict for trial in done for verdict in trial.verdicts.values()]
    print(line_of("crash-matrix", [verdict.outcome for verdict in verdicts]), flush=True)
    is_good = not any(verdict.is_bad for verdict in verdicts)
    return 0 if is_good and not any(trial.problem for trial in done) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m crash.matrix", description=__doc__)
    points, faults = list(Point), list(Fault)
    parser.add_argument("--points", nargs="+", type=Point, choices=points, default=points)
    parser.add_argument("--faults", nargs="+", type=Fault, choices=faults, default=faults)
    parser.add_argument("--networks", nargs="+", choices=ALL_NETWORKS, default=ALL_NETWORKS)
    parser.add_argument(
        "--policy", type=AmbiguityPolicy, choices=list(AmbiguityPolicy), default="hold"
    )
    parser.add_argument("--seed", type=int, help="shuffles the scenarios; in order without")
    parser.add_argument("--plant", type=Plant, choices=list(Plant), help="a bug to be found")
    parser.add_argument("--verbose", action="store_true", help="show what the processes print")
    return parser


if __name__ == "__main__":
    sys.exit(main())
