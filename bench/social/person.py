"""One signed-in person: asks, checks the answers, and keeps their own pace."""

import time
from abc import ABCMeta, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import SystemRandom
from typing import Any, Final, TypeVar
from uuid import uuid4

import gevent
from locust import FastHttpUser
from locust.exception import RescheduleTask, StopUser
from locust.user.users import UserMeta

from bench.social.answers import WrongAnswer
from bench.social.live_socket import LiveSocket
from bench.social.town import Town

DONE: Final = 3600.0
"""Seconds; longer than any round goes on."""

T = TypeVar("T")

_CHANCE: Final = SystemRandom()


def one_of(things: Sequence[T]) -> T:
    """Any of them."""
    return _CHANCE.choice(things)


def now_and_then(share: float) -> bool:
    """In that share of all cases."""
    return _CHANCE.random() < share


class _PersonMeta(ABCMeta, UserMeta):
    """Locust's metaclass and the one of abstract classes: Python wants them to be one."""


class Person(FastHttpUser, metaclass=_PersonMeta):
    """Does one thing every `pace` seconds, whether or not the last one was answered quickly.

    What was due while an answer was waited for is begun late, and timed from when it was due: a
    server that stands still is not measured less often for it.
    """

    abstract = True

    def __init__(self, environment: Town) -> None:
        """The next resident of the town."""
        self.host = environment.plan.api
        super().__init__(environment)
        self.town = environment
        self.resident = environment.next_resident()
        self.socket = LiveSocket(hear=self._hear, lost=self._lost)
        self.access_token = ""
        self.refresh_token = ""
        self.session_id = ""
        self.posts: list[str] = []
        """Ids of what stood in their home feed last."""
        self._planned = 0.0
        self._due: float | None = None

    @abstractmethod
    def arrive(self) -> None:
        """Sign in, connect, look around."""

    def on_start(self) -> None:
        """Arrive; then begin at some moment, so that not all act at once."""
        try:
            self.arrive()
        except RescheduleTask:
            self.town.turned_away += 1
            raise StopUser from None
        self.town.arrived += 1
        pause = _CHANCE.random() * self.town.plan.pace
        self._plan(time.perf_counter() + pause)
        gevent.sleep(pause)

    def on_stop(self) -> None:
        """Disconnect."""
        self.socket.close()

    def wait_time(self) -> float:
        """Until the next act is due, in seconds."""
        if self.town.is_over:
            self.town.resting += 1
            return DONE
        self._plan(self._planned + self.town.plan.pace)
        return max(0.0, self._planned - time.perf_counter())

    @contextmanager
    def timed(self, group: str, name: str) -> Iterator[float]:
        """What is asked in the block, and what is expected of the answer; yields when it was due.

        The first of an act was due when the act was. A wrong answer ends the act.
        """
        began = time.perf_counter()
        due, self._due = began if self._due is None else self._due, None
        self.town.began_late_ms.append((began - due) * 1000)
        wrong: Exception | None = None
        try:
            yield due
        except (WrongAnswer, LookupError, TypeError, ValueError) as error:
            wrong = error
        self.environment.events.request.fire(
            request_type=group,
            name=name,
            response_time=(time.perf_counter() - due) * 1000,
            response_length=0,
            exception=wrong,
            context={"due": due},
        )
        if wrong is not None:
            raise RescheduleTask from wrong

    def ask(
        self,
        method: str,
        path: str,
        json: Mapping[str, Any] | None = None,
        *,
        status: int = 200,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer's JSON, None when it has none. Raises WrongAnswer for another status."""
        sent = {"Authorization": f"Bearer {token or self.access_token}", **(headers or {})}
        # Caught and never handed back, so that it is noted once, by `timed`.
        answer = self.client.request(method, path, json=json, headers=sent, catch_response=True)
        if answer.status_code != status:
            said = answer.text if answer.status_code else repr(answer.request_meta["exception"])
            raise WrongAnswer(f"{answer.status_code} {said}"[:300])
        return answer.json() if answer.content else None

    def new_name(self) -> str:
        """One that nothing else has."""
        return uuid4().hex

    def _plan(self, moment: float) -> None:
        self._planned = self._due = moment

    def _hear(self, name: str, text: str) -> None:
        self.town.letters.see(name, text, reader=self.resident.user_id)

    def _lost(self, reason: str) -> None:
        self.town.online.discard(self.resident.user_id)
        self.town.letters.gone(self.resident.user_id)
        self.environment.events.request.fire(
            request_type="chat",
            name="socket",
            response_time=0,
            response_length=0,
            exception=WrongAnswer(f"disconnected: {reason}"),
            context={"due": time.perf_counter()},
        )
