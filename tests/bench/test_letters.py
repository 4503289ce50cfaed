"""Messages between people of the load test: each has to be seen once, as it was written."""

import pytest

from bench.social.letters import Letters
from bench.social.samples import SEEN, Sample


class Clock:
    """Says what it is set to, in seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def noted() -> list[Sample]:
    """What the letters told."""
    return []


@pytest.fixture
def clock() -> Clock:
    """Of the letters."""
    return Clock()


@pytest.fixture
def letters(noted: list[Sample], clock: Clock) -> Letters:
    """One letter to Ada and Bob, due at second 100."""
    letters = Letters(noted.append, clock=clock)
    letters.send("m1", "Two loaves", due=100.0, readers={"ada", "bob"})
    return letters


def errors(noted: list[Sample]) -> list[str | None]:
    """Of each sample, in order."""
    return [one.error for one in noted]


def test_a_message_is_timed_for_each_reader_from_when_it_was_due(
    letters: Letters, noted: list[Sample], clock: Clock
) -> None:
    """In milliseconds."""
    clock.now = 100.25
    letters.see("m1", "Two loaves", reader="ada")
    clock.now = 100.5
    letters.see("m1", "Two loaves", reader="bob")
    assert [(one.group, one.due, one.ms, one.error) for one in noted] == [
        (SEEN, 100.0, 250.0, None),
        (SEEN, 100.0, 500.0, None),
    ]
    assert letters.on_their_way == 0


def test_a_message_that_somebody_never_saw_is_an_error(
    letters: Letters, noted: list[Sample]
) -> None:
    """Once for each who did not."""
    letters.see("m1", "Two loaves", reader="ada")
    assert letters.on_their_way == 1
    letters.give_up()
    assert errors(noted) == [None, "never seen"]


def test_a_message_that_comes_twice_is_an_error(letters: Letters, noted: list[Sample]) -> None:
    """To the same person."""
    letters.see("m1", "Two loaves", reader="ada")
    letters.see("m1", "Two loaves", reader="ada")
    assert errors(noted) == [None, "seen twice"]


def test_another_text_is_an_error(letters: Letters, noted: list[Sample]) -> None:
    """However soon it comes."""
    letters.see("m1", "Three loaves", reader="ada")
    assert errors(noted) == ["another text"]


def test_who_was_not_connected_may_see_it_and_need_not(
    letters: Letters, noted: list[Sample]
) -> None:
    """They came while it was on its way."""
    letters.see("m1", "Two loaves", reader="eve")
    assert errors(noted) == []


def test_what_was_refused_or_is_somebody_elses_is_waited_for_by_nobody(
    letters: Letters, noted: list[Sample]
) -> None:
    """The refusal itself is noted where it was answered."""
    letters.refused("m1")
    letters.see("m2", "Who wrote this?", reader="ada")
    letters.give_up()
    assert noted == []


def test_who_lost_their_connection_is_waited_for_no_more(
    letters: Letters, noted: list[Sample]
) -> None:
    """That they lost it is noted as an error of its own."""
    letters.gone("bob")
    letters.see("m1", "Two loaves", reader="ada")
    assert letters.on_their_way == 0
    assert errors(noted) == [None]
