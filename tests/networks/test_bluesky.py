"""Posts on Bluesky: the documented requests, each refusal, and one record under one key."""

from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest

from domain.receipts import Receipt
from networks.bluesky.posts import BlueskyPosts
from networks.bluesky.refusals import REFUSALS, said
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    ContentRefused,
    CredentialsExpired,
    NetworkError,
    NotSent,
    OutcomeUnknown,
    PreparationLost,
    RateLimited,
    TryLater,
)
from networks.http_client import HttpClient, Response
from networks.protocol import NotFound, Target
from tests.networks.conftest import NewPicture
from tests.networks.outgoing_pieces import a_piece, written_down
from tests.networks.scripted_network import Reply, ScriptedNetwork

NOW = datetime(2026, 11, 21, 9, 0, 0, 123456, tzinfo=UTC)
TEXT = "Secret launch of the new product tonight"
DID = "did:plc:acme"
URI = f"at://{DID}/app.bsky.feed.post/3m64lzrp2i222"
RKEY = "3m64lzrp2i222"
SENT = {"uri": URI, "cid": "bafysent", "validationStatus": "valid"}
PUT, GET = "/xrpc/com.atproto.repo.putRecord", "/xrpc/com.atproto.repo.getRecord"
UPLOAD = "/xrpc/com.atproto.repo.uploadBlob"
RESOLVE = "/xrpc/com.atproto.identity.resolveHandle"
CREATE_SESSION = "/xrpc/com.atproto.server.createSession"
REFRESH_SESSION = "/xrpc/com.atproto.server.refreshSession"
GET_SESSION = "/xrpc/com.atproto.server.getSession"


def jwt(end: datetime) -> str:
    """A token as a server makes it, with that end."""
    claims = orjson.dumps({"sub": DID, "exp": int(end.timestamp())})
    return f"e30.{urlsafe_b64encode(claims).decode().rstrip('=')}.signature"


ACCESS = jwt(datetime(2026, 11, 21, 11, 0, tzinfo=UTC))
IDENTITY = {"did": DID, "handle": "acme.example", "active": True}
SESSION = IDENTITY | {"accessJwt": ACCESS, "refreshJwt": "refresh-2"}


@pytest.fixture
def adapter(http_client: HttpClient, scripted_network: ScriptedNetwork) -> BlueskyPosts:
    return BlueskyPosts(
        http_client,
        base_url=f"{scripted_network.base_url}/xrpc/",
        now=lambda: NOW,
        random_bits=lambda _: 0,
    )


@pytest.fixture
def target(scripted_network: ScriptedNetwork) -> Target:
    credentials = {
        "identifier": "acme.example",
        "app_password": "aaaa-bbbb-cccc-dddd",
        "access_jwt": "access-1",
        "refresh_jwt": "refresh-1",
        "did": DID,
    }
    return Target(
        account_id=uuid4(),
        remote_id=DID,
        handle="acme.example",
        credentials=credentials,
        base_url=scripted_network.base_url,
    )


def refusal(code: str, message: str = "No") -> dict[str, str]:
    return {"error": code, "message": message}


REFUSED: list[tuple[int, str, type[NotSent]]] = [
    (400, "ExpiredToken", CredentialsExpired),
    (400, "InvalidToken", CredentialsExpired),
    (401, "AuthMissing", CredentialsExpired),
    (401, "AuthenticationRequired", CredentialsExpired),
    (401, "SomethingNew", CredentialsExpired),
    (401, "AuthFactorTokenRequired", AccountDisconnected),
    (401, "AccountTakedown", AccountBlocked),
    (400, "RepoTakendown", AccountBlocked),
    (400, "RepoSuspended", AccountBlocked),
    (401, "AccountDeactivated", AccountDisconnected),
    (400, "RepoDeactivated", AccountDisconnected),
    (400, "RepoNotFound", AccountDisconnected),
    (400, "BlobNotFound", PreparationLost),
    (400, "InvalidMimeType", ContentRefused),
    (400, "BlobTooLarge", ContentRefused),
    (413, "PayloadTooLarge", ContentRefused),
    (400, "InvalidRequest", ContentRefused),
    (400, "RecordNotFound", ContentRefused),
    (429, "RateLimitExceeded", RateLimited),
]


