"""The model's own laws, whatever things cost; and how near it is to what was kept."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from statistics import median

import pytest

from bench.simulation.costs import Costs, Footprint, Part, Stage
from bench.simulation.days import Cell, needs
from bench.simulation.measured import points
from bench.simulation.model import fall_asleep, publish
from bench.simulation.prices import actions_price, own_cluster, with_temporal_cloud
from bench.simulation.system import System

MILLISECOND = 0.001


def costs(*, factor: float = 1.0) -> Costs:
    """Round figures near the measured ones, in milliseconds."""
    elsewhere = {
        Part.API: 0.1,
        Part.POSTGRES: 0.3,
        Part.TEMPORAL: 1.0,
        Part.WORKER: 0.3,
        Part.NETWORK: 0.0,
    }
    at_the_second = elsewhere | {Part.API: 0.0, Part.TEMPORAL: 0.0, Part.NETWORK: 0.1}
    told = Costs(
        cpu={
            Stage.TAKING_IN: elsewhere,
            Stage.ARMING: elsewhere,
            Stage.CLAIMING: at_the_second,
            Stage.SENDING: at_the_second,
            Stage.RECORDING: elsewhere,
        },
        idle_cores=0.05,
        commit=1.0,
    )
    return told.times(MILLISECOND * factor)


A_REQUEST = 0.005
"""What the order of requests at one network may make of a difference."""

APART = System(postgres_cores=8, temporal_cores=8, api_cores=2, workers=2)
"""Every part has its own cores."""


@pytest.mark.parametrize("deliveries", [1, 7, 24, 25, 26, 199, 401, 2999])
@pytest.mark.parametrize("system", [System.one_machine(), APART], ids=["together", "apart"])
def test_every_delivery_leaves_once_and_has_its_receipt(deliveries: int, system: System) -> None:
    answer = publish(system, costs(), deliveries, lead=60)
    assert answer.sent == deliveries
    assert answer.recorded == deliveries


@pytest.mark.parametrize("workers", [1, 3])
def test_a_backlog_too(workers: int) -> None:
    answer = publish(System.one_machine().with_workers(workers), costs(), 777, lead=0)
    assert (answer.sent, answer.recorded) == (777, 777)


def test_nothing_leaves_before_its_second() -> None:
    answer = publish(APART, costs(), 2000, lead=60)
    assert min(at for at, _ in answer.arrivals) >= 0


def test_the_same_question_has_the_same_answer() -> None:
    assert publish(APART, costs(), 1000, lead=60) == publish(APART, costs(), 1000, lead=60)


def test_more_workers_are_never_later() -> None:
    """As long as each is told its share of what they claim together."""
    together = 1500
    late = [
        publish(
            replace(APART, workers=workers, claimed_per_second=together / workers),
            costs(),
            6000,
            lead=120,
        ).lateness(99)
        for workers in (1, 2, 3, 4, 8, 16)
    ]
    for fewer, more in pairwise(late):
        assert more <= fewer + A_REQUEST
    assert late[-1] < late[0]


def test_workers_that_claim_as_if_alone_are_late_together() -> None:
    """Sixteen that each believe to have the whole database to themselves begin too late."""
    alone = replace(APART, workers=16, postgres_cores=1)
    told = replace(alone, claimed_per_second=100)
    late = publish(alone, costs(), 6000, lead=120).lateness(99)
    assert publish(told, costs(), 6000, lead=120).lateness(99) < late


def test_more_work_is_never_earlier() -> None:
    late = [publish(APART, costs(factor=f), 6000, lead=120).lateness(99) for f in (0.5, 1, 2, 4)]
    assert late == sorted(late)
    assert late[-1] > late[0]


def test_no_network_gets_more_than_its_pace() -> None:
    paced = replace(APART, rate_per_second=100.0, networks=2)
    answer = publish(paced, costs(), 1000, lead=60)
    assert answer.arrivals[-1][0] == pytest.approx(500 / 100, abs=0.2)


def test_slow_answers_make_nobody_late_and_receipts_wait_for_them() -> None:
    slow = replace(APART, latency=1.5)
    assert publish(slow, costs(), 100, lead=60).lateness(100) == pytest.approx(
        publish(APART, costs(), 100, lead=60).lateness(100)
    )


def test_two_cores_do_the_work_of_two() -> None:
    """Whatever the order, processor time cannot be had twice."""
    told = costs()
    answer = publish(System.one_machine(), told, 3000, lead=0)
    until_sent = told.whole - sum(told.cpu[Stage.RECORDING].values())
    assert answer.per_second <= 2 / until_sent
    asleep = fall_asleep(System.one_machine(), told, 3000)
    starting = told.of(Stage.TAKING_IN, Part.TEMPORAL) + told.of(Stage.TAKING_IN, Part.WORKER)
    assert asleep.started >= 3000 * starting / 2


CELL = Cell(crowd=80_000, postgres_cores=8, api_cores=2, workers=20, claimed_per_second=500)
FOOTPRINT = Footprint(
    postgres_bytes=5000,
    left_bytes=8000,
    tables={},
    log_bytes=20_000,
    store_bytes=10_000,
    history_bytes=3500,
    events=17,
    state_transitions=11,
    store_requests=19,
    actions=4,
)


def test_a_hundred_times_the_posts_are_a_hundred_cells() -> None:
    million = needs(1_000_000, CELL, costs(), FOOTPRINT)
    hundred = needs(100_000_000, CELL, costs(), FOOTPRINT)
    assert million.cells == 1
    assert hundred.cells == 100
    assert hundred.cores >= 90 * million.cores
    assert hundred.history_shards > million.history_shards
    assert own_cluster(hundred) > own_cluster(million)
    assert with_temporal_cloud(hundred, FOOTPRINT) > with_temporal_cloud(million, FOOTPRINT)


def test_actions_cost_what_the_price_list_says() -> None:
    """The example of Temporal Cloud's own pricing page."""
    assert actions_price(Decimal(11_250_000)) == 525


def test_the_burst_is_simulated_within_a_factor_of_two() -> None:
    """Nobody fitted the model to it. Where this fails, `make bench-cost` measures costs anew."""
    kept = list(points(Costs.measured()))
    burst = [point for point in kept if point.what.startswith("burst") and point.is_p99]
    assert burst
    assert all(0.5 <= 1 + point.error <= 2 for point in burst)
    assert median(abs(point.error) for point in kept) < 0.5
