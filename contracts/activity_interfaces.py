"""The activities that workflows call. Bodies are in `activities/`; names match by method name."""

from abc import ABC, abstractmethod

from temporalio import activity

from contracts.publishing import DeliveryGivenUp, DeliveryRequest, DueDelivery, PublishOutcome
from contracts.sweeping import SweepReport, SweepRequest


class Publishing(ABC):
    """What happens to one delivery on its network's own task queue."""

    @activity.defn
    @abstractmethod
    async def prepare_delivery(self, request: DeliveryRequest) -> None:
        """Transfer media and create containers ahead of time. Freely repeatable."""

    @activity.defn
    @abstractmethod
    async def publish_delivery(self, request: DeliveryRequest) -> PublishOutcome:
        """Settle an open attempt; else wait for the second, claim, send, record."""


class PublishingAtOnce(ABC):
    """The same for what is due already, in the worker that runs its workflow: a local activity."""

    @activity.defn
    @abstractmethod
    async def publish_at_once(self, due: DueDelivery) -> PublishOutcome:
        """Publish it here; what is no affair of a moment is left to its network's own queue."""


class Bookkeeping(ABC):
    """What is written down when no network is involved."""

    @activity.defn
    @abstractmethod
    async def give_up_delivery(self, given_up: DeliveryGivenUp) -> PublishOutcome:
        """Close a delivery that its own activity could not settle, by what its attempts prove.

        One that ran out of time while people held it goes on.
        """


class Sweeping(ABC):
    """Repairs the difference between what is due and what runs."""

    @activity.defn
    @abstractmethod
    async def sweep_posts(self, request: SweepRequest) -> SweepReport:
        """Start what has no workflow, stop workflows that have nothing left to publish."""
