"""What is due already, published by the worker that runs its workflow."""

from collections.abc import Mapping
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.fair_room import FairRoom, NoRoom
from activities.waiting import PLANNED
from contracts.activity_interfaces import Publishing, PublishingAtOnce
from contracts.failures import FailureType
from contracts.publishing import DueDelivery, PublishOutcome
from domain.networks import Network

ROOM = 60
"""Deliveries to one network that a worker publishes at once: where it answers in half a second that
is as much as a worker gets through, and three networks that hang leave workflow tasks to others."""

PATIENCE = timedelta(seconds=2)
"""How long one waits for room: where the network answers there is some, soon."""


def room_in(concurrency: int) -> int:
    """How many of the deliveries that a worker may hold are kept for those that are due."""
    return min(ROOM, concurrency // 4)


class RoomAtOnce(PublishingAtOnce):
    """Publishes as the networks' queues do, as long as there is room."""

    def __init__(
        self,
        publishing: Publishing,
        room: Mapping[Network, int],
        *,
        patience: timedelta = PATIENCE,
    ) -> None:
        """`room` is how many deliveries may be under way at once, by network; none by default.

        Each holds a workflow task: bounded, so that a network that hangs leaves some to others.
        """
        self._publishing = publishing
        self._room = {network: FairRoom(size) for network, size in room.items() if size}
        self._patience = patience

    @activity.defn
    async def publish_at_once(self, due: DueDelivery) -> PublishOutcome:
        """Publish it. Raises ApplicationError(Elsewhere) where its network's queue has to do it."""
        room = self._room.get(due.network)
        if room is None:
            raise _elsewhere()
        try:
            async with room.place(due.delivery.workspace_id, self._patience):
                return await self._publishing.publish_delivery(due.delivery)
        except NoRoom:
            raise _elsewhere() from None


def _elsewhere() -> ApplicationError:
    return ApplicationError(
        "No room here; its network's queue takes it.",
        type=FailureType.ELSEWHERE,
        category=PLANNED,
    )
