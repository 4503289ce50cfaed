"""What publishing costs the database: so many statements for a crowd, whatever its size."""

import asyncio
from datetime import UTC, datetime

import pytest

from domain.ids import new_id
from domain.networks import Network
from domain.receipts import Receipt
from runtime.resources import Resources
from storage.claims import Claim
from storage.database import Database
from storage.delivery_state import OpenAttempt
from storage.publishing import PublishingStore
from tests.activities.written_posts import Author
from tests.conftest import Tenant
from tests.sent_statements import sent_to

NOW = datetime.now(UTC)

ARMING = 8
"""Its posts, locked; moved; told; their statuses, read and written; everything read."""
CLAIMING = 7
"""Its posts, locked; moved; the attempts; told; statuses, read and written; the departure."""
RECORDING = 7
"""Its posts, locked; the attempts closed; moved; told; statuses, read and written; whom to tell."""


@pytest.mark.parametrize("crowd", [1, 40])
async def test_a_crowd_costs_as_many_statements_as_one_delivery(
    database: Database, workspace: Tenant, resources: Resources, crowd: int
) -> None:
    author = Author(database, workspace.id, resources.vault)
    account = await author.connect(Network.X)
    posts = [await author.write(account) for _ in range(crowd)]
    store = PublishingStore(database)
    with sent_to(database) as arming:
        states = await asyncio.gather(*(store.arm(post.deliveries[0].id) for post in posts))
    departure_id = new_id()
    claims = [
        Claim(state=state, part=0, evidence={}, leaves_at=NOW, departure_id=departure_id)
        for state in states
    ]
    with sent_to(database) as claiming:
        attempts = await store.claim_together(claims)
    with sent_to(database) as recording:
        await asyncio.gather(
            *(
                store.record_published(
                    state, attempt, Receipt(remote_id=str(number), permalink=None), last_part=True
                )
                for number, (state, attempt) in enumerate(zip(states, attempts, strict=True))
                if isinstance(attempt, OpenAttempt)
            )
        )
    assert (len(arming), len(claiming), len(recording)) == (ARMING, CLAIMING, RECORDING)
