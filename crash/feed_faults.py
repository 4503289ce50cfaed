"""Faults of the built-in feed, which has no server that could play them."""

import asyncio
from uuid import UUID

from crash.gate import GO
from domain.receipts import Receipt
from networks.errors import Answer, OutcomeUnknown
from networks.protocol import NetworkAdapter, Outgoing, Target

LATE_SECONDS = 1.0


class FeedFaults:
    """One word for each attempt, said before it is sent."""

    def __init__(self) -> None:
        """No fault is expected."""
        self._words: dict[UUID, str] = {}

    def expect(self, attempt: UUID, word: str) -> None:
        """The send of that attempt meets this."""
        if word != GO:
            self._words[attempt] = word

    async def send(self, adapter: NetworkAdapter, target: Target, outgoing: Outgoing) -> Receipt:
        """Publish, or fail as ordered. Raises OutcomeUnknown."""
        word = self._words.pop(outgoing.attempt_id, GO)
        if word != "drop_before_commit":
            receipt = await adapter.send(target, outgoing)
            if word == GO:
                return receipt
        if word == "late_answer":
            await asyncio.sleep(LATE_SECONDS)
        detail = f"The feed was made to fail: {word}."
        raise OutcomeUnknown(adapter.network, detail, answer=Answer(operation="publish"))


played = FeedFaults()
"""This process's."""
