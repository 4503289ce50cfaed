"""Bugs to plant: each is what a scheduler does that lacks a part of the design.

A proof that stays green with one of them proves nothing.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from activities.settling import Settler
from crash.gated import GatedStore
from domain.receipts import Receipt
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.outcomes import Reason

VARIABLE: Final = "CRASH_PLANT"
"""The environment variable that names the bug a worker has."""


class Plant(StrEnum):
    """What is wrong."""

    RESEND_ON_UNKNOWN = "resend-on-unknown"
    """A send without an answer counts as not sent. Makes duplicates."""
    SILENCE_IS_SUCCESS = "silence-is-success"
    """A send without an answer counts as published. Loses posts."""
    REVOKE_UNCHECKED = "revoke-unchecked"
    """A departure that was released counts as revoked. Makes duplicates."""


class BlindResender(Settler):
    """Takes every try of unknown fate for one that was not sent."""

    async def settle(self, state: DeliveryState, attempt: OpenAttempt) -> None:
        """Close the attempt without a look, so that it is sent again."""
        reason = Reason(type="not_sent", message="It did not answer.", evidence={})
        await self._refusals.after_proof(state, attempt, reason)


class Optimist(Settler):
    """Takes every try of unknown fate for one that was published."""

    async def settle(self, state: DeliveryState, attempt: OpenAttempt) -> None:
        """Close the attempt without a look, as if it were public."""
        receipt = Receipt(remote_id=str(attempt.attempt_id), permalink=None)
        last_part = self._pieces.is_last(state, attempt.part)
        await self._store.record_published(state, attempt, receipt, last_part=last_part)


class UncheckedRevoke(GatedStore):
    """Takes every departure of another worker for one that never left."""

    async def revoke(self, departure_id: UUID) -> bool:
        """Whatever is written down."""
        await super().revoke(departure_id)
        return True


PARTS: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        Plant.RESEND_ON_UNKNOWN: {"Settler": BlindResender},
        Plant.SILENCE_IS_SUCCESS: {"Settler": Optimist},
        Plant.REVOKE_UNCHECKED: {"PublishingStore": UncheckedRevoke},
    }
)
"""What the worker builds in the place of its own, by what is planted."""
