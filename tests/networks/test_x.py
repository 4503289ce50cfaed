"""Posts on X: the requests as X documents them, each refusal, and recognising one's own post."""

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.receipts import Receipt
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    ContentRefused,
    CredentialsExpired,
    DuplicateRefused,
    MediaNotReady,
    NetworkError,
    NotSent,
    OutcomeUnknown,
    PreparationLost,
    RateLimited,
    TryLater,
)
from networks.http_client import HttpClient, Response
from networks.protocol import NotFound, Outgoing, Target
from networks.x.posts import XPosts
from networks.x.refusals import REFUSALS, said
from networks.x.timeline import fingerprint
from tests.networks.conftest import NewPicture
from tests.networks.outgoing_pieces import a_piece, written_down
from tests.networks.scripted_network import Reply, ScriptedNetwork

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TEXT = "Secret launch of the new product tonight"
ME = {"data": {"id": "42", "username": "acme", "name": "Acme Inc."}}
SENT = {"data": {"id": "1858000000000000001", "text": TEXT}}
PROBLEM = "https://api.twitter.com/2/problems/"


@pytest.fixture
def adapter(http_client: HttpClient, scripted_network: ScriptedNetwork) -> XPosts:
    return XPosts(
        http_client,
        base_url=f"{scripted_network.base_url}/2",
        poll_interval=timedelta(milliseconds=1),
        processing_limit=timedelta(milliseconds=3),
        now=lambda: NOW,
    )


@pytest.fixture
def target() -> Target:
    credentials = {
        "access_token": "access-1",
        "refresh_token": "refresh-1",
        "client_id": "client-1",
        "expires_at": "2026-11-21T08:59:00+00:00",
    }
    return Target(account_id=uuid4(), remote_id="42", handle="acme", credentials=credentials)


def problem(status: int, detail: str, kind: str | None = None, **more: Any) -> dict[str, Any]:
    """An RFC 7807 problem as X answers it."""
    where = f"{PROBLEM}{kind}" if kind else "about:blank"
    return {"title": "Problem", "detail": detail, "type": where, "status": status, **more}


INVALID = "One or more parameters to your request was invalid."


def invalid(message: str) -> dict[str, Any]:
    return problem(400, INVALID, "invalid-request", errors=[{"message": message}])


REFUSED: list[tuple[int, dict[str, Any], type[NotSent]]] = [
    (
        403,
        problem(403, "You are not allowed to create a Tweet with duplicate content."),
        DuplicateRefused,
    ),
    (403, problem(403, "You are not permitted to perform this action"), ContentRefused),
    (403, problem(403, "You attempted to reply to a Tweet that is deleted"), ContentRefused),
    (403, problem(403, "Your account is suspended"), AccountBlocked),
    (403, problem(403, "To protect users, this account is temporarily locked."), AccountBlocked),
    (403, problem(403, "Usage cap exceeded", "usage-capped", period="Daily"), RateLimited),
    (429, problem(429, "Usage cap exceeded", "usage-capped", period="Monthly"), RateLimited),
    (403, problem(403, "Wrong access level", "client-forbidden"), AccountBlocked),
    (403, problem(403, "Use a user token", "unsupported-authentication"), AccountDisconnected),
    (403, problem(403, "Not authorized", "not-authorized-for-resource"), AccountDisconnected),
    (401, problem(401, "Unauthorized"), CredentialsExpired),
    (402, problem(402, "Payment required"), AccountBlocked),
    (400, {"error": "invalid_grant"}, AccountDisconnected),
    (400, invalid("Your media IDs are invalid."), PreparationLost),
    (400, invalid("A post may have a maximum of one cashtag."), ContentRefused),
    (400, invalid("The text holds an invalid URL"), ContentRefused),
    (400, invalid("The video is longer than 2 minutes"), ContentRefused),
    (400, invalid("$.media.media_ids: there must be 1 to 4 items"), ContentRefused),
    (413, {}, ContentRefused),
    (409, problem(409, "Conflict", "conflict"), ContentRefused),
    (429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, RateLimited),
]


@pytest.mark.parametrize(("status", "body", "error"), REFUSED)
async def test_refusals_of_a_post(
    adapter: XPosts,
    target: Target,
    scripted_network: ScriptedNetwork,
    status: int,
    body: dict[str, Any],
    error: type[NotSent],
) -> None:
    scripted_network.tell("POST", "/2/tweets", Reply(status=status, json=body))
    with pytest.raises(error) as caught:
        await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))
    assert type(caught.value) is error
    assert caught.value.answer.status == status
    assert caught.value.answer.operation == "publish"
    assert caught.value.detail.endswith(".") or " says: " in caught.value.detail


