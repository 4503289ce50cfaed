"""The harness counts what is public once, however many scenarios ask at the same time."""

import asyncio
from typing import Any

from crash.customer import Customer
from stack.services import Addresses

ADDRESSES = Addresses(
    api="http://127.0.0.1:1",
    api_docs="http://127.0.0.1:1/docs",
    temporal_ui="http://127.0.0.1:1",
    sandbox="http://127.0.0.1:1",
    temporal="127.0.0.1:1",
    sandbox_mails="http://127.0.0.1:1",
    smtp_port=1,
    database="postgresql://127.0.0.1:1/none",
)


class ToldAtOnce(Customer):
    """Every question is answered only when the second one has been asked."""

    def __init__(self) -> None:
        super().__init__(ADDRESSES, "no key")
        self._both_asked = asyncio.Barrier(2)

    async def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        """The same two public posts to both."""
        await self._both_asked.wait()
        return [
            {"sequence": 1, "network": "x", "text": "Bread of the day [a-0.0]"},
            {"sequence": 2, "network": "x", "text": "Bread of the day [a-1.0]"},
        ]


async def test_two_who_ask_at_the_same_time_count_a_post_once() -> None:
    customer = ToldAtOnce()
    try:
        for public in await asyncio.gather(customer.public([]), customer.public([])):
            assert set(public.values()) == {1}
    finally:
        await customer.close()
