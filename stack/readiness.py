"""Whether a part serves: the questions that the supervisor asks while it waits."""

import asyncio
import http.client
from collections.abc import Awaitable, Callable

from temporalio.client import Client
from temporalio.service import RPCError

from stack.ports import HOST

ANSWER_SECONDS = 2.0
"""How long one question may take."""

Ready = Callable[[], Awaitable[bool]]


def http_answers(port: int, path: str) -> Ready:
    """Whether GET `path` answers 200."""

    def ask() -> bool:
        connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    async def ready() -> bool:
        return await asyncio.to_thread(ask)

    return ready


def temporal_serves(address: str, *, namespace: str) -> Ready:
    """Whether Temporal serves that namespace."""

    async def ready() -> bool:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                client = await Client.connect(address, namespace=namespace)
                return await client.service_client.check_health()
        except (RPCError, RuntimeError, TimeoutError):
            return False

    return ready
