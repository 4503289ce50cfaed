"""Sends without an answer, at networks of each guarantee: looked for, and never public twice."""

from datetime import timedelta
from typing import Any

import pytest

from domain.content import Attachment, Content
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from domain.policies import AmbiguityPolicy
from networks.protocol import NetworkAdapter
from storage.delivery_state import OpenAttempt
from storage.posts import Delivery, TargetAccount
from tests.activities.conftest import IMPATIENCE, Networks, NewDispatcher, PictureShelf
from tests.activities.dispatcher import Dispatcher
from tests.activities.written_posts import Author
from tests.running_sandbox import Sandbox

SEARCHABLE = (Network.FACEBOOK, Network.X)
TWO_STEP = (Network.INSTAGRAM,)
IDEMPOTENT = (Network.BLUESKY, Network.MASTODON)
EVERYWHERE = (*SEARCHABLE, *TWO_STEP, *IDEMPOTENT)

AFTER_COMMIT = ("drop_after_commit", "error_after_commit", "malformed_json")


@pytest.fixture
async def content(author: Author, pictures: PictureShelf) -> Content:
    """A text with a picture, which every network takes."""
    media_id = await author.upload(pictures.content)
    return Content(text="Fresh bread at 7", media=(Attachment(media_id=media_id),))


@pytest.fixture
async def resending(
    new_dispatcher: NewDispatcher,
    adapters: dict[Network, NetworkAdapter],
    sandbox: Sandbox,
    author: Author,
) -> Dispatcher:
    """Works for a workspace that has sent again what was absent at every look."""
    await author.decide(AmbiguityPolicy.RESEND)

    async def jump(time: timedelta) -> None:
        await sandbox.advance(time.total_seconds())

    return new_dispatcher(adapters, also_jump=jump)


async def scheduled(
    networks: Networks, author: Author, network: Network, content: Content
) -> tuple[TargetAccount, Delivery]:
    """A delivery to a fresh account of that network, due now."""
    account = await networks.connect(network)
    return account, (await author.write(account, content=content)).deliveries[0]


def looks_of(timeline: list[Any]) -> list[str]:
    """What each look for it brought."""
    return [event.details["found"] for event in timeline if event.event == "looked_up"]


@pytest.mark.parametrize("kind", AFTER_COMMIT)
@pytest.mark.parametrize("network", EVERYWHERE)
async def test_what_was_published_without_an_answer_is_found(
    dispatcher: Dispatcher,
    networks: Networks,
    author: Author,
    content: Content,
    network: Network,
    kind: str,
) -> None:
    account, delivery = await scheduled(networks, author, network, content)
    await networks.fault(account, kind, operation="publish")
    published = await dispatcher.publish(delivery)
    assert published.waited == [("OutcomeUnknown", 5)]
    assert published.outcome.status is DeliveryStatus.PUBLISHED
    (public,) = await networks.public(account)
    stored = await author.stored(delivery.id)
    assert str(public["id"]) in str(stored.remote_id)
    assert stored.permalink
    (attempt,) = await author.attempts(delivery.id)
    assert attempt.outcome == "published"


@pytest.mark.parametrize("network", [Network.X, Network.INSTAGRAM, Network.MASTODON])
async def test_what_was_answered_too_late_is_found(
    new_dispatcher: NewDispatcher,
    impatient_adapters: dict[Network, NetworkAdapter],
    networks: Networks,
    author: Author,
    content: Content,
    network: Network,
) -> None:
    account, delivery = await scheduled(networks, author, network, content)
    late = IMPATIENCE.total_seconds() + 0.3
    await networks.fault(account, "late_answer", operation="publish", seconds=late)
    published = await new_dispatcher(impatient_adapters).publish(delivery)
    assert published.waited == [("OutcomeUnknown", 5)]
    assert published.outcome.status is DeliveryStatus.PUBLISHED
    assert len(await networks.public(account)) == 1


