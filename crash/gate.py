"""How a process under test stands at a point: it asks the harness, and waits to be told to go on.

One line of JSON there, one word back. A process that was never told where the harness listens
passes every point.
"""

import asyncio
import json
import os
from dataclasses import asdict, dataclass
from typing import Final

from crash.points import Point

ADDRESS: Final = "CRASH_GATE_PORT"
"""The environment variable with the harness's port on 127.0.0.1."""

HOST: Final = "127.0.0.1"
GO: Final = "go"


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """Somebody at a point; what is not known there is empty."""

    point: Point
    post: str = ""
    network: str = ""
    part: int = 0

    def line(self) -> bytes:
        """As it is sent."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> "Arrival":
        """As it was sent."""
        fields = json.loads(line)
        return cls(**{**fields, "point": Point(fields["point"])})


async def stand_at(point: Point, *, post: object = "", network: str = "", part: int = 0) -> str:
    """Wait until the harness lets us go on; answers its word: `go`, or a fault to play."""
    port = os.environ.get(ADDRESS)
    if port is None:
        return GO
    try:
        reader, writer = await asyncio.open_connection(HOST, int(port))
    except OSError:
        return GO  # the harness has ended
    try:
        arrival = Arrival(point=point, post=str(post), network=str(network), part=part)
        writer.write(arrival.line())
        return (await reader.readline()).decode().strip() or GO
    except ConnectionError:
        return GO
    finally:
        writer.close()