@pytest.mark.parametrize(("status", "code", "error"), REFUSED)
async def test_refusals_of_a_post(
    adapter: BlueskyPosts,
    target: Target,
    scripted_network: ScriptedNetwork,
    status: int,
    code: str,
    error: type[NotSent],
) -> None:
    scripted_network.tell("POST", PUT, Reply(status=status, json=refusal(code)))
    with pytest.raises(error) as caught:
        await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))
    assert type(caught.value) is error
    assert caught.value.answer.code == code


def test_every_row_of_the_table_is_tried() -> None:
    used = []
    for status, code, _ in [*REFUSED, (400, "InvalidSwap", ContentRefused)]:
        answer = said(Response(status, {}, orjson.dumps(refusal(code))))
        used.append(next((row for row in REFUSALS if row.fits(status, answer)), None))
    assert [row for row in REFUSALS if row not in used] == []


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (403, "AccountNotFound", "Account not found"),
        (400, "InvalidRequest", f"Could not find user info for account: {DID}"),
    ],
)
async def test_account_that_the_server_does_not_have(
    adapter: BlueskyPosts,
    target: Target,
    scripted_network: ScriptedNetwork,
    status: int,
    code: str,
    message: str,
) -> None:
    gone = Reply(status=status, json=refusal(code, message))
    for method, path in (("POST", PUT), ("GET", GET_SESSION), ("POST", REFRESH_SESSION)):
        scripted_network.tell(method, path, gone)
    with pytest.raises(AccountDisconnected):
        await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))
    with pytest.raises(AccountDisconnected):
        await adapter.check(target)
    with pytest.raises(AccountDisconnected):
        await adapter.refresh(target)


UNCLEAR = [
    Reply(status=500, json=refusal("InternalServerError", "Internal Server Error")),
    Reply(status=502, json=refusal("UpstreamFailure")),
    Reply(body=b'{"uri": "at:'),
    Reply(json={}),
    Reply(json=SENT, cut=True),
]


@pytest.mark.parametrize("reply", UNCLEAR)
async def test_no_usable_answer_to_a_post_is_unknown(
    adapter: BlueskyPosts, target: Target, scripted_network: ScriptedNetwork, reply: Reply
) -> None:
    scripted_network.tell("POST", PUT, reply)
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))


@pytest.mark.parametrize("reply", UNCLEAR)
async def test_no_usable_answer_to_anything_else_is_worth_a_repeat(
    adapter: BlueskyPosts, target: Target, scripted_network: ScriptedNetwork, reply: Reply
) -> None:
    scripted_network.tell("GET", GET_SESSION, reply)
    with pytest.raises(TryLater):
        await adapter.check(target)


async def test_no_connection_means_not_sent(
    adapter: BlueskyPosts, target: Target, closed_url: str
) -> None:
    away = replace(target, base_url=closed_url)
    with pytest.raises(TryLater):
        await adapter.send(away, written_down(adapter, away, a_piece(TEXT), {}))


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "90"}, timedelta(seconds=90)),
        ({"retry-after": "90", "ratelimit-reset": "1"}, timedelta(seconds=90)),
        (
            {"ratelimit-reset": str(int(NOW.timestamp()) + 600)},
            timedelta(seconds=600, microseconds=-123456),
        ),
        ({"ratelimit-reset": "1"}, timedelta(seconds=1)),
        ({}, timedelta(minutes=5)),
    ],
)
async def test_rate_limits_name_their_time(
    adapter: BlueskyPosts,
    target: Target,
    scripted_network: ScriptedNetwork,
    headers: dict[str, str],
    wait: timedelta,
) -> None:
    answer = Reply(status=429, json=refusal("RateLimitExceeded"), headers=headers)
    scripted_network.tell("POST", PUT, answer)
    with pytest.raises(RateLimited) as caught:
        await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))
    assert caught.value.retry_after == wait