def test_every_row_of_the_table_is_tried() -> None:
    used = []
    for status, body, _ in REFUSED:
        answer = said(Response(status, {}, json.dumps(body).encode()))
        used.append(next((row for row in REFUSALS if row.fits(status, answer)), None))
    assert [row for row in REFUSALS if row not in used] == []


UNCLEAR = [
    Reply(status=500, json=problem(500, "Something is broken")),
    Reply(status=503),
    Reply(status=408),
    Reply(status=302, headers={"location": "https://x.com"}),
    Reply(status=201, body=b'{"data": {"id": "18'),
    Reply(status=201, json={"errors": [{"title": "Something"}]}),
    Reply(status=201, json=SENT, cut=True),
]


@pytest.mark.parametrize("reply", UNCLEAR)
async def test_no_usable_answer_to_a_post_is_unknown(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork, reply: Reply
) -> None:
    scripted_network.tell("POST", "/2/tweets", reply)
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))
    assert len(scripted_network.asked) == 1


@pytest.mark.parametrize("reply", UNCLEAR)
async def test_no_usable_answer_to_anything_else_is_worth_a_repeat(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork, reply: Reply
) -> None:
    scripted_network.tell("GET", "/2/users/me", reply)
    with pytest.raises(TryLater):
        await adapter.check(target)


async def test_no_connection_means_not_sent(
    http_client: HttpClient, target: Target, closed_url: str
) -> None:
    adapter = XPosts(http_client, base_url=f"{closed_url}/2")
    with pytest.raises(TryLater):
        await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))


IN_AN_HOUR, TOMORROW = NOW + timedelta(hours=1), NOW + timedelta(days=1)


def epoch(moment: datetime) -> str:
    return str(int(moment.timestamp()))


def window(prefix: str, remaining: int, reset: datetime) -> dict[str, str]:
    return {f"{prefix}-remaining": str(remaining), f"{prefix}-reset": epoch(reset)}


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, timedelta(minutes=15)),
        (window("x-rate-limit", 0, IN_AN_HOUR), timedelta(hours=1)),
        (
            window("x-rate-limit", 0, IN_AN_HOUR)
            | window("x-app-limit-24hour", 5, TOMORROW)
            | window("x-user-limit-24hour", 0, NOW + timedelta(hours=5)),
            timedelta(hours=5),
        ),
        (
            window("x-rate-limit", 9, IN_AN_HOUR) | window("x-app-limit-24hour", 0, TOMORROW),
            timedelta(days=1),
        ),
        (window("x-rate-limit", 3, IN_AN_HOUR), timedelta(hours=1)),
        (window("x-rate-limit", 0, NOW - timedelta(hours=1)), timedelta(seconds=1)),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "soon"}, timedelta(minutes=15)),
        ({"retry-after": "30"}, timedelta(seconds=30)),
    ],
)
async def test_rate_limits_name_their_time(
    adapter: XPosts,
    target: Target,
    scripted_network: ScriptedNetwork,
    headers: dict[str, str],
    wait: timedelta,
) -> None:
    scripted_network.tell("POST", "/2/tweets", Reply(status=429, json={}, headers=headers))
    with pytest.raises(RateLimited) as caught:
        await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))
    assert caught.value.retry_after == wait


async def test_used_up_plan_without_a_time_waits_a_day(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    body = problem(403, "Usage cap exceeded", "usage-capped", period="Monthly")
    scripted_network.tell("POST", "/2/tweets", Reply(status=403, json=body))
    with pytest.raises(RateLimited) as caught:
        await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))
    assert caught.value.retry_after == timedelta(days=1)


@pytest.mark.parametrize("echoed", [TEXT, f"the {TEXT[3:30]}", "Bearer access-1", "refresh-1"])
async def test_errors_never_quote_the_text_or_a_token(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork, echoed: str
) -> None:
    scripted_network.tell("POST", "/2/tweets", Reply(status=400, json=invalid(f"bad: {echoed}")))
    with pytest.raises(ContentRefused) as caught:
        await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))
    assert echoed not in str(caught.value)
    assert "X does not take this post" in str(caught.value)


async def test_plain_post(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("POST", "/2/tweets", Reply(status=201, json=SENT))
    receipt = await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))
    assert receipt == Receipt(
        remote_id="1858000000000000001",
        permalink="https://x.com/acme/status/1858000000000000001",
    )
    (asked,) = scripted_network.asked
    assert asked.json == {"text": TEXT}
    assert asked.headers["authorization"] == "Bearer access-1"


