"""What all people of a round share: the plan, the letters between them, what is noted."""

import time
from collections.abc import Iterator
from typing import Any

from locust import User
from locust.env import Environment

from bench.social.letters import Letters
from bench.social.plan import Plan, Resident
from bench.social.samples import Sample


class Town(Environment):
    """One round's surroundings, as Locust hands them to each person."""

    def __init__(self, plan: Plan, person: type[User]) -> None:
        """`person` says how people behave."""
        super().__init__(user_classes=[person], host=plan.api)
        self.plan = plan
        self.people = [one.user_id for one in plan.residents]
        self.samples: list[Sample] = []
        self.began_late_ms: list[float] = []
        self.letters = Letters(self.samples.append)
        self.online: set[str] = set()
        """Ids of those who have a socket."""
        self.arrived = 0
        self.turned_away = 0
        """Who could not sign in or connect."""
        self.resting = 0
        """Who is done, once `is_over`."""
        self.is_over = False
        """Nobody begins anything any more."""
        self._arriving: Iterator[Resident] = iter(plan.residents)
        self.events.request.add_listener(self._note_request)  # type: ignore[no-untyped-call]
        self.events.user_error.add_listener(self._note_crash)  # type: ignore[no-untyped-call]

    def next_resident(self) -> Resident:
        """Whom the next person is to be."""
        return next(self._arriving)

    def _note_request(
        self,
        request_type: str,
        name: str,
        response_time: float,
        exception: BaseException | None,
        context: dict[str, Any],
        **_: object,
    ) -> None:
        error = None if exception is None else f"{type(exception).__name__}: {exception}"
        self.samples.append(
            Sample(group=request_type, name=name, due=context["due"], ms=response_time, error=error)
        )

    def _note_crash(self, exception: BaseException, **_: object) -> None:
        """An answer that nobody here knew how to read."""
        error = f"{type(exception).__name__}: {exception}"
        self.samples.append(
            Sample(group="people", name="act", due=time.perf_counter(), ms=0, error=error)
        )
