"""What follows from each error of a network: the whole table."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from activities.decisions import (
    AT_ONCE,
    MEDIA_PATIENCE,
    MEDIA_POLL,
    RECONNECT_PATIENCE,
    RECONNECT_POLL,
    Decision,
    Remedy,
    decide,
)
from contracts.failures import FailureType
from domain.retry import RetryPlan
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    AccountRemoved,
    ContentRefused,
    CredentialsExpired,
    DuplicateRefused,
    MediaNotReady,
    NetworkError,
    NotSent,
    OutcomeUnknown,
    PreparationLost,
    RateLimited,
    TryLater,
)
from tests.activities.scripted_adapter import NOT_SENT, refusal

PLAN = RetryPlan()
HALF_A_MINUTE = timedelta(seconds=30)
GIVE_UP = Decision(wait=None)

FIRST_TRY: dict[type[NetworkError], Decision] = {
    TryLater: Decision(wait=HALF_A_MINUTE),
    RateLimited: Decision(
        wait=timedelta(minutes=15), failure=FailureType.RATE_LIMITED, counted=False
    ),
    MediaNotReady: Decision(
        wait=MEDIA_POLL, failure=FailureType.PREPARATION_PENDING, counted=False
    ),
    PreparationLost: Decision(
        wait=AT_ONCE, failure=FailureType.PREPARATION_PENDING, remedy=Remedy.PREPARE_AGAIN
    ),
    CredentialsExpired: Decision(wait=AT_ONCE, remedy=Remedy.REFRESH_CREDENTIALS),
    AccountDisconnected: Decision(
        wait=RECONNECT_POLL,
        failure=FailureType.RECONNECT,
        counted=False,
        remedy=Remedy.RECONNECT_ACCOUNT,
    ),
    AccountRemoved: GIVE_UP,
    AccountBlocked: Decision(wait=None, remedy=Remedy.UNBLOCK_ACCOUNT),
    ContentRefused: GIVE_UP,
    DuplicateRefused: GIVE_UP,
}

PLAN_USED_UP: dict[type[NetworkError], Decision] = {
    **FIRST_TRY,
    TryLater: GIVE_UP,
    PreparationLost: Decision(
        wait=None, failure=FailureType.PREPARATION_PENDING, remedy=Remedy.PREPARE_AGAIN
    ),
    CredentialsExpired: Decision(wait=None, remedy=Remedy.REFRESH_CREDENTIALS),
}


def leaves(error: type[NetworkError]) -> Iterator[type[NetworkError]]:
    """The classes that are raised: those without classes below them."""
    below = error.__subclasses__()
    if not below:
        yield error
    for one in below:
        yield from leaves(one)


def test_every_error_of_a_network_has_its_row() -> None:
    raised = set(leaves(NetworkError)) - {OutcomeUnknown}
    assert raised == set(FIRST_TRY) == set(NOT_SENT), (
        "networks/errors.py and this table differ: say in decide() and here what follows from it"
    )
    assert all(issubclass(error, NotSent) for error in raised)


@pytest.mark.parametrize("error", FIRST_TRY)
def test_after_the_first_try(error: type[NetworkError]) -> None:
    decision = decide(refusal(error), tries=1, overdue=timedelta(0), retries=PLAN)
    assert decision == FIRST_TRY[error]


@pytest.mark.parametrize("error", PLAN_USED_UP)
def test_after_the_last_try(error: type[NetworkError]) -> None:
    decision = decide(refusal(error), tries=4, overdue=timedelta(0), retries=PLAN)
    assert decision == PLAN_USED_UP[error]


@pytest.mark.parametrize(("tries", "seconds"), [(1, 30), (2, 60), (3, 120)])
def test_the_waits_are_those_of_the_plan(tries: int, seconds: int) -> None:
    decision = decide(refusal(TryLater), tries=tries, overdue=timedelta(0), retries=PLAN)
    assert decision.wait == timedelta(seconds=seconds)


def test_media_is_not_waited_for_endlessly() -> None:
    late = decide(refusal(MediaNotReady), tries=1, overdue=MEDIA_PATIENCE, retries=PLAN)
    assert late.wait is None


@pytest.mark.parametrize("tries", [1, 4, 100])
def test_a_disconnected_account_is_waited_for_however_often_it_was_tried(tries: int) -> None:
    nearly = RECONNECT_PATIENCE - timedelta(microseconds=1)
    decision = decide(refusal(AccountDisconnected), tries=tries, overdue=nearly, retries=PLAN)
    assert decision == FIRST_TRY[AccountDisconnected]


def test_a_disconnected_account_is_not_waited_for_endlessly() -> None:
    late = decide(refusal(AccountDisconnected), tries=1, overdue=RECONNECT_PATIENCE, retries=PLAN)
    assert (late.wait, late.remedy) == (None, Remedy.RECONNECT_ACCOUNT)
