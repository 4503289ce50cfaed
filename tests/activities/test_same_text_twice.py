"""One public item is the receipt of one delivery, also when the same text is posted twice."""

import pytest

from domain.content import Content
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from tests.activities.conftest import Networks
from tests.activities.dispatcher import Dispatcher
from tests.activities.written_posts import Author


@pytest.mark.parametrize("network", [Network.X, Network.FACEBOOK])
async def test_a_duplicate_that_the_network_refuses_is_not_called_published(
    dispatcher: Dispatcher, networks: Networks, author: Author, network: Network
) -> None:
    account = await networks.connect(network)
    content = Content(text="Open at seven, as every day")
    (first,) = (await author.write(account, content=content)).deliveries
    (second,) = (await author.write(account, content=content)).deliveries
    assert (await dispatcher.publish(first)).outcome.status is DeliveryStatus.PUBLISHED
    assert (await dispatcher.publish(second)).outcome.status is DeliveryStatus.FAILED
    reason = (await author.stored(second.id)).reason or {}
    assert reason["type"] == "duplicate_refused"
    assert len(await networks.public(account)) == 1


async def test_where_the_same_text_is_allowed_both_are_public(
    dispatcher: Dispatcher, networks: Networks, author: Author
) -> None:
    account = await networks.connect(Network.MASTODON)
    content = Content(text="Open at seven, as every day")
    (first,) = (await author.write(account, content=content)).deliveries
    (second,) = (await author.write(account, content=content)).deliveries
    assert (await dispatcher.publish(first)).outcome.status is DeliveryStatus.PUBLISHED
    await networks.fault(account, "drop_before_commit", operation="publish")
    assert (await dispatcher.publish(second)).outcome.status is DeliveryStatus.PUBLISHED
    assert len(await networks.public(account)) == 2
    ids = {(await author.stored(one.id)).remote_id for one in (first, second)}
    assert len(ids) == 2