@pytest.mark.parametrize("network", IDEMPOTENT)
async def test_what_was_dropped_before_it_arrived_is_sent_again_under_the_same_key(
    dispatcher: Dispatcher,
    networks: Networks,
    author: Author,
    content: Content,
    network: Network,
) -> None:
    account, delivery = await scheduled(networks, author, network, content)
    await networks.fault(account, "drop_before_commit", operation="publish")
    published = await dispatcher.publish(delivery)
    assert published.waited == [("OutcomeUnknown", 5)]
    assert published.outcome.status is DeliveryStatus.PUBLISHED
    (public,) = await networks.public(account)
    (attempt,) = await author.attempts(delivery.id)
    key = attempt.evidence.get("idempotency_key") or attempt.evidence["rkey"]
    assert key in str(public)


async def test_a_container_that_was_not_published_is_published_again(
    dispatcher: Dispatcher, networks: Networks, author: Author, content: Content
) -> None:
    account, delivery = await scheduled(networks, author, Network.INSTAGRAM, content)
    await networks.fault(account, "drop_before_commit", operation="publish", times=2)
    published = await dispatcher.publish(delivery)
    assert published.waited == [("OutcomeUnknown", 5)] * 2
    assert published.outcome.status is DeliveryStatus.PUBLISHED
    assert len(await networks.public(account)) == 1
    attempts = await author.attempts(delivery.id)
    assert [row.outcome for row in attempts] == ["not_sent", "not_sent", "published"]
    assert len({row.evidence["container"] for row in attempts}) == 1


async def test_a_container_that_is_never_published_fails_with_the_plan(
    dispatcher: Dispatcher, networks: Networks, author: Author, content: Content
) -> None:
    account, delivery = await scheduled(networks, author, Network.INSTAGRAM, content)
    await networks.fault(account, "drop_before_commit", operation="publish", times=None)
    failed = await dispatcher.publish(delivery)
    assert failed.waited == [("OutcomeUnknown", 5)] * 4
    assert failed.outcome.status is DeliveryStatus.FAILED
    assert ((await author.stored(delivery.id)).reason or {})["type"] == "not_sent"
    assert await networks.public(account) == []


@pytest.mark.parametrize("network", SEARCHABLE)
async def test_what_was_absent_at_every_look_is_left_to_a_person(
    dispatcher: Dispatcher,
    networks: Networks,
    author: Author,
    content: Content,
    network: Network,
) -> None:
    account, delivery = await scheduled(networks, author, network, content)
    await networks.fault(account, "drop_before_commit", operation="publish")
    ended = await dispatcher.publish(delivery)
    assert ended.waited == [("OutcomeUnknown", 5), ("OutcomeUnknown", 30), ("OutcomeUnknown", 120)]
    assert ended.outcome.status is DeliveryStatus.UNCONFIRMED
    assert await networks.public(account) == []
    (attempt,) = await author.attempts(delivery.id)
    reason = (await author.stored(delivery.id)).reason or {}
    assert reason["type"] == "outcome_unknown"
    assert reason["evidence"]["sent_at"] == attempt.started_at.isoformat()
    assert reason["evidence"]["lookups"] == 3
    assert reason["evidence"]["send"]["evidence"]["operation"] == "publish"
    assert looks_of(await author.timeline(delivery.post_id)) == ["absent"] * 3


@pytest.mark.parametrize("network", SEARCHABLE)
async def test_what_was_absent_at_every_look_is_sent_again_where_that_is_wanted(
    resending: Dispatcher,
    networks: Networks,
    author: Author,
    content: Content,
    network: Network,
) -> None:
    account, delivery = await scheduled(networks, author, network, content)
    await networks.fault(account, "drop_before_commit", operation="publish")
    ended = await resending.publish(delivery)
    assert ended.outcome.status is DeliveryStatus.PUBLISHED
    assert len(await networks.public(account)) == 1
    attempts = await author.attempts(delivery.id)
    assert [row.outcome for row in attempts] == ["not_sent", "published"]


