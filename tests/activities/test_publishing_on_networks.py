"""Posts published end to end on each network: once, with all they have, and never too early."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.publishing import Ending
from domain.content import Attachment, Content, ThreadPart
from domain.deliveries import DeliveryStatus, PostStatus
from domain.networks import Network
from tests.activities.conftest import Networks, PictureShelf
from tests.activities.dispatcher import Dispatcher
from tests.activities.written_posts import Author

TEXT = "Fresh bread at 7"
THREADED = (Network.X, Network.BLUESKY, Network.MASTODON)
COMMENTED = (Network.FACEBOOK, Network.INSTAGRAM)


@pytest.fixture
async def pictured(author: Author, pictures: PictureShelf) -> Content:
    """A text with a picture."""
    media_id = await author.upload(pictures.content)
    return Content(text=TEXT, media=(Attachment(media_id=media_id, alt_text="A loaf"),))


@pytest.mark.parametrize("network", Network)
async def test_a_post_is_public_once_and_its_receipt_kept(
    dispatcher: Dispatcher,
    networks: Networks,
    author: Author,
    pictured: Content,
    network: Network,
) -> None:
    account = await networks.connect(network)
    content = pictured if network is Network.INSTAGRAM else Content(text=TEXT)
    post = await author.write(account, content=content)
    (delivery,) = post.deliveries
    published = await dispatcher.publish(delivery)
    assert published.waits == []
    assert published.outcome.ending is Ending.SETTLED
    assert published.outcome.status is DeliveryStatus.PUBLISHED
    (public,) = await networks.public(account)
    assert public["text"] == TEXT
    stored = await author.stored(delivery.id)
    assert str(public["id"]) in str(stored.remote_id)
    assert stored.permalink
    assert (await author.post(post.id)).status is PostStatus.PUBLISHED
    (attempt,) = await author.attempts(delivery.id)
    assert (attempt.outcome, attempt.remote_id) == ("published", stored.remote_id)
    assert attempt.started_at <= datetime.fromisoformat(str(public["received_at"])) + timedelta(
        milliseconds=1
    )


@pytest.mark.parametrize("network", Network)
async def test_publishing_again_sends_nothing(
    dispatcher: Dispatcher,
    networks: Networks,
    author: Author,
    pictured: Content,
    network: Network,
) -> None:
    account = await networks.connect(network)
    (delivery,) = (await author.write(account, content=pictured)).deliveries
    first = await dispatcher.publish(delivery)
    assert await dispatcher.publish(delivery) == first
    assert len(await networks.public(account)) == 1
    assert len(await author.attempts(delivery.id)) == 1


@pytest.mark.parametrize("network", [one for one in Network if one is not Network.FEED])
async def test_a_picture_goes_along_with_its_description(
    dispatcher: Dispatcher,
    networks: Networks,
    author: Author,
    pictured: Content,
    network: Network,
) -> None:
    account = await networks.connect(network)
    (delivery,) = (await author.write(account, content=pictured)).deliveries
    await dispatcher.publish(delivery)
    (public,) = await networks.public(account)
    assert [item["alt_text"] for item in public["media"]] == ["A loaf"]


@pytest.mark.parametrize("network", THREADED)
async def test_a_thread_is_a_chain_of_replies(
    dispatcher: Dispatcher, networks: Networks, author: Author, network: Network
) -> None:
    account = await networks.connect(network)
    content = Content(text="One", thread=(ThreadPart(text="Two"), ThreadPart(text="Three")))
    (delivery,) = (await author.write(account, content=content)).deliveries
    await dispatcher.publish(delivery)
    public = await networks.public(account)
    assert [one["text"] for one in public] == ["One", "Two", "Three"]
    assert [one["parent_id"] for one in public] == [None, public[0]["id"], public[1]["id"]]
    assert [row.part for row in await author.attempts(delivery.id)] == [0, 1, 2]


@pytest.mark.parametrize("network", COMMENTED)
async def test_a_first_comment_hangs_under_its_post(
    dispatcher: Dispatcher,
    networks: Networks,
    author: Author,
    pictured: Content,
    network: Network,
) -> None:
    account = await networks.connect(network)
    content = Content(text=TEXT, media=pictured.media, first_comment="Map in our profile")
    (delivery,) = (await author.write(account, content=content)).deliveries
    await dispatcher.publish(delivery)
    post, comment = await networks.public(account)
    assert (comment["text"], comment["parent_id"]) == ("Map in our profile", post["id"])
    assert (await author.stored(delivery.id)).status is DeliveryStatus.PUBLISHED


@pytest.mark.parametrize("network", Network)
async def test_nothing_arrives_before_the_publish_time(
    dispatcher: Dispatcher,
    networks: Networks,
    author: Author,
    pictured: Content,
    network: Network,
) -> None:
    account = await networks.connect(network)
    publish_at = datetime.now(UTC) + timedelta(seconds=0.3)
    (delivery,) = (await author.write(account, content=pictured, publish_at=publish_at)).deliveries
    await dispatcher.publish(delivery)
    (public,) = await networks.public(account)
    received_at = datetime.fromisoformat(str(public["received_at"]))
    # The networks write times down in whole milliseconds.
    assert received_at >= publish_at - timedelta(milliseconds=1)
    stored = await author.stored(delivery.id)
    assert stored.sent_at is not None
    assert publish_at <= stored.sent_at < publish_at + timedelta(seconds=2)


async def test_deliveries_of_one_post_do_not_wait_for_one_another(
    dispatcher: Dispatcher, networks: Networks, author: Author
) -> None:
    accounts = [await networks.connect(network) for network in THREADED]
    await networks.fault(accounts[0], "rate_limited", operation="publish")
    post = await author.write(*accounts)
    by_network = {one.network: one for one in post.deliveries}
    for network in (Network.BLUESKY, Network.MASTODON):
        await dispatcher.publish(by_network[network])
    assert [len(await networks.public(one)) for one in accounts] == [0, 1, 1]
    published = await dispatcher.publish(by_network[Network.X])
    assert len(published.waits) == 1
    assert (await author.post(post.id)).status is PostStatus.PUBLISHED