@pytest.mark.parametrize("echoed", [TEXT, "access-1", "aaaa-bbbb-cccc-dddd"])
async def test_errors_never_quote_the_text_or_a_token(
    adapter: BlueskyPosts, target: Target, scripted_network: ScriptedNetwork, echoed: str
) -> None:
    answer = refusal("InvalidRequest", f"Invalid record: {echoed}")
    scripted_network.tell("POST", PUT, Reply(status=400, json=answer))
    with pytest.raises(ContentRefused) as caught:
        await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))
    assert echoed not in str(caught.value)


async def test_plain_post(
    adapter: BlueskyPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("POST", PUT, Reply(json=SENT))
    outgoing = written_down(adapter, target, a_piece(TEXT, language="de"), {})
    receipt = await adapter.send(target, outgoing)
    rkey = outgoing.evidence["rkey"]
    assert receipt == Receipt(
        remote_id=URI,
        permalink=f"https://bsky.app/profile/acme.example/post/{rkey}",
        details={"cid": "bafysent"},
    )
    (asked,) = scripted_network.asked
    assert asked.headers["authorization"] == "Bearer access-1"
    assert asked.json == {
        "repo": DID,
        "collection": "app.bsky.feed.post",
        "rkey": rkey,
        "swapRecord": None,
        "record": {
            "$type": "app.bsky.feed.post",
            "text": TEXT,
            "createdAt": "2026-11-21T09:00:00.123Z",
            "langs": ["de"],
        },
    }


async def test_post_with_everything(
    adapter: BlueskyPosts,
    target: Target,
    scripted_network: ScriptedNetwork,
    new_picture: NewPicture,
) -> None:
    blob = {"$type": "blob", "ref": {"$link": "bafyimg"}, "mimeType": "image/jpeg", "size": 9}
    scripted_network.tell("POST", UPLOAD, Reply(json={"blob": blob}))
    scripted_network.tell("GET", RESOLVE, Reply(json={"did": "did:plc:bob"}))
    scripted_network.tell("POST", PUT, Reply(json=SENT))
    root = Receipt(remote_id="at://a/b/1", permalink=None, details={"cid": "bafy1"})
    parent = Receipt(remote_id="at://a/b/2", permalink=None, details={"cid": "bafy2"})
    piece = a_piece("é @Bob.example.com", new_picture(alt_text="A red square"))
    prepared = await adapter.prepare(target, piece)
    assert prepared == {"blobs": [blob], "dids": {"bob.example.com": "did:plc:bob"}}
    await adapter.send(
        target, written_down(adapter, target, piece, prepared, root=root, parent=parent)
    )
    (uploaded,) = scripted_network.asked_for("POST", UPLOAD)
    assert uploaded.headers["content-type"] == "image/jpeg"
    assert uploaded.body == await piece.media[0].read()
    record = scripted_network.asked_for("POST", PUT)[0].json["record"]
    assert record["facets"] == [
        {
            "index": {"byteStart": 3, "byteEnd": 19},
            "features": [{"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:bob"}],
        }
    ]
    assert record["embed"] == {
        "$type": "app.bsky.embed.images",
        "images": [
            {
                "alt": "A red square",
                "image": blob,
                "aspectRatio": {"width": 640, "height": 640},
            }
        ],
    }
    assert record["reply"] == {
        "root": {"uri": "at://a/b/1", "cid": "bafy1"},
        "parent": {"uri": "at://a/b/2", "cid": "bafy2"},
    }


async def test_same_attempt_sends_the_same_bytes(
    http_client: HttpClient, target: Target, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("POST", PUT, Reply(json=SENT))
    adapter = BlueskyPosts(http_client)
    outgoing = written_down(adapter, target, a_piece("See example.com #now"), {})
    await adapter.send(target, outgoing)
    await BlueskyPosts(http_client).send(target, outgoing)
    first, second = scripted_network.asked
    assert first.body == second.body


def test_each_attempt_has_a_key_of_its_own(adapter: BlueskyPosts, target: Target) -> None:
    keys = [adapter.write_ahead(target, a_piece(TEXT), {})["rkey"] for _ in range(3)]
    assert len(set(keys)) == 3
    assert all(len(key) == 13 for key in keys)


@pytest.mark.parametrize(
    "unnamed",
    [
        Receipt(remote_id=URI, permalink=None),
        Receipt(remote_id="3m64", permalink=None, details={"cid": "bafy1"}),
    ],
)
async def test_reply_to_a_post_without_its_version(
    adapter: BlueskyPosts, target: Target, unnamed: Receipt
) -> None:
    outgoing = written_down(adapter, target, a_piece(TEXT), {}, root=unnamed, parent=unnamed)
    with pytest.raises(ContentRefused, match="exact version"):
        await adapter.send(target, outgoing)


def stands(**changes: str) -> dict[str, Any]:
    """What getRecord answers for the attempt's own record, or a changed one."""
    return SENT | {"value": {"text": TEXT, "createdAt": "2026-11-21T09:00:00.123Z"} | changes}


SWAP = Reply(status=400, json=refusal("InvalidSwap", "Record was at bafysent"))


async def test_own_record_under_the_key_counts_as_sent(
    adapter: BlueskyPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("POST", PUT, SWAP)
    scripted_network.tell("GET", GET, Reply(json=stands()))
    receipt = await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))
    assert receipt.remote_id == URI
    assert receipt.details == {"cid": "bafysent"}


@pytest.mark.parametrize(
    "reply",
    [
        Reply(json=stands(text="Another")),
        Reply(json=stands(createdAt="2026-11-21T09:00:00.124Z")),
        Reply(status=400, json=refusal("RecordNotFound")),
        Reply(status=500),
        Reply(json={}),
    ],
)
async def test_other_record_under_the_key_leaves_it_unknown(
    adapter: BlueskyPosts, target: Target, scripted_network: ScriptedNetwork, reply: Reply
) -> None:
    scripted_network.tell("POST", PUT, SWAP)
    scripted_network.tell("GET", GET, reply)
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, written_down(adapter, target, a_piece(TEXT), {}))