async def test_reply_with_media(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork, new_picture: NewPicture
) -> None:
    scripted_network.tell("POST", "/2/tweets", Reply(status=201, json=SENT))
    parent = Receipt(remote_id="7", permalink=None)
    piece = a_piece("", new_picture())
    await adapter.send(
        target,
        written_down(adapter, target, piece, {"media_ids": ["1"]}, root=parent, parent=parent),
    )
    assert scripted_network.asked[0].json == {
        "media": {"media_ids": ["1"]},
        "reply": {"in_reply_to_tweet_id": "7"},
    }


async def test_media_is_uploaded_described_and_waited_for(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork, new_picture: NewPicture
) -> None:
    pending = {"data": {"id": "11", "processing_info": {"state": "pending"}}}
    done = {"data": {"id": "11", "processing_info": {"state": "succeeded"}}}
    scripted_network.tell(
        "POST", "/2/media/upload", Reply(json=pending), Reply(json={"data": {"id": "12"}})
    )
    scripted_network.tell("GET", "/2/media/upload", Reply(json=pending), Reply(json=done))
    scripted_network.tell("POST", "/2/media/metadata", Reply(json={}))
    piece = a_piece("", new_picture(alt_text="A red square"), new_picture())
    assert adapter.needs_preparation(piece)
    assert await adapter.prepare(target, piece) == {"media_ids": ["11", "12"]}
    uploads = scripted_network.asked_for("POST", "/2/media/upload")
    assert [b"tweet_image" in one.body and b"image/jpeg" in one.body for one in uploads] == [
        True,
        True,
    ]
    (described,) = scripted_network.asked_for("POST", "/2/media/metadata")
    assert described.json == {"id": "11", "metadata": {"alt_text": {"text": "A red square"}}}


@pytest.mark.parametrize(
    ("state", "error"), [("in_progress", MediaNotReady), ("failed", ContentRefused)]
)
async def test_media_that_does_not_become_ready(
    adapter: XPosts,
    target: Target,
    scripted_network: ScriptedNetwork,
    new_picture: NewPicture,
    state: str,
    error: type[NetworkError],
) -> None:
    body = {"data": {"id": "11", "processing_info": {"state": state}}}
    scripted_network.tell("POST", "/2/media/upload", Reply(json=body))
    scripted_network.tell("GET", "/2/media/upload", Reply(json=body))
    with pytest.raises(error):
        await adapter.prepare(target, a_piece("", new_picture()))


def test_text_needs_no_preparation(adapter: XPosts) -> None:
    assert not adapter.needs_preparation(a_piece("@somebody"))


