"""What networks say of an account's allowance, on success and in refusals."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from domain.limits import AccountLimits
from networks.bluesky.posts import BlueskyPosts
from networks.bluesky.refusals import spent as spent_on_bluesky
from networks.errors import RateLimited
from networks.exchange import retry_after
from networks.http_client import HttpClient, Response
from networks.mastodon.refusals import reopens as mastodon_reopens
from networks.mastodon.refusals import spent as spent_on_mastodon
from networks.mastodon.statuses import MastodonStatuses
from networks.meta.facebook import FacebookPages
from networks.meta.graph_errors import time_to_regain
from networks.meta.instagram import InstagramBusiness
from networks.protocol import Outgoing, Target
from networks.x.posts import XPosts
from networks.x.refusals import spent as spent_on_x
from tests.networks.outgoing_pieces import a_piece, written_down
from tests.networks.sandbox_control import SandboxControl
from tests.networks.scripted_network import Reply, ScriptedNetwork

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SOON = NOW + timedelta(minutes=10)
LATER = NOW + timedelta(hours=5)
TEXT = "Fresh bread at seven"


def answer(**headers: object) -> Response:
    """An answer with these headers, `-` for `_`."""
    return Response(200, {k.replace("_", "-"): str(v) for k, v in headers.items()}, b"{}")


def epoch(moment: datetime) -> int:
    return int(moment.timestamp())


def target(**more: str) -> Target:
    credentials = {"access_token": "access-1", "access_jwt": "access-1", "identifier": "acme"}
    base_url = more.get("base_url")
    return Target(
        account_id=uuid4(),
        remote_id="42",
        handle="acme",
        credentials=credentials,
        base_url=base_url,
    )


def test_x_waits_for_the_latest_of_the_exhausted_windows() -> None:
    quarter = {"x_rate_limit_remaining": 0, "x_rate_limit_reset": epoch(SOON)}
    day = {"x_app_limit_24hour_remaining": 0, "x_app_limit_24hour_reset": epoch(LATER)}
    user = {"x_user_limit_24hour_remaining": 0, "x_user_limit_24hour_reset": epoch(LATER)}
    assert spent_on_x(answer(**quarter)) == SOON
    assert spent_on_x(answer(**quarter, **day)) == LATER
    assert spent_on_x(answer(**user)) == LATER
    assert spent_on_x(answer(**{**quarter, "x_rate_limit_remaining": 1})) is None
    assert spent_on_x(answer(**day | {"x_app_limit_24hour_reset": "later"})) is None
    assert spent_on_x(answer()) is None


def test_bluesky_waits_once_too_few_points_are_left_for_a_post() -> None:
    for remaining, until in ((0, SOON), (1, SOON), (2, None), ("none", None)):
        told = answer(ratelimit_remaining=remaining, ratelimit_reset=epoch(SOON))
        assert spent_on_bluesky(told) == until


def test_mastodon_and_its_relatives_tell_the_time_each_in_its_own_way() -> None:
    iso = answer(x_ratelimit_remaining=0, x_ratelimit_reset="2026-11-21T09:10:00.000000Z")
    seconds = answer(x_ratelimit_remaining=0, x_ratelimit_reset=epoch(SOON))
    assert spent_on_mastodon(iso) == spent_on_mastodon(seconds) == SOON
    assert spent_on_mastodon(answer(x_ratelimit_remaining=1, x_ratelimit_reset=epoch(SOON))) is None
    assert mastodon_reopens(answer(x_ratelimit_reset=epoch(SOON))) == SOON


def test_meta_names_the_minutes_until_access_is_regained() -> None:
    usage = {
        "1": [
            {"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 12},
            {"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 7},
        ]
    }
    told = Response(200, {"x-business-use-case-usage": json.dumps(usage)}, b"{}")
    assert time_to_regain(told) == timedelta(minutes=12)
    idle = {"1": [{"type": "pages", "call_count": 28, "estimated_time_to_regain_access": 0}]}
    told = Response(200, {"x-business-use-case-usage": json.dumps(idle)}, b"{}")
    assert time_to_regain(told) is None


@pytest.mark.parametrize(
    ("told", "until"),
    [
        ("600", SOON),
        ("Sat, 21 Nov 2026 09:10:00 GMT", SOON),
        ("99999999999", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(told: str, until: datetime | None) -> None:
    assert retry_after(answer(retry_after=told), NOW) == until


async def test_the_receipt_of_the_last_post_that_x_takes_says_so(
    http_client: HttpClient, scripted_network: ScriptedNetwork
) -> None:
    x = XPosts(http_client, base_url=f"{scripted_network.base_url}/2")
    headers = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(epoch(SOON))}
    reply = Reply(status=201, json={"data": {"id": "1", "text": TEXT}}, headers=headers)
    scripted_network.tell("POST", "/2/tweets", reply)
    account = target()
    receipt = await x.send(account, written_down(x, account, a_piece(TEXT), {}))
    assert receipt.remote_id == "1"
    assert receipt.wait_until == SOON


async def test_the_receipt_of_the_last_post_that_bluesky_takes_says_so(
    http_client: HttpClient, scripted_network: ScriptedNetwork
) -> None:
    bluesky = BlueskyPosts(http_client, base_url=scripted_network.base_url)
    headers = {"ratelimit-remaining": "1", "ratelimit-reset": str(epoch(SOON))}
    reply = Reply(json={"uri": "at://1", "cid": "c"}, headers=headers)
    scripted_network.tell("POST", "/xrpc/com.atproto.repo.putRecord", reply)
    account = target(base_url=scripted_network.base_url)
    receipt = await bluesky.send(account, written_down(bluesky, account, a_piece(TEXT), {}))
    assert (receipt.remote_id, receipt.details) == ("at://1", {"cid": "c"})
    assert receipt.wait_until == SOON


async def test_the_receipt_of_the_last_post_that_mastodon_takes_says_so(
    http_client: HttpClient, scripted_network: ScriptedNetwork
) -> None:
    mastodon = MastodonStatuses(http_client)
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2026-11-21T09:10:00Z"}
    reply = Reply(json={"id": "1", "url": "https://m.example/1"}, headers=headers)
    scripted_network.tell("POST", "/api/v1/statuses", reply)
    account = target(base_url=scripted_network.base_url)
    receipt = await mastodon.send(account, written_down(mastodon, account, a_piece(TEXT), {}))
    assert (receipt.remote_id, receipt.permalink) == ("1", "https://m.example/1")
    assert receipt.wait_until == SOON


@pytest.fixture
def page(
    http_client: HttpClient, scripted_network: ScriptedNetwork
) -> tuple[FacebookPages, Target, Outgoing]:
    """A page and a post for it."""
    facebook = FacebookPages(http_client, base_url=f"{scripted_network.base_url}/v25.0")
    account = target()
    return facebook, account, written_down(facebook, account, a_piece(TEXT), {})


async def test_the_receipt_of_the_last_post_that_facebook_takes_says_so(
    page: tuple[FacebookPages, Target, Outgoing], scripted_network: ScriptedNetwork
) -> None:
    facebook, account, outgoing = page
    usage = {"42": [{"type": "pages", "estimated_time_to_regain_access": 25}]}
    reply = Reply(json={"id": "42_1"}, headers={"x-business-use-case-usage": json.dumps(usage)})
    scripted_network.tell("POST", "/v25.0/42/feed", reply)
    scripted_network.tell("GET", "/v25.0/42_1", Reply(json={"permalink_url": "https://f.example"}))
    before = datetime.now(UTC)
    receipt = await facebook.send(account, outgoing)
    assert receipt.wait_until is not None
    waits = receipt.wait_until - before
    assert timedelta(minutes=25) <= waits < timedelta(minutes=26)


async def test_a_server_in_front_of_graph_is_heard_too_and_the_apps_usage_is_evidence(
    page: tuple[FacebookPages, Target, Outgoing], scripted_network: ScriptedNetwork
) -> None:
    facebook, account, outgoing = page
    usage = '{"call_count":100,"total_time":25,"total_cputime":25}'
    headers = {"retry-after": "90", "x-app-usage": usage}
    scripted_network.tell("POST", "/v25.0/42/feed", Reply(status=429, json={}, headers=headers))
    with pytest.raises(RateLimited) as caught:
        await facebook.send(account, outgoing)
    assert caught.value.retry_after == timedelta(seconds=90)
    assert caught.value.answer.fields["app_usage"] == usage


async def test_the_hundredth_post_in_a_quarter_of_an_hour_is_the_last_for_now(
    http_client: HttpClient, sandbox: SandboxControl, sandbox_url: str
) -> None:
    x = XPosts(http_client, base_url=f"{sandbox_url}/x/2")
    account = await sandbox.connect("x")
    before = datetime.now(UTC)
    for number in range(1, 101):
        piece = a_piece(f"Loaf number {number}")
        receipt = await x.send(account, written_down(x, account, piece, {}))
        assert (receipt.wait_until is not None) == (number == 100)
    assert receipt.wait_until is not None
    assert timedelta(minutes=14) < receipt.wait_until - before < timedelta(minutes=16)


@pytest.mark.parametrize(
    ("told", "limits"),
    [
        ({"quota_total": 100, "quota_duration": 86_400}, AccountLimits(posts_a_day=100)),
        ({"quota_total": 9, "quota_duration": 3_600}, None),  # of another window
        ({"quota_total": 0, "quota_duration": 86_400}, None),
        ({"quota_total": None, "quota_duration": 86_400}, None),
        ({}, None),
    ],
)
async def test_instagram_tells_how_many_posts_it_takes_of_an_account(
    http_client: HttpClient,
    scripted_network: ScriptedNetwork,
    told: dict[str, int | None],
    limits: AccountLimits | None,
) -> None:
    instagram = InstagramBusiness(http_client, base_url=f"{scripted_network.base_url}/v25.0")
    scripted_network.tell("GET", "/v25.0/5", Reply(json={"id": "5", "username": "acme"}))
    answered = Reply(json={"data": [{"quota_usage": 3, "config": told}]})
    scripted_network.tell("GET", "/v25.0/5/content_publishing_limit", answered)
    connection = await instagram.connect({"ig_user_id": "5", "access_token": "access-1"})
    assert connection.limits == limits


async def test_an_account_of_which_instagram_does_not_tell_is_connected_all_the_same(
    http_client: HttpClient, scripted_network: ScriptedNetwork
) -> None:
    instagram = InstagramBusiness(http_client, base_url=f"{scripted_network.base_url}/v25.0")
    scripted_network.tell("GET", "/v25.0/5", Reply(json={"id": "5", "username": "acme"}))
    connection = await instagram.connect({"ig_user_id": "5", "access_token": "access-1"})
    assert (connection.handle, connection.limits) == ("acme", None)