async def test_finds_its_own_record(
    adapter: BlueskyPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("GET", GET, Reply(json=stands()))
    outgoing = written_down(adapter, target, a_piece(TEXT), {})
    found = await adapter.find_published(target, outgoing)
    assert isinstance(found, Receipt)
    assert (found.remote_id, found.details) == (URI, {"cid": "bafysent"})
    (asked,) = scripted_network.asked
    rkey = outgoing.evidence["rkey"]
    assert asked.query == {"repo": DID, "collection": "app.bsky.feed.post", "rkey": rkey}
    assert "authorization" not in asked.headers


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (Reply(status=400, json=refusal("RecordNotFound")), NotFound.ABSENT),
        (
            Reply(status=400, json=refusal("InvalidRequest", "Could not locate record: at://x")),
            NotFound.ABSENT,
        ),
        (Reply(json=stands(text="Another")), NotFound.UNKNOWN),
    ],
)
async def test_does_not_find_its_record(
    adapter: BlueskyPosts,
    target: Target,
    scripted_network: ScriptedNetwork,
    reply: Reply,
    found: NotFound,
) -> None:
    scripted_network.tell("GET", GET, reply)
    outgoing = written_down(adapter, target, a_piece(TEXT), {})
    assert await adapter.find_published(target, outgoing) is found


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(status=500), TryLater),
        (Reply(json={"value": "?"}), TryLater),
        (Reply(status=400, json=refusal("InvalidRequest", "Bad rkey")), ContentRefused),
        (
            Reply(status=400, json=refusal("InvalidRequest", "Could not locate record")),
            AccountDisconnected,
        ),
    ],
)
async def test_look_that_fails_is_no_proof(
    adapter: BlueskyPosts,
    target: Target,
    scripted_network: ScriptedNetwork,
    reply: Reply,
    error: type[NetworkError],
) -> None:
    scripted_network.tell("GET", GET, reply)
    with pytest.raises(error):
        await adapter.find_published(target, written_down(adapter, target, a_piece(TEXT), {}))