async def test_connect_keeps_what_a_refresh_needs(
    adapter: XPosts, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("GET", "/2/users/me", Reply(json=ME))
    supplied = {
        "access_token": " access-1 ",
        "refresh_token": "refresh-1",
        "client_id": "client-1",
        "expires_in": "7200",
        "something": "else",
    }
    connection = await adapter.connect(supplied)
    assert (connection.remote_id, connection.handle) == ("42", "acme")
    assert connection.display_name == "Acme Inc."
    assert connection.expires_at == NOW + timedelta(hours=2)
    assert connection.credentials == {
        "access_token": "access-1",
        "refresh_token": "refresh-1",
        "client_id": "client-1",
        "expires_at": "2026-11-21T11:00:00+00:00",
    }


@pytest.mark.parametrize("told", ["2026-11-21T11:00:00Z", "2026-11-21T11:00:00", epoch(NOW)])
async def test_connect_takes_an_end_as_time(
    adapter: XPosts, scripted_network: ScriptedNetwork, told: str
) -> None:
    scripted_network.tell("GET", "/2/users/me", Reply(json=ME))
    connection = await adapter.connect({"access_token": "a", "expires_at": told})
    assert connection.expires_at in {NOW, NOW + timedelta(hours=2)}


@pytest.mark.parametrize(
    ("supplied", "field"),
    [
        ({}, "credentials.access_token"),
        ({"access_token": " "}, "credentials.access_token"),
        ({"access_token": "a", "expires_in": "soon"}, "credentials.expires_in"),
        ({"access_token": "a", "expires_at": "soon"}, "credentials.expires_at"),
    ],
)
async def test_connect_names_the_field_that_is_wrong(
    adapter: XPosts, supplied: dict[str, str], field: str
) -> None:
    with pytest.raises(ContentRefused, match=field):
        await adapter.connect(supplied)


async def test_connect_with_a_dead_token(
    adapter: XPosts, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("GET", "/2/users/me", Reply(status=401, json=problem(401, "No")))
    with pytest.raises(AccountDisconnected):
        await adapter.connect({"access_token": "a"})


async def test_check_with_an_expired_token(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("GET", "/2/users/me", Reply(status=401, json=problem(401, "No")))
    with pytest.raises(CredentialsExpired):
        await adapter.check(target)


RENEWED = {"access_token": "access-2", "refresh_token": "refresh-2", "expires_in": 7200}


async def test_refresh_trades_the_pair_and_asks_nothing_else(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("POST", "/2/oauth2/token", Reply(json=RENEWED))
    connection = await adapter.refresh(target)
    assert connection.credentials == {
        "access_token": "access-2",
        "refresh_token": "refresh-2",
        "client_id": "client-1",
        "expires_at": "2026-11-21T11:00:00+00:00",
    }
    assert connection.expires_at == NOW + timedelta(hours=2)
    (asked,) = scripted_network.asked
    assert "authorization" not in asked.headers
    assert asked.form == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-1",
        "client_id": "client-1",
    }


async def test_refresh_of_a_confidential_client(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("POST", "/2/oauth2/token", Reply(json=RENEWED))
    await adapter.refresh(
        replace(target, credentials={**target.credentials, "client_secret": "hush"})
    )
    told = scripted_network.asked[0].headers["authorization"]
    assert told == f"Basic {b64encode(b'client-1:hush').decode()}"


@pytest.mark.parametrize("told", [{}, {"refresh_token": ""}, {"refresh_token": None}])
async def test_refresh_never_loses_the_refresh_token(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork, told: dict[str, Any]
) -> None:
    scripted_network.tell("POST", "/2/oauth2/token", Reply(json={"access_token": "new"} | told))
    connection = await adapter.refresh(target)
    assert connection.credentials["refresh_token"] == "refresh-1"
    assert "expires_at" not in connection.credentials
    assert connection.expires_at is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_grant"}),
        (400, {"error": "invalid_request", "error_description": "Value passed was invalid."}),
        (401, {"error": "invalid_client"}),
    ],
)
async def test_refused_refresh_disconnects(
    adapter: XPosts,
    target: Target,
    scripted_network: ScriptedNetwork,
    status: int,
    body: dict[str, str],
) -> None:
    scripted_network.tell("POST", "/2/oauth2/token", Reply(status=status, json=body))
    with pytest.raises(AccountDisconnected):
        await adapter.refresh(target)


@pytest.mark.parametrize("missing", ["refresh_token", "client_id"])
async def test_refresh_without_what_it_takes_disconnects(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork, missing: str
) -> None:
    kept = {name: value for name, value in target.credentials.items() if name != missing}
    with pytest.raises(AccountDisconnected):
        await adapter.refresh(replace(target, credentials=kept))
    assert scripted_network.asked == []


# Finding one's own post

TIMELINE = "/2/users/42/tweets"


def listed(text: str, **more: Any) -> dict[str, Any]:
    """A post as X lists it."""
    return {"id": "9", "text": text, "created_at": "2026-11-21T09:00:01.000Z"} | more


def link(short: str, expanded: str, **more: Any) -> dict[str, Any]:
    return {"url": short, "expanded_url": expanded} | more


def attempt(adapter: XPosts, target: Target, text: str, media: int = 0) -> Outgoing:
    prepared = {"media_ids": [str(number) for number in range(media)]}
    outgoing = written_down(adapter, target, a_piece(text), prepared)
    return replace(outgoing, started_at=NOW)


PHOTO = link("https://t.co/p", "https://x.com/acme/status/9/photo/1", media_key="3_1")
OURS: list[tuple[str, int, dict[str, Any]]] = [
    ("Hello", 0, listed("Hello")),
    ("Hello\n\n world ", 0, listed("Hello\n\n world")),
    ("cafe\u0301", 0, listed("caf\u00e9")),
    ("1 < 2 && 3 > 2", 0, listed("1 &lt; 2 &amp;&amp; 3 &gt; 2")),
    ("write &amp; for &", 0, listed("write &amp;amp; for &amp;")),
    ("write &amp;", 0, listed("write &amp;")),
    (
        "See https://example.com/a?b=1&c=2, now",
        0,
        listed(
            "See https://t.co/a, now",
            entities={"urls": [link("https://t.co/a", "https://example.com/a?b=1&c=2")]},
        ),
    ),
    (
        "See example.com and https://example.org/",
        0,
        listed(
            "See https://t.co/a and https://t.co/b",
            entities={
                "urls": [
                    link("https://t.co/a", "http://example.com"),
                    link("https://t.co/b", "https://example.org"),
                ]
            },
        ),
    ),
    (
        "Two photos",
        2,
        listed(
            "Two photos https://t.co/p",
            entities={"urls": [PHOTO, PHOTO | {"media_key": "3_2"}]},
            attachments={"media_keys": ["3_1", "3_2"]},
        ),
    ),
    (
        "",
        1,
        listed("https://t.co/p", entities={"urls": [PHOTO]}, attachments={"media_keys": ["3_1"]}),
    ),
    ("Long " * 100, 0, listed("Long Long…", note_tweet={"text": "Long " * 100})),
]


@pytest.mark.parametrize(("text", "media", "post"), OURS)
async def test_finds_its_own_post(
    adapter: XPosts,
    target: Target,
    scripted_network: ScriptedNetwork,
    text: str,
    media: int,
    post: dict[str, Any],
) -> None:
    answer = {"data": [listed("Something else", id="10"), post], "meta": {"result_count": 2}}
    scripted_network.tell("GET", TIMELINE, Reply(json=answer))
    found = await adapter.find_published(target, attempt(adapter, target, text, media))
    assert found == Receipt(remote_id="9", permalink="https://x.com/acme/status/9")
    query = scripted_network.asked[0].query
    assert query["start_time"] == "2026-11-21T08:59:00Z"


@pytest.mark.parametrize(
    "post",
    [
        listed("Hello!"),
        listed("hello"),
        listed("Hello", created_at="2026-11-21T08:58:59.000Z"),
        listed("Hello", referenced_tweets=[{"type": "replied_to", "id": "1"}]),
        listed("Hello", attachments={"media_keys": ["3_1"]}),
        listed("Hello https://t.co/a", entities={"urls": [link("https://t.co/a", "https://a.b")]}),
    ],
)
async def test_does_not_take_another_post_for_its_own(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork, post: dict[str, Any]
) -> None:
    scripted_network.tell("GET", TIMELINE, Reply(json={"data": [post], "meta": {}}))
    found = await adapter.find_published(target, attempt(adapter, target, "Hello"))
    assert found is NotFound.ABSENT


async def test_reply_is_found_by_its_parent(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    posts = [
        listed("Hello", id=str(number), referenced_tweets=[{"type": "replied_to", "id": parent}])
        for number, parent in ((1, "100"), (2, "101"))
    ]
    scripted_network.tell("GET", TIMELINE, Reply(json={"data": posts, "meta": {}}))
    parent = Receipt(remote_id="101", permalink=None)
    outgoing = replace(attempt(adapter, target, "Hello"), root=parent, parent=parent)
    found = await adapter.find_published(target, outgoing)
    assert isinstance(found, Receipt)
    assert found.remote_id == "2"


async def test_empty_timeline_is_absent(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("GET", TIMELINE, Reply(json={"meta": {"result_count": 0}}))
    found = await adapter.find_published(target, attempt(adapter, target, "Hello"))
    assert found is NotFound.ABSENT


async def test_busy_timeline_is_read_to_its_end(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    page = {"data": [listed("Other")], "meta": {"next_token": "more"}}
    last = {"data": [listed("Hello")], "meta": {}}
    scripted_network.tell("GET", TIMELINE, Reply(json=page), Reply(json=page), Reply(json=last))
    found = await adapter.find_published(target, attempt(adapter, target, "Hello"))
    assert isinstance(found, Receipt)
    tokens = [one.query.get("pagination_token") for one in scripted_network.asked]
    assert tokens == [None, "more", "more"]


async def test_endless_timeline_leaves_it_unknown(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    page = {"data": [listed("Other")], "meta": {"next_token": "more"}}
    scripted_network.tell("GET", TIMELINE, Reply(json=page))
    found = await adapter.find_published(target, attempt(adapter, target, "Hello"))
    assert found is NotFound.UNKNOWN


@pytest.mark.parametrize("body", [{"errors": [{"title": "Not Found"}]}, {"data": [{}], "meta": {}}])
async def test_timeline_that_makes_no_sense_is_no_proof(
    adapter: XPosts, target: Target, scripted_network: ScriptedNetwork, body: dict[str, Any]
) -> None:
    scripted_network.tell("GET", TIMELINE, Reply(json=body))
    with pytest.raises(TryLater):
        await adapter.find_published(target, attempt(adapter, target, "Hello"))


def test_evidence_holds_no_text(adapter: XPosts, target: Target) -> None:
    evidence = adapter.write_ahead(target, a_piece(TEXT), {"media_ids": ["1"]})
    assert evidence == {"text_sha256": fingerprint(TEXT), "media_ids": ["1"]}
    assert "launch" not in str(evidence)
