"""Messages on their way from one person to others, timed from sent to seen."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from bench.social.samples import SEEN, Sample

NAME: Final = "message on another's socket"


@dataclass(kw_only=True, slots=True)
class _Letter:
    text: str
    due: float
    unseen: set[str]
    seen: set[str] = field(default_factory=set)


class Letters:
    """Every message of a round."""

    def __init__(
        self, note: Callable[[Sample], None], *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """`note` is told of each that was seen, was seen twice or changed, or never was seen."""
        self._note = note
        self._clock = clock
        self._sent: dict[str, _Letter] = {}

    @property
    def on_their_way(self) -> int:
        """Those that somebody has yet to see."""
        return sum(bool(letter.unseen) for letter in self._sent.values())

    def send(self, name: str, text: str, *, due: float, readers: Collection[str]) -> None:
        """Before it leaves; `readers` are connected, and have to see it."""
        self._sent[name] = _Letter(text=text, due=due, unseen=set(readers))

    def refused(self, name: str) -> None:
        """It was not taken, so nobody has to see it."""
        del self._sent[name]

    def gone(self, reader: str) -> None:
        """Who lost their connection, which is counted elsewhere, need not see any more."""
        for letter in self._sent.values():
            letter.unseen.discard(reader)

    def see(self, name: str, text: str, *, reader: str) -> None:
        """It is on the reader's socket; one that was sent before these letters is nobody's."""
        letter = self._sent.get(name)
        if letter is None:
            return
        if reader in letter.seen:
            self._tell(letter, "seen twice")
        elif text != letter.text:
            self._tell(letter, "another text")
        elif reader in letter.unseen:
            self._tell(letter)
        letter.unseen.discard(reader)
        letter.seen.add(reader)

    def give_up(self) -> None:
        """What was not seen by now never was."""
        for letter in self._sent.values():
            for _ in letter.unseen:
                self._tell(letter, "never seen")
            letter.unseen.clear()

    def _tell(self, letter: _Letter, error: str | None = None) -> None:
        took = (self._clock() - letter.due) * 1000
        self._note(Sample(group=SEEN, name=NAME, due=letter.due, ms=took, error=error))