@pytest.mark.parametrize(
    ("text", "is_needed"),
    [
        ("Hello", False),
        ("a@b, @me", False),
        ("@.com @a..com @a_b.test", False),
        ("Hi @bob.example.com", True),
    ],
)
def test_mentions_need_preparation(adapter: BlueskyPosts, text: str, is_needed: bool) -> None:
    assert adapter.needs_preparation(a_piece(text)) is is_needed


def test_media_needs_preparation(adapter: BlueskyPosts, new_picture: NewPicture) -> None:
    assert adapter.needs_preparation(a_piece("", new_picture()))


async def test_unknown_handle_stays_plain_text(
    adapter: BlueskyPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    unknown = refusal("InvalidRequest", "Unable to resolve handle")
    scripted_network.tell("GET", RESOLVE, Reply(status=400, json=unknown))
    prepared = await adapter.prepare(target, a_piece("Hi @nobody.example.com"))
    assert prepared == {"blobs": [], "dids": {}}


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(status=502), TryLater),
        (Reply(status=400, json=refusal("ExpiredToken")), CredentialsExpired),
    ],
)
async def test_handle_that_cannot_be_looked_up_now(
    adapter: BlueskyPosts,
    target: Target,
    scripted_network: ScriptedNetwork,
    reply: Reply,
    error: type[NetworkError],
) -> None:
    scripted_network.tell("GET", RESOLVE, reply)
    with pytest.raises(error):
        await adapter.prepare(target, a_piece("Hi @bob.example.com"))


async def test_upload_without_a_reference_is_worth_a_repeat(
    adapter: BlueskyPosts,
    target: Target,
    scripted_network: ScriptedNetwork,
    new_picture: NewPicture,
) -> None:
    scripted_network.tell("POST", UPLOAD, Reply(json={"blob": {}}))
    with pytest.raises(TryLater):
        await adapter.prepare(target, a_piece("", new_picture()))


SUPPLIED = {"identifier": "@acme.example", "app_password": "aaaa-bbbb-cccc-dddd"}
KEPT = {
    "identifier": "acme.example",
    "app_password": "aaaa-bbbb-cccc-dddd",
    "access_jwt": ACCESS,
    "refresh_jwt": "refresh-2",
    "did": DID,
}


@pytest.mark.parametrize("is_named", [True, False])
async def test_connect_logs_in(
    adapter: BlueskyPosts, scripted_network: ScriptedNetwork, is_named: bool
) -> None:
    scripted_network.tell("POST", CREATE_SESSION, Reply(json=SESSION))
    url = scripted_network.base_url
    connection = await adapter.connect(SUPPLIED | ({"service_url": f"{url}/"} if is_named else {}))
    assert (connection.remote_id, connection.handle) == (DID, "acme.example")
    assert connection.base_url == url
    assert connection.credentials == KEPT
    assert connection.expires_at == datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
    assert "aaaa" not in repr(connection)
    (asked,) = scripted_network.asked
    assert asked.json == {"identifier": "acme.example", "password": "aaaa-bbbb-cccc-dddd"}


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "a.bm8.c", "a.W10.c", "a.e30.c"])
async def test_token_without_an_end(
    adapter: BlueskyPosts, scripted_network: ScriptedNetwork, token: str
) -> None:
    scripted_network.tell("POST", CREATE_SESSION, Reply(json=SESSION | {"accessJwt": token}))
    assert (await adapter.connect(SUPPLIED)).expires_at is None