@pytest.mark.parametrize("network", SEARCHABLE)
async def test_what_shows_late_is_found_at_a_later_look(
    dispatcher: Dispatcher,
    networks: Networks,
    author: Author,
    content: Content,
    network: Network,
) -> None:
    account, delivery = await scheduled(networks, author, network, content)
    await networks.fault(account, "drop_after_commit", operation="publish")
    await networks.fault(account, "answer", operation="lookup", status=500, times=2)
    ended = await dispatcher.publish(delivery)
    assert len(ended.waits) == 3
    assert ended.outcome.status is DeliveryStatus.PUBLISHED
    assert looks_of(await author.timeline(delivery.post_id)) == ["unknown"] * 2
    assert len(await networks.public(account)) == 1


@pytest.mark.parametrize("was_sent", [True, False], ids=["sent", "not sent"])
@pytest.mark.parametrize("network", Network)
async def test_what_a_killed_worker_left_open_is_settled_by_the_next(
    dispatcher: Dispatcher,
    adapters: dict[Network, NetworkAdapter],
    networks: Networks,
    author: Author,
    content: Content,
    network: Network,
    was_sent: bool,
) -> None:
    account, delivery = await scheduled(networks, author, network, content)
    await dispatcher.prepare(delivery)
    state = await dispatcher.store.arm(delivery.id)
    assert state is not None
    publishing = dispatcher.publishing
    target = publishing._accounts.target(state.network, state.account)
    piece = publishing._pieces.part(state, 0)
    evidence = adapters[network].write_ahead(target, piece, state.prepared.get(0, {}))
    attempt = await dispatcher.store.claim(state, 0, evidence, dispatcher.clock())
    assert isinstance(attempt, OpenAttempt)
    if was_sent:
        await adapters[network].send(target, publishing._pieces.outgoing(state, piece, attempt))
    # Killed here: no outcome is written down, and nobody knows how far it came.
    ended = await dispatcher.publish(delivery)
    public = await networks.public(account)
    if network in SEARCHABLE and not was_sent:
        assert ended.outcome.status is DeliveryStatus.UNCONFIRMED
        assert public == []
    else:
        assert ended.outcome.status is DeliveryStatus.PUBLISHED
        assert len(public) == 1


async def test_a_lost_comment_of_a_network_with_containers_is_searched_for(
    dispatcher: Dispatcher, networks: Networks, author: Author, content: Content
) -> None:
    commented = Content(text=content.text, media=content.media, first_comment="And rolls")
    account, delivery = await scheduled(networks, author, Network.INSTAGRAM, commented)
    await networks.fault(account, "drop_before_commit", operation="comment")
    ended = await dispatcher.publish(delivery)
    # No container proves that a comment is not on its way: it is not sent again.
    assert len(ended.waits) == 3
    assert ended.outcome.status is DeliveryStatus.PUBLISHED
    assert [one["kind"] for one in await networks.public(account)] == ["post"]
    assert (await author.timeline(delivery.post_id))[-1].event == "comment_failed"


@pytest.mark.parametrize("network", [Network.X, Network.MASTODON, Network.BLUESKY])
async def test_a_token_that_ends_before_the_look_is_refreshed(
    dispatcher: Dispatcher,
    networks: Networks,
    author: Author,
    content: Content,
    network: Network,
) -> None:
    account, delivery = await scheduled(networks, author, network, content)
    await networks.fault(account, "drop_after_commit", operation="publish")
    kind = "token_expired" if network is not Network.MASTODON else "rate_limited"
    await networks.fault(account, kind, operation="lookup")
    ended = await dispatcher.publish(delivery)
    assert ended.outcome.status is DeliveryStatus.PUBLISHED
    assert len(await networks.public(account)) == 1
