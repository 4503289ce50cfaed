"""Two dispatches of one delivery at once: the first is slow, and Temporal has given it up."""

import asyncio

from domain.deliveries import DeliveryStatus
from domain.receipts import Receipt
from networks.errors import RateLimited
from networks.protocol import NotFound
from tests.activities.dispatcher import Dispatcher
from tests.activities.scripted_adapter import IdempotentNetwork, receipt, refusal
from tests.activities.written_posts import Author


async def test_a_refusal_does_not_close_a_try_that_another_dispatch_sends_again(
    scripted: Dispatcher, idempotent: IdempotentNetwork, author: Author
) -> None:
    account = await author.connect(idempotent.network)
    delivery = (await author.write(account)).deliveries[0]
    first_sends, second_sends = asyncio.Event(), asyncio.Event()
    refused, settled = asyncio.Event(), asyncio.Event()

    async def refuse_the_first() -> Receipt:
        first_sends.set()
        await second_sends.wait()
        asyncio.get_running_loop().call_later(0.1, refused.set)
        raise refusal(RateLimited)

    async def take_the_second() -> Receipt:
        second_sends.set()
        await refused.wait()
        return receipt()

    async def look_once_it_is_settled() -> Receipt | NotFound:
        await settled.wait()
        return receipt()

    idempotent.sends.then(refuse_the_first, take_the_second)
    idempotent.finds.then(NotFound.ABSENT, look_once_it_is_settled)
    first = asyncio.create_task(scripted.publish_once(delivery))
    await first_sends.wait()
    outcome = await scripted.publish_once(delivery)
    settled.set()
    assert outcome.status is (await first).status is DeliveryStatus.PUBLISHED
    # The second send was the same try under the same key, and there was no other.
    assert [one.attempt_id for one in idempotent.sent] == [idempotent.sent[0].attempt_id] * 2