@pytest.mark.parametrize(
    ("supplied", "field"),
    [
        ({"app_password": "x"}, "credentials.identifier is missing"),
        ({"identifier": "x"}, "credentials.app_password is missing"),
        (SUPPLIED | {"service_url": "ftp://pds.example"}, "credentials.service_url"),
    ],
)
async def test_connect_names_the_field_that_is_wrong(
    adapter: BlueskyPosts, supplied: dict[str, str], field: str
) -> None:
    with pytest.raises(ContentRefused, match=field):
        await adapter.connect(supplied)


@pytest.mark.parametrize("url", ["https://127.0.0.1", "http://bsky.social", "https://[::1]"])
async def test_connect_refuses_a_server_inside(url: str) -> None:
    client = HttpClient()
    try:
        with pytest.raises(ContentRefused, match=r"credentials\.service_url cannot be used"):
            await BlueskyPosts(client).connect(SUPPLIED | {"service_url": url})
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (
            Reply(status=401, json=refusal("AuthenticationRequired", "Invalid password")),
            AccountDisconnected,
        ),
        (Reply(status=401, json=refusal("AuthFactorTokenRequired")), AccountDisconnected),
        (Reply(status=401, json=refusal("AccountTakedown")), AccountBlocked),
        (Reply(json=SESSION | {"active": False, "status": "takendown"}), AccountBlocked),
        (Reply(json=SESSION | {"active": False, "status": "deactivated"}), AccountDisconnected),
        (Reply(status=400, json=refusal("InvalidRequest")), ContentRefused),
        (Reply(status=404, body=b"<html>"), ContentRefused),
        (Reply(status=301), ContentRefused),
        (Reply(body=b"<html>"), ContentRefused),
        (Reply(status=502), TryLater),
    ],
)
async def test_connect_refused(
    adapter: BlueskyPosts,
    scripted_network: ScriptedNetwork,
    reply: Reply,
    error: type[NetworkError],
) -> None:
    scripted_network.tell("POST", CREATE_SESSION, reply)
    with pytest.raises(error) as caught:
        await adapter.connect(SUPPLIED)
    assert type(caught.value) is error


async def test_check_asks_whose_session_it_is(
    adapter: BlueskyPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("GET", GET_SESSION, Reply(json=IDENTITY | {"handle": "new.example"}))
    connection = await adapter.check(target)
    assert connection.handle == "new.example"
    assert connection.credentials == target.credentials


async def test_refresh_renews_the_session(
    adapter: BlueskyPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("POST", REFRESH_SESSION, Reply(json=SESSION))
    connection = await adapter.refresh(target)
    assert connection.credentials == KEPT
    (asked,) = scripted_network.asked
    assert asked.headers["authorization"] == "Bearer refresh-1"


DEAD = Reply(status=400, json=refusal("ExpiredToken", "Token has been revoked"))


async def test_refresh_logs_in_anew_when_the_refresh_token_is_dead(
    adapter: BlueskyPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("POST", REFRESH_SESSION, DEAD)
    scripted_network.tell("POST", CREATE_SESSION, Reply(json=SESSION))
    assert (await adapter.refresh(target)).credentials == KEPT


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=401, json=refusal("AuthenticationRequired", "Invalid password")),
        Reply(json=SESSION | {"did": "did:plc:other"}),
    ],
)
async def test_refresh_without_a_way(
    adapter: BlueskyPosts, target: Target, scripted_network: ScriptedNetwork, reply: Reply
) -> None:
    scripted_network.tell("POST", REFRESH_SESSION, DEAD)
    scripted_network.tell("POST", CREATE_SESSION, reply)
    with pytest.raises(AccountDisconnected):
        await adapter.refresh(target)


async def test_refresh_keeps_the_session_through_a_fault(
    adapter: BlueskyPosts, target: Target, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell("POST", REFRESH_SESSION, Reply(status=503))
    with pytest.raises(TryLater):
        await adapter.refresh(target)
