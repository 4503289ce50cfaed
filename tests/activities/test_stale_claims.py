"""A claim that is too old gives no right to send."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from activities.sending import CLAIM_LIFETIME
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from storage.claims import Claimed
from storage.delivery_state import DeliveryState
from tests.activities.dispatcher import Dispatcher
from tests.activities.scripted_adapter import SearchableNetwork, receipt
from tests.activities.written_posts import Author


async def test_a_worker_that_stood_still_after_its_claim_looks_before_it_sends(
    scripted: Dispatcher,
    searchable: SearchableNetwork,
    author: Author,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (delivery,) = (await author.write(await author.connect(Network.X))).deliveries
    claim = scripted.store.claim

    async def stand_still_after_it(
        state: DeliveryState, part: int, evidence: Mapping[str, Any], started_at: datetime
    ) -> Claimed:
        attempt = await claim(state, part, evidence, started_at)
        scripted.clock.jump(CLAIM_LIFETIME + timedelta(seconds=1))
        return attempt

    monkeypatch.setattr(scripted.store, "claim", stand_still_after_it)
    searchable.finds.then(receipt())  # whoever took over had sent it
    assert (await scripted.publish(delivery)).outcome.status is DeliveryStatus.PUBLISHED
