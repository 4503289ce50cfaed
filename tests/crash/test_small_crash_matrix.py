"""The proof in small, one network of each guarantee; and the proof of the proof: bugs are found."""

from collections import Counter

import pytest

from crash.matrix import run_matrix
from crash.plants import Plant
from crash.points import Point
from crash.scenarios import Fault, Scenario
from crash.trials import Trial
from crash.verdicts import Outcome

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]

ONE_OF_EACH_GUARANTEE = ("instagram", "x", "mastodon")


def _outcomes(trials: list[Trial]) -> dict[tuple[Point, Fault], dict[str, Outcome]]:
    return {
        (trial.scenario.point, trial.scenario.fault): {
            network: verdict.outcome for network, verdict in trial.verdicts.items()
        }
        for trial in trials
    }


async def test_nothing_is_published_twice_or_lost() -> None:
    chosen = [
        Scenario(point=point, fault=fault, networks=ONE_OF_EACH_GUARANTEE)
        for point, fault in (
            (Point.CLAIMED, Fault.KILL),
            (Point.ANSWERED, Fault.KILL),
            (Point.RECORDED, Fault.KILL),
            (Point.SENDING, Fault.DROP_AFTER_COMMIT),
        )
    ]
    trials = await run_matrix(chosen)
    assert not [trial.problem for trial in trials if trial.problem]
    assert all(trial.arrived == set(ONE_OF_EACH_GUARANTEE) for trial in trials)
    once = dict.fromkeys(ONE_OF_EACH_GUARANTEE, Outcome.PUBLISHED_ONCE)
    assert _outcomes(trials) == {
        # What was never sent cannot be told from what is not found yet where one can only search.
        (Point.CLAIMED, Fault.KILL): once | {"x": Outcome.UNCONFIRMED},
        (Point.ANSWERED, Fault.KILL): once,
        (Point.RECORDED, Fault.KILL): once,
        (Point.SENDING, Fault.DROP_AFTER_COMMIT): once,
    }


async def test_what_was_decided_is_published_whoever_dies_on_the_way_to_temporal() -> None:
    points = (Point.API_BEFORE_COMMIT, Point.API_COMMITTED, Point.RELAY_LEASED, Point.RELAY_DONE)
    chosen = [Scenario(point=one, fault=Fault.KILL, networks=("x",)) for one in points]
    trials = await run_matrix(chosen)
    assert not [trial.problem for trial in trials if trial.problem]
    assert _outcomes(trials) == {
        (point, Fault.KILL): {"x": Outcome.PUBLISHED_ONCE} for point in points
    }


async def test_what_was_claimed_ahead_and_not_released_still_leaves() -> None:
    chosen = [
        Scenario(point=point, fault=fault, networks=ONE_OF_EACH_GUARANTEE, in_crowd=True)
        for point, fault in (
            (Point.CLAIMED_TOGETHER, Fault.KILL),
            (Point.REVOKED, Fault.FREEZE),
        )
    ]
    trials = await run_matrix(chosen)
    assert not [trial.problem for trial in trials if trial.problem]
    once = dict.fromkeys(ONE_OF_EACH_GUARANTEE, Outcome.PUBLISHED_ONCE)
    assert list(_outcomes(trials).values()) == [once, once]


@pytest.mark.parametrize(
    ("plant", "scenario", "expected"),
    [
        (
            Plant.RESEND_ON_UNKNOWN,
            Scenario(
                point=Point.SENDING,
                fault=Fault.DROP_AFTER_COMMIT,
                # The others refuse the same text, or the same container, twice.
                networks=("bluesky", "mastodon", "feed"),
            ),
            Outcome.DUPLICATES,
        ),
        (
            Plant.SILENCE_IS_SUCCESS,
            Scenario(point=Point.CLAIMED, fault=Fault.KILL, networks=("x", "mastodon", "feed")),
            Outcome.LOST,
        ),
        (
            Plant.REVOKE_UNCHECKED,
            Scenario(
                point=Point.ANSWERED,
                fault=Fault.KILL,
                networks=("bluesky", "mastodon", "feed"),
                in_crowd=True,
            ),
            Outcome.DUPLICATES,
        ),
    ],
)
async def test_a_planted_bug_is_found(plant: Plant, scenario: Scenario, expected: Outcome) -> None:
    [trial] = await run_matrix([scenario], plant=plant)
    found = Counter(verdict.outcome for verdict in trial.verdicts.values())
    assert found == {expected: len(scenario.networks)}
