"""What is due already, published by the worker that runs its workflow."""

from collections import Counter
from collections.abc import Mapping

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.waiting import PLANNED
from contracts.activity_interfaces import Publishing, PublishingAtOnce
from contracts.failures import FailureType
from contracts.publishing import DueDelivery, PublishOutcome
from domain.networks import Network

ROOM = 150
"""Deliveries to one network that a worker publishes at once."""


def room_in(concurrency: int) -> int:
    """How many of the deliveries that a worker may hold are kept for those that are due."""
    return min(ROOM, concurrency // 4)


class RoomAtOnce(PublishingAtOnce):
    """Publishes as the networks' queues do, as long as there is room."""

    def __init__(self, publishing: Publishing, room: Mapping[Network, int]) -> None:
        """`room` is how many deliveries may be under way at once, by network; none by default.

        Each holds a workflow task: bounded, so that a network that hangs leaves some to others.
        """
        self._publishing = publishing
        self._room = room
        self._under_way: Counter[Network] = Counter()

    @activity.defn
    async def publish_at_once(self, due: DueDelivery) -> PublishOutcome:
        """Publish it. Raises ApplicationError(Elsewhere) where its network's queue has to do it."""
        if self._under_way[due.network] >= self._room.get(due.network, 0):
            raise ApplicationError(
                "No room here; its network's queue takes it.",
                type=FailureType.ELSEWHERE,
                category=PLANNED,
            )
        self._under_way[due.network] += 1
        try:
            return await self._publishing.publish_delivery(due.delivery)
        finally:
            self._under_way[due.network] -= 1
