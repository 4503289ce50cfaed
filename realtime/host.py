"""What a Socket.IO server asks of whoever stands behind it, and what it says of its sockets."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


@dataclass(kw_only=True, slots=True, eq=False)
class Connection:
    """One connected socket."""

    sid: str
    user_id: UUID
    session_id: UUID
    expires_at: datetime
    """When its access token ends, unless another one is presented."""
    expiry: asyncio.TimerHandle | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Welcome:
    """Who connects."""

    user_id: UUID
    session_id: UUID
    expires_at: datetime


class Refused(Exception):
    """A connection that is not let in."""

    def __init__(self, message: str, problem: Mapping[str, Any]) -> None:
        """The client sees both as `error.message` and `error.data`."""
        super().__init__(message)
        self.problem = dict(problem)


class Host(Protocol):
    """Knows people, and answers what they send."""

    async def welcome(self, auth: object) -> Welcome:
        """Who presents that. Raises Refused."""

    async def arrived(self, connection: Connection) -> Iterable[str]:
        """The rooms of somebody who hears already what is told to them. Raises Refused."""

    async def left(self, connection: Connection) -> None:
        """The socket is gone."""

    async def answer(self, connection: Connection, event: str, payload: object) -> object:
        """What an event is acknowledged with; raises nothing."""

    def flooding(self, wait: float) -> object:
        """What an event too many is acknowledged with; the next may come in `wait` seconds."""
