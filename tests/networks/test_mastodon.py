"""Posts on Mastodon: the documented requests, each refusal, finding one's own status."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.content import Visibility
from domain.receipts import Receipt
from domain.rules import AccountLimits
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    ContentRefused,
    MediaNotReady,
    NetworkError,
    NotSent,
    OutcomeUnknown,
    PreparationLost,
    RateLimited,
    TryLater,
)
from networks.http_client import HttpClient, Response
from networks.mastodon.refusals import REFUSALS, said
from networks.mastodon.statuses import MastodonStatuses
from networks.protocol import NotFound, Outgoing, Piece, Target
from tests.networks.conftest import NewPicture
from tests.networks.outgoing_pieces import a_piece, written_down
from tests.networks.scripted_network import Reply, ScriptedNetwork

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TEXT = "Secret launch of the new product tonight"
STATUS = {"id": "113", "url": "https://m.example/@acme/113", "content": f"<p>{TEXT}</p>"}
SENT = Receipt(remote_id="113", permalink="https://m.example/@acme/113")
STATUSES, MEDIA = "/api/v1/statuses", "/api/v2/media"
ME, INSTANCE = "/api/v1/accounts/verify_credentials", "/api/v2/instance"
ACME = {"id": "7", "username": "acme", "acct": "acme", "display_name": "Acme Inc."}
CONFIGURATION = {
    "statuses": {
        "max_characters": 1000,
        "max_media_attachments": 6,
        "characters_reserved_per_url": 30,
    },
    "media_attachments": {
        "image_size_limit": 5,
        "image_matrix_limit": 6,
        "description_limit": 700,
    },
}


@pytest.fixture
def adapter(http_client: HttpClient) -> MastodonStatuses:
    return MastodonStatuses(
        http_client,
        poll_interval=timedelta(milliseconds=1),
        processing_limit=timedelta(milliseconds=3),
        now=lambda: NOW,
        new_key=lambda: "key-1",
    )


@pytest.fixture
def target(scripted_network: ScriptedNetwork) -> Target:
    url = scripted_network.base_url
    return Target(
        account_id=uuid4(),
        remote_id="7",
        handle="acme@m.example",
        credentials={"instance_url": url, "access_token": "access-1"},
        base_url=url,
    )


REFUSED: list[tuple[int, str, type[NotSent]]] = [
    (401, "The access token is invalid", AccountDisconnected),
    (403, "Your login is currently disabled", AccountBlocked),
    (403, "Your login is missing a confirmed e-mail address", AccountBlocked),
    (403, "This action is outside the authorized scopes", AccountDisconnected),
    (403, "This action is not allowed", AccountDisconnected),
    (404, "Record not found", ContentRefused),
    (404, "The post you are trying to reply to does not appear to exist.", ContentRefused),
    (413, "Payload too large", ContentRefused),
    (422, "Validation failed: Text can't be blank", ContentRefused),
    (422, "Validation failed: Text character limit of 500 exceeded", ContentRefused),
    (
        422,
        "Cannot attach files that have not finished processing. Try again in a moment!",
        MediaNotReady,
    ),
    (422, "Media 1 not found or already attached to another post", PreparationLost),
    (429, "Too many requests", RateLimited),
    (418, "I'm a teapot", ContentRefused),
]


@pytest.mark.parametrize(("status", "message", "error"), REFUSED)
async def test_refusals_of_a_status(
    adapter: MastodonStatuses,
    target: Target,
    scripted_network: ScriptedNetwork,
    status: int,
    message: str,
    error: type[NotSent],
) -> None:
    scripted_network.tell("POST", STATUSES, Reply(status=status, json={"error": message}))
    with pytest.raises(error) as caught:
        await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))
    assert type(caught.value) is error
    assert caught.value.answer.status == status
    assert message in caught.value.detail


def test_every_row_of_the_table_is_tried() -> None:
    used = []
    for status, message, _ in REFUSED:
        answer = said(Response(status, {}, f'{{"error": "{message}"}}'.encode()))
        used.append(next((row for row in REFUSALS if row.fits(status, answer)), None))
    assert [row for row in REFUSALS if row not in used] == []


UNCLEAR = [
    Reply(status=500, json={"error": "Something went wrong on our end"}),
    Reply(status=503, body=b"<html>"),
    Reply(status=301, headers={"location": "https://m.example"}),
    Reply(body=b'{"id": "11'),
    Reply(json={}),
    Reply(json=[STATUS]),
    Reply(json=STATUS, cut=True),
]


@pytest.mark.parametrize("reply", UNCLEAR)
async def test_no_usable_answer_to_a_status_is_unknown(
    adapter: MastodonStatuses, target: Target, scripted_network: ScriptedNetwork, reply: Reply
) -> None:
    scripted_network.tell("POST", STATUSES, reply)
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))


@pytest.mark.parametrize("reply", UNCLEAR)
async def test_no_usable_answer_to_anything_else_is_worth_a_repeat(
    adapter: MastodonStatuses, target: Target, scripted_network: ScriptedNetwork, reply: Reply
) -> None:
    scripted_network.tell("GET", ME, reply)
    with pytest.raises(TryLater):
        await adapter.check(target)


async def test_no_connection_means_not_sent(
    adapter: MastodonStatuses, target: Target, closed_url: str
) -> None:
    away = replace(target, base_url=closed_url)
    with pytest.raises(TryLater):
        await adapter.send(away, written_down(adapter, away, a_piece(TEXT), {}))


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"x-ratelimit-reset": "2026-11-21T09:02:00.000000Z"}, timedelta(minutes=2)),
        ({"x-ratelimit-reset": "2026-11-21T09:02:00"}, timedelta(minutes=2)),
        ({"x-ratelimit-reset": "2026-11-21T08:00:00Z"}, timedelta(seconds=1)),
        ({"x-ratelimit-reset": "later"}, timedelta(minutes=5)),
        ({}, timedelta(minutes=5)),
    ],
)
async def test_rate_limits_name_their_time(
    adapter: MastodonStatuses,
    target: Target,
    scripted_network: ScriptedNetwork,
    headers: dict[str, str],
    wait: timedelta,
) -> None:
    scripted_network.tell("POST", STATUSES, Reply(status=429, json={}, headers=headers))
    with pytest.raises(RateLimited) as caught:
        await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))
    assert caught.value.retry_after == wait


@pytest.mark.parametrize("echoed", [TEXT, "Mind the spoilers here", "access-1"])
async def test_errors_never_quote_the_text_or_a_token(
    adapter: MastodonStatuses, target: Target, scripted_network: ScriptedNetwork, echoed: str
) -> None:
    scripted_network.tell("POST", STATUSES, Reply(status=422, json={"error": f"no: {echoed}"}))
    piece = a_piece(TEXT, content_warning="Mind the spoilers here")
    with pytest.raises(ContentRefused) as caught:
        await adapter.send(target, written_down(adapter, target, piece, {}))
    assert echoed not in str(caught.value)


async def test_plain_status(
    adapter: MastodonStatuses, target: Target, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("POST", STATUSES, Reply(json=STATUS))
    outgoing = written_down(adapter, target, a_piece(TEXT), {})
    assert outgoing.evidence == {"idempotency_key": "key-1"}
    assert await adapter.send(target, outgoing) == SENT
    (asked,) = scripted_network.asked
    assert asked.json == {"status": TEXT}
    assert asked.headers["idempotency-key"] == "key-1"
    assert asked.headers["authorization"] == "Bearer access-1"


async def test_everything_a_status_can_have(
    adapter: MastodonStatuses,
    target: Target,
    scripted_network: ScriptedNetwork,
    new_picture: NewPicture,
) -> None:
    scripted_network.tell("POST", STATUSES, Reply(json=STATUS))
    piece = a_piece(
        TEXT,
        new_picture(),
        content_warning="Spoilers",
        visibility=Visibility.UNLISTED,
        language="de",
    )
    root, parent = Receipt(remote_id="1", permalink=None), Receipt(remote_id="2", permalink=None)
    outgoing = written_down(adapter, target, piece, {"media_ids": ["5"]}, root=root, parent=parent)
    await adapter.send(target, outgoing)
    assert scripted_network.asked[0].json == {
        "status": TEXT,
        "media_ids": ["5"],
        "in_reply_to_id": "2",
        "visibility": "unlisted",
        "spoiler_text": "Spoilers",
        "sensitive": True,
        "language": "de",
    }


def test_each_attempt_has_a_key_of_its_own(http_client: HttpClient, target: Target) -> None:
    adapter = MastodonStatuses(http_client)
    keys = {str(adapter.write_ahead(target, a_piece(TEXT), {})) for _ in range(3)}
    assert len(keys) == 3


def test_key_is_relied_on_for_less_than_the_hour_it_is_kept() -> None:
    assert MastodonStatuses.resend_window == MastodonStatuses.key_lifetime
    assert MastodonStatuses.key_lifetime < timedelta(hours=1)


async def test_media_is_uploaded_with_its_description(
    adapter: MastodonStatuses,
    target: Target,
    scripted_network: ScriptedNetwork,
    new_picture: NewPicture,
) -> None:
    scripted_network.tell("POST", MEDIA, Reply(json={"id": "5"}), Reply(json={"id": "6"}))
    piece = a_piece("", new_picture(alt_text="A red square"), new_picture())
    assert adapter.needs_preparation(piece)
    assert await adapter.prepare(target, piece) == {"media_ids": ["5", "6"]}
    bodies = [one.body for one in scripted_network.asked_for("POST", MEDIA)]
    assert [b"A red square" in body for body in bodies] == [True, False]
    assert all(b'name="file"' in body and b"image/jpeg" in body for body in bodies)


PROCESSING, READY = Reply(status=206, json={"id": "5"}), Reply(json={"id": "5"})


@pytest.mark.parametrize("polls", [(READY,), (PROCESSING, PROCESSING, READY)])
async def test_media_is_waited_for(
    adapter: MastodonStatuses,
    target: Target,
    scripted_network: ScriptedNetwork,
    new_picture: NewPicture,
    polls: tuple[Reply, ...],
) -> None:
    scripted_network.tell("POST", MEDIA, Reply(status=202, json={"id": "5", "url": None}))
    scripted_network.tell("GET", "/api/v1/media/5", *polls)
    assert await adapter.prepare(target, a_piece("", new_picture())) == {"media_ids": ["5"]}
    assert len(scripted_network.asked_for("GET", "/api/v1/media/5")) == len(polls)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (PROCESSING, MediaNotReady),
        (Reply(status=404, json={"error": "Record not found"}), PreparationLost),
        (Reply(status=422, json={"error": "Error processing thumbnail"}), ContentRefused),
        (Reply(status=500), TryLater),
    ],
)
async def test_media_that_does_not_become_ready(
    adapter: MastodonStatuses,
    target: Target,
    scripted_network: ScriptedNetwork,
    new_picture: NewPicture,
    reply: Reply,
    error: type[NetworkError],
) -> None:
    scripted_network.tell("POST", MEDIA, Reply(status=202, json={"id": "5"}))
    scripted_network.tell("GET", "/api/v1/media/5", reply)
    with pytest.raises(error):
        await adapter.prepare(target, a_piece("", new_picture()))


async def test_connect_reads_account_and_limits(
    adapter: MastodonStatuses, target: Target, scripted_network: ScriptedNetwork
) -> None:
    instance = {"domain": "m.example", "configuration": CONFIGURATION}
    scripted_network.tell("GET", ME, Reply(json=ACME))
    scripted_network.tell("GET", INSTANCE, Reply(json=instance))
    url = scripted_network.base_url
    supplied = {"instance_url": f" {url}/ ", "access_token": "access-1"}
    connection = await adapter.connect(supplied)
    assert (connection.remote_id, connection.handle) == ("7", "acme@m.example")
    assert connection.display_name == "Acme Inc."
    assert connection.base_url == url
    assert connection.credentials == {"instance_url": url, "access_token": "access-1"}
    assert connection.limits == AccountLimits(
        max_characters=1000,
        characters_per_url=30,
        max_media=6,
        max_image_bytes=5,
        max_image_pixels=6,
        max_alt_text=700,
    )
    assert await adapter.check(target) == connection
    assert await adapter.refresh(target) == connection


async def test_old_server_tells_no_limits(
    adapter: MastodonStatuses, target: Target, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("GET", ME, Reply(json=ACME | {"display_name": ""}))
    scripted_network.tell("GET", INSTANCE, Reply(status=404, json={"error": "Record not found"}))
    connection = await adapter.check(target)
    assert connection.limits is None
    assert connection.handle == f"acme@{scripted_network.base_url.removeprefix('http://')}"
    assert connection.display_name == "acme"


@pytest.mark.parametrize(
    ("supplied", "field"),
    [
        ({"access_token": "a"}, "credentials.instance_url is missing"),
        ({"instance_url": "m.example"}, "credentials.access_token is missing"),
        ({"instance_url": "ftp://m.example", "access_token": "a"}, "credentials.instance_url"),
        ({"instance_url": "https://", "access_token": "a"}, "credentials.instance_url"),
    ],
)
async def test_connect_names_the_field_that_is_wrong(
    adapter: MastodonStatuses, supplied: dict[str, str], field: str
) -> None:
    with pytest.raises(ContentRefused, match=field):
        await adapter.connect(supplied)


@pytest.mark.parametrize("url", ["https://127.0.0.1", "http://127.0.0.1", "https://[::1]"])
async def test_connect_refuses_a_server_inside(url: str) -> None:
    client = HttpClient()
    try:
        with pytest.raises(ContentRefused, match=r"credentials\.instance_url cannot be used"):
            await MastodonStatuses(client).connect({"instance_url": url, "access_token": "a"})
    finally:
        await client.close()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=404, body=b"<html>"),
        Reply(status=301, headers={"location": "https://m.example"}),
        Reply(body=b"<html>Welcome</html>"),
    ],
)
async def test_connect_to_something_else(
    adapter: MastodonStatuses, scripted_network: ScriptedNetwork, reply: Reply
) -> None:
    scripted_network.tell("GET", ME, reply)
    supplied = {"instance_url": scripted_network.base_url, "access_token": "a"}
    with pytest.raises(ContentRefused, match=r"credentials\.instance_url does not answer like"):
        await adapter.connect(supplied)


@pytest.mark.parametrize(
    ("status", "error"), [(401, AccountDisconnected), (500, TryLater), (429, RateLimited)]
)
async def test_connect_refused(
    adapter: MastodonStatuses,
    scripted_network: ScriptedNetwork,
    status: int,
    error: type[NetworkError],
) -> None:
    scripted_network.tell("GET", ME, Reply(status=status, json={"error": "No"}))
    supplied = {"instance_url": scripted_network.base_url, "access_token": "a"}
    with pytest.raises(error):
        await adapter.connect(supplied)


# Finding one's own status

TIMELINE = "/api/v1/accounts/7/statuses"


def listed(content: str, **more: Any) -> dict[str, Any]:
    """A status as Mastodon lists it."""
    fields: dict[str, Any] = {
        "created_at": "2026-11-21T09:00:01.000Z",
        "content": content,
        "spoiler_text": "",
        "in_reply_to_id": None,
        "media_attachments": [],
    }
    return STATUS | fields | more


def attempt(adapter: MastodonStatuses, target: Target, piece: Piece) -> Outgoing:
    return replace(written_down(adapter, target, piece, {}), started_at=NOW)


LINK = (
    '<a href="https://www.example.com/a/long?path=1&amp;b=2" rel="nofollow">'
    '<span class="invisible">https://www.</span><span class="ellipsis">example.com/a/long</span>'
    '<span class="invisible">?path=1&amp;b=2</span></a>'
)
MENTION = (
    '<span class="h-card"><a href="https://o.example/@bob" class="u-url mention">@'
    "<span>bob</span></a></span>"
)
TAG = '<a href="https://m.example/tags/cats" class="mention hashtag">#<span>cats</span></a>'


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("Hello", "<p>Hello</p>"),
        ("One\n\nTwo\nThree", "<p>One</p><p>Two<br />Three</p>"),
        ('1 < 2 & 3 > 2 "it\'s"', "<p>1 &lt; 2 &amp; 3 &gt; 2 &quot;it&#39;s&quot;</p>"),
        ("write &amp;", "<p>write &amp;amp;</p>"),
        ("See https://www.example.com/a/long?path=1&b=2.", f"<p>See {LINK}.</p>"),
        ("Hi @bob@o.example!", f"<p>Hi {MENTION}!</p>"),
        ("Hi @bob@o.example!", "<p>Hi @bob@o.example!</p>"),
        ("Some #cats", f"<p>Some {TAG}</p>"),
        ("cafe\u0301", "<p>caf\u00e9</p>"),
        ("", ""),
    ],
)
async def test_finds_its_own_status(
    adapter: MastodonStatuses,
    target: Target,
    scripted_network: ScriptedNetwork,
    text: str,
    content: str,
) -> None:
    page = [listed("<p>Other</p>", id="200"), listed(content)]
    scripted_network.tell("GET", TIMELINE, Reply(json=page), Reply(json=[]))
    found = await adapter.find_published(target, attempt(adapter, target, a_piece(text)))
    assert found == SENT
    assert scripted_network.asked[0].query == {"exclude_reblogs": "true", "limit": "40"}


@pytest.mark.parametrize(
    "status",
    [
        listed("<p>Hello!</p>"),
        listed("<p>Hel lo</p>"),
        listed("<p>Hello</p>", created_at="2026-11-21T08:58:59.000Z"),
        listed("<p>Hello</p>", in_reply_to_id="3"),
        listed("<p>Hello</p>", spoiler_text="Careful"),
        listed("<p>Hello</p>", media_attachments=[{"id": "1"}]),
    ],
)
async def test_does_not_take_another_status_for_its_own(
    adapter: MastodonStatuses,
    target: Target,
    scripted_network: ScriptedNetwork,
    status: dict[str, Any],
) -> None:
    scripted_network.tell("GET", TIMELINE, Reply(json=[status]), Reply(json=[]))
    found = await adapter.find_published(target, attempt(adapter, target, a_piece("Hello")))
    assert found is NotFound.ABSENT


async def test_reply_with_warning_and_media_is_found(
    adapter: MastodonStatuses,
    target: Target,
    scripted_network: ScriptedNetwork,
    new_picture: NewPicture,
) -> None:
    fields: dict[str, Any] = {
        "in_reply_to_id": "2",
        "spoiler_text": "Careful",
        "media_attachments": [{"id": "1"}],
    }
    scripted_network.tell("GET", TIMELINE, Reply(json=[listed("<p>Hello</p>", **fields)]))
    parent = Receipt(remote_id="2", permalink=None)
    piece = a_piece("Hello", new_picture(), content_warning="Careful")
    outgoing = replace(attempt(adapter, target, piece), root=parent, parent=parent)
    assert await adapter.find_published(target, outgoing) == SENT


async def test_list_is_read_back_to_the_attempt(
    adapter: MastodonStatuses, target: Target, scripted_network: ScriptedNetwork
) -> None:
    pages = [
        [listed("<p>Other</p>", id="300"), listed("<p>Other</p>", id="200")],
        [listed("<p>Hello</p>"), listed("<p>x</p>", id="9", created_at="2026-11-21T08:00:00Z")],
    ]
    scripted_network.tell("GET", TIMELINE, *(Reply(json=page) for page in pages))
    found = await adapter.find_published(target, attempt(adapter, target, a_piece("Hello")))
    assert found == SENT
    assert [one.query.get("max_id") for one in scripted_network.asked] == [None, "200"]


async def test_endless_list_leaves_it_unknown(
    adapter: MastodonStatuses, target: Target, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("GET", TIMELINE, Reply(json=[listed("<p>Other</p>")]))
    found = await adapter.find_published(target, attempt(adapter, target, a_piece("Hello")))
    assert found is NotFound.UNKNOWN


@pytest.mark.parametrize("body", [{}, [{}], ["status"]])
async def test_list_that_makes_no_sense_is_no_proof(
    adapter: MastodonStatuses, target: Target, scripted_network: ScriptedNetwork, body: Any
) -> None:
    scripted_network.tell("GET", TIMELINE, Reply(json=body))
    with pytest.raises(TryLater):
        await adapter.find_published(target, attempt(adapter, target, a_piece("Hello")))
