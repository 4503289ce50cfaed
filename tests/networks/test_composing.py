"""A send is composed when it is called, and leaves when it is awaited."""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from networks.bluesky.posts import BlueskyPosts
from networks.errors import OutcomeUnknown
from networks.http_client import HttpClient
from networks.mastodon.statuses import MastodonStatuses
from networks.meta.facebook import FacebookPages
from networks.meta.instagram import InstagramBusiness
from networks.protocol import NetworkAdapter, Outgoing, Target
from networks.x.posts import XPosts
from tests.networks.outgoing_pieces import a_piece, written_down
from tests.networks.scripted_network import ScriptedNetwork

Made = Callable[[HttpClient, str], NetworkAdapter]

ADAPTERS: dict[str, Made] = {
    "facebook": lambda http, url: FacebookPages(http, base_url=url),
    "instagram": lambda http, url: InstagramBusiness(http, base_url=url),
    "x": lambda http, url: XPosts(http, base_url=url),
    "mastodon": lambda http, _: MastodonStatuses(http),
    "bluesky": lambda http, _: BlueskyPosts(http),
}


@pytest.fixture(params=ADAPTERS)
def adapter(
    request: pytest.FixtureRequest, http_client: HttpClient, scripted_network: ScriptedNetwork
) -> NetworkAdapter:
    """One that speaks to a network which understands nothing."""
    return ADAPTERS[request.param](http_client, scripted_network.base_url)


@pytest.fixture
def target(scripted_network: ScriptedNetwork) -> Target:
    """An account there."""
    return Target(
        account_id=uuid4(),
        remote_id="42",
        handle="acme",
        credentials={"access_token": "access-1", "access_jwt": "access-1"},
        base_url=scripted_network.base_url,
    )


def going(adapter: NetworkAdapter, target: Target) -> Outgoing:
    """What is about to be sent."""
    return written_down(adapter, target, a_piece("Fresh bread at seven"), {"container": "17"})


async def test_nothing_leaves_before_it_is_awaited(
    adapter: NetworkAdapter, target: Target, scripted_network: ScriptedNetwork
) -> None:
    outgoing = going(adapter, target)
    adapter.send(target, outgoing).close()
    sending = adapter.send(target, outgoing)
    assert scripted_network.asked == []
    with pytest.raises(OutcomeUnknown):
        await sending
    assert [one.method for one in scripted_network.asked] == ["POST"]


def test_what_is_missing_is_told_when_it_is_called(adapter: NetworkAdapter, target: Target) -> None:
    with pytest.raises(KeyError):
        adapter.send(replace(target, credentials={}), going(adapter, target)).close()
