"""Instagram against a server that answers as told: containers, publishing, looks, refusals."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.content import PartKind
from domain.networks import Guarantee
from domain.receipts import Receipt
from networks.errors import (
    AccountDisconnected,
    ContentRefused,
    CredentialsExpired,
    DuplicateRefused,
    MediaNotReady,
    NetworkError,
    OutcomeUnknown,
    PreparationLost,
    TryLater,
)
from networks.http_client import HttpClient
from networks.meta.graph import fingerprint
from networks.meta.instagram import InstagramBusiness
from networks.protocol import NetworkAdapter, NotFound, Outgoing, Piece, Target
from tests.networks.conftest import NewPicture
from tests.networks.scripted_network import Reply, ScriptedNetwork

STARTED = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)
PREPARED = {"container": "31", "children": [], "created_at": "2026-11-21T08:50:00+00:00"}
ROOT = Receipt(remote_id="71", permalink=None)
CAPTION = "Fresh bread at nine"
EXPIRED = {"error": {"code": 190, "error_subcode": 463, "message": "Session has expired"}}
FINISHED = Reply(json={"id": "31", "status_code": "FINISHED"})
IN_PROGRESS = Reply(json={"id": "31", "status_code": "IN_PROGRESS"})
COMMENT = Piece(index=1, kind=PartKind.COMMENT, text="Map in our profile")


def adapter_for(http: HttpClient, base_url: str, **more: Any) -> InstagramBusiness:
    return InstagramBusiness(
        http,
        base_url=base_url,
        poll_interval=timedelta(milliseconds=10),
        processing_limit=timedelta(milliseconds=200),
        permalink_wait=timedelta(milliseconds=300),
        **more,
    )


@pytest.fixture
def adapter(http_client: HttpClient, scripted_network: ScriptedNetwork) -> InstagramBusiness:
    """Connected with Facebook Login."""
    return adapter_for(http_client, f"{scripted_network.base_url}/v25.0")


@pytest.fixture
def renewing_adapter(
    http_client: HttpClient, scripted_network: ScriptedNetwork
) -> InstagramBusiness:
    """Connected with Instagram Login."""
    base_url = f"{scripted_network.base_url}/v25.0"
    return adapter_for(http_client, base_url, renewing_host="127.0.0.1")


@pytest.fixture
def target() -> Target:
    return Target(
        account_id=uuid4(),
        remote_id="5",
        handle="bakery",
        credentials={"ig_user_id": "5", "access_token": "IGsecret"},
    )


@pytest.fixture
def piece(new_picture: NewPicture) -> Piece:
    picture = new_picture(alt_text="A loaf")
    return Piece(index=0, kind=PartKind.POST, text=CAPTION, media=(picture,))


def going(adapter: InstagramBusiness, target: Target, piece: Piece) -> Outgoing:
    prepared = PREPARED if piece.kind is PartKind.POST else {}
    return Outgoing(
        attempt_id=uuid4(),
        started_at=STARTED,
        piece=piece,
        prepared=prepared,
        evidence=adapter.write_ahead(target, piece, prepared),
        root=None if piece.kind is PartKind.POST else ROOT,
        parent=None if piece.kind is PartKind.POST else ROOT,
    )


def listed(**more: Any) -> dict[str, Any]:
    """One row of the account's media."""
    row = {"id": "71", "caption": CAPTION, "timestamp": "2026-11-21T09:00:02+0000"}
    return row | {"permalink": "https://instagram.example/p/abc/"} | more


def test_it_is_an_adapter(adapter: InstagramBusiness) -> None:
    seam: NetworkAdapter = adapter
    assert seam.guarantee is Guarantee.TWO_STEP_COMMIT


async def test_connecting_reads_the_account(
    adapter: InstagramBusiness, scripted_network: ScriptedNetwork
) -> None:
    scripted_network.tell(
        "GET", "/v25.0/5", Reply(json={"id": "5", "username": "bakery", "name": "The Bakery"})
    )
    connection = await adapter.connect({"ig_user_id": "5", "access_token": "IGsecret"})
    assert (connection.remote_id, connection.handle) == ("5", "bakery")
    assert connection.display_name == "The Bakery"
    assert connection.credentials == {"ig_user_id": "5", "access_token": "IGsecret"}


async def test_connecting_names_the_field_that_is_missing(adapter: InstagramBusiness) -> None:
    with pytest.raises(ContentRefused, match="ig_user_id is missing"):
        await adapter.connect({"access_token": "IGsecret"})


@pytest.mark.parametrize("code", [100, 190, 200])
async def test_connecting_with_a_refused_token_is_disconnected(
    adapter: InstagramBusiness, scripted_network: ScriptedNetwork, code: int
) -> None:
    scripted_network.tell("GET", "/v25.0/5", Reply(status=400, json={"error": {"code": code}}))
    with pytest.raises(AccountDisconnected):
        await adapter.connect({"ig_user_id": "5", "access_token": "IGsecret"})


async def test_checking_tells_an_expired_token(
    adapter: InstagramBusiness, scripted_network: ScriptedNetwork, target: Target
) -> None:
    scripted_network.tell("GET", "/v25.0/5", Reply(status=400, json=EXPIRED))
    with pytest.raises(CredentialsExpired):
        await adapter.check(target)


# Renewal


async def test_facebook_login_has_no_renewal(adapter: InstagramBusiness, target: Target) -> None:
    with pytest.raises(AccountDisconnected, match="Connect the account again"):
        await adapter.refresh(target)


async def test_instagram_login_renews_for_sixty_days(
    renewing_adapter: InstagramBusiness, scripted_network: ScriptedNetwork, target: Target
) -> None:
    scripted_network.tell("GET", "/v25.0/5", Reply(json={"id": "5", "username": "bakery"}))
    renewed = {"access_token": "IGnew", "token_type": "bearer", "expires_in": 5_184_000}
    scripted_network.tell("GET", "/refresh_access_token", Reply(json=renewed))
    connection = await renewing_adapter.refresh(target)
    assert connection.credentials == {"ig_user_id": "5", "access_token": "IGnew"}
    assert connection.expires_at is not None
    lifetime = connection.expires_at - datetime.now(UTC)
    assert timedelta(days=59, hours=23) < lifetime <= timedelta(days=60)
    asked = scripted_network.asked[-1]
    assert asked.query == {"grant_type": "ig_refresh_token"}
    assert asked.headers["authorization"] == "Bearer IGsecret"


async def test_a_token_younger_than_a_day_stays(
    renewing_adapter: InstagramBusiness, scripted_network: ScriptedNetwork, target: Target
) -> None:
    scripted_network.tell("GET", "/v25.0/5", Reply(json={"id": "5", "username": "bakery"}))
    too_young = Reply(status=400, json={"error": {"code": 100}})
    scripted_network.tell("GET", "/refresh_access_token", too_young)
    assert (await renewing_adapter.refresh(target)).credentials == target.credentials


async def test_an_ended_token_cannot_be_renewed(
    renewing_adapter: InstagramBusiness, scripted_network: ScriptedNetwork, target: Target
) -> None:
    scripted_network.tell("GET", "/v25.0/5", Reply(status=400, json=EXPIRED))
    with pytest.raises(AccountDisconnected):
        await renewing_adapter.refresh(target)


# Preparing


async def test_an_image_becomes_a_finished_container(
    adapter: InstagramBusiness, scripted_network: ScriptedNetwork, target: Target, piece: Piece
) -> None:
    scripted_network.tell("POST", "/v25.0/5/media", Reply(json={"id": "31"}))
    scripted_network.tell("GET", "/v25.0/31", IN_PROGRESS, IN_PROGRESS, FINISHED)
    assert adapter.needs_preparation(piece)
    prepared = await adapter.prepare(target, piece)
    assert prepared["container"] == "31"
    assert prepared["children"] == []
    created_at = datetime.fromisoformat(prepared["created_at"])
    assert abs(datetime.now(UTC) - created_at) < timedelta(seconds=10)
    assert scripted_network.asked[0].form == {
        "image_url": piece.media[0].public_url,
        "alt_text": "A loaf",
        "caption": CAPTION,
    }


async def test_a_carousel_waits_for_its_children(
    adapter: InstagramBusiness,
    scripted_network: ScriptedNetwork,
    target: Target,
    new_picture: NewPicture,
) -> None:
    pictures = (new_picture(alt_text="A loaf"), new_picture())
    piece = Piece(index=0, kind=PartKind.POST, text=CAPTION, media=pictures)
    ids = [Reply(json={"id": each}) for each in ("21", "22", "31")]
    scripted_network.tell("POST", "/v25.0/5/media", *ids)
    for container in ("21", "22", "31"):
        scripted_network.tell("GET", f"/v25.0/{container}", IN_PROGRESS, FINISHED)
    prepared = await adapter.prepare(target, piece)
    assert (prepared["container"], prepared["children"]) == ("31", ["21", "22"])
    first, second, parent = (
        asked.form for asked in scripted_network.asked_for("POST", "/v25.0/5/media")
    )
    assert first == {
        "image_url": pictures[0].public_url,
        "alt_text": "A loaf",
        "is_carousel_item": "true",
    }
    assert second == {"image_url": pictures[1].public_url, "is_carousel_item": "true"}
    assert parent == {"media_type": "CAROUSEL", "children": "21,22", "caption": CAPTION}


def test_comments_need_no_preparation(adapter: InstagramBusiness) -> None:
    assert not adapter.needs_preparation(COMMENT)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"status_code": "IN_PROGRESS"}, MediaNotReady),
        ({"status_code": "EXPIRED"}, PreparationLost),
        ({"status_code": "ERROR"}, TryLater),
        (
            {"status_code": "ERROR", "status": "Error: failed with error code 2207026"},
            ContentRefused,
        ),
        ({"status_code": "ERROR", "status": "Error: failed with error code 2207053"}, TryLater),
        ({"status_code": "ERROR", "status": "Error: failed with error code 2207999"}, TryLater),
    ],
)
async def test_a_container_without_hope_is_told_by_its_state(
    adapter: InstagramBusiness,
    scripted_network: ScriptedNetwork,
    target: Target,
    piece: Piece,
    state: dict[str, str],
    expected: type[NetworkError],
) -> None:
    scripted_network.tell("POST", "/v25.0/5/media", Reply(json={"id": "31"}))
    scripted_network.tell("GET", "/v25.0/31", Reply(json=state))
    with pytest.raises(NetworkError) as caught:
        await adapter.prepare(target, piece)
    assert type(caught.value) is expected


async def test_a_container_that_is_not_found_for_a_moment_is_tried_later(
    adapter: InstagramBusiness, scripted_network: ScriptedNetwork, target: Target, piece: Piece
) -> None:
    missing = {"error": {"code": 100, "error_subcode": 33}}
    scripted_network.tell("POST", "/v25.0/5/media", Reply(json={"id": "31"}))
    scripted_network.tell("GET", "/v25.0/31", Reply(status=400, json=missing))
    with pytest.raises(TryLater):
        await adapter.prepare(target, piece)


# Sending


async def test_sending_publishes_the_container(
    adapter: InstagramBusiness, scripted_network: ScriptedNetwork, target: Target, piece: Piece
) -> None:
    scripted_network.tell("POST", "/v25.0/5/media_publish", Reply(json={"id": "71"}))
    scripted_network.tell("GET", "/v25.0/71", Reply(json={"permalink": "https://i.example/p/a/"}))
    receipt = await adapter.send(target, going(adapter, target, piece))
    assert receipt == Receipt(remote_id="71", permalink="https://i.example/p/a/")
    (asked,) = scripted_network.asked_for("POST", "/v25.0/5/media_publish")
    assert asked.form == {"creation_id": "31"}


@pytest.mark.parametrize(
    "reply",
    [Reply(status=500), Reply(status=400, json=EXPIRED), Reply(cut=True), Reply(delay=1)],
    ids=["500", "expired", "cut", "late"],
)
async def test_a_failing_permalink_never_unpublishes(
    adapter: InstagramBusiness,
    scripted_network: ScriptedNetwork,
    target: Target,
    piece: Piece,
    reply: Reply,
) -> None:
    scripted_network.tell("POST", "/v25.0/5/media_publish", Reply(json={"id": "71"}))
    scripted_network.tell("GET", "/v25.0/71", reply)
    receipt = await adapter.send(target, going(adapter, target, piece))
    assert receipt == Receipt(remote_id="71", permalink=None)


async def test_no_answer_to_the_publishing_is_unknown(
    adapter: InstagramBusiness, scripted_network: ScriptedNetwork, target: Target, piece: Piece
) -> None:
    scripted_network.tell("POST", "/v25.0/5/media_publish", Reply(json={"id": "71"}, cut=True))
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, going(adapter, target, piece))


@pytest.mark.parametrize(
    ("state", "expected"),
    [("PUBLISHED", DuplicateRefused), ("FINISHED", ContentRefused), (None, ContentRefused)],
)
async def test_a_refused_second_publishing_is_told_by_the_container(
    adapter: InstagramBusiness,
    scripted_network: ScriptedNetwork,
    target: Target,
    piece: Piece,
    state: str | None,
    expected: type[NetworkError],
) -> None:
    refused = Reply(status=400, json={"error": {"code": 100}})
    scripted_network.tell("POST", "/v25.0/5/media_publish", refused)
    read = Reply(json={"status_code": state}) if state else Reply(status=500)
    scripted_network.tell("GET", "/v25.0/31", read)
    with pytest.raises(expected):
        await adapter.send(target, going(adapter, target, piece))


async def test_a_comment_never_asks_for_fields(
    adapter: InstagramBusiness, scripted_network: ScriptedNetwork, target: Target
) -> None:
    scripted_network.tell("POST", "/v25.0/71/comments", Reply(json={"id": "88"}))
    receipt = await adapter.send(target, going(adapter, target, COMMENT))
    assert receipt == Receipt(remote_id="88", permalink=None)
    (asked,) = scripted_network.asked
    assert asked.form == {"message": COMMENT.text}
    assert asked.query == {}


# Looking


def test_the_evidence_holds_neither_text_nor_token(
    adapter: InstagramBusiness, target: Target, piece: Piece
) -> None:
    assert adapter.write_ahead(target, piece, PREPARED) == {
        "account": "5",
        "fingerprint": fingerprint(CAPTION),
        "container": "31",
        "container_created_at": "2026-11-21T08:50:00+00:00",
    }


@pytest.mark.parametrize(
    ("state", "rows", "found"),
    [
        ("FINISHED", [listed()], NotFound.ABSENT),
        ("EXPIRED", [listed()], NotFound.ABSENT),
        ("IN_PROGRESS", [], NotFound.UNKNOWN),
        (None, [], NotFound.UNKNOWN),
        ("ERROR", [], NotFound.UNKNOWN),
        ("ERROR", [listed()], "71"),
        ("PUBLISHED", [listed()], "71"),
        ("PUBLISHED", [listed(id="79", caption="Newer"), listed()], "71"),
        ("PUBLISHED", [listed(timestamp="2026-11-21T08:49:30+0000")], "71"),
        ("PUBLISHED", [listed(timestamp="2026-11-21T08:48:59+0000")], NotFound.UNKNOWN),
        ("PUBLISHED", [listed(caption="Newest")], NotFound.UNKNOWN),
        ("PUBLISHED", [listed(), listed(id="72")], NotFound.UNKNOWN),
        ("PUBLISHED", [], NotFound.UNKNOWN),
    ],
)
async def test_looking_asks_the_container_first(
    adapter: InstagramBusiness,
    scripted_network: ScriptedNetwork,
    target: Target,
    piece: Piece,
    state: str | None,
    rows: list[dict[str, Any]],
    found: str | NotFound,
) -> None:
    scripted_network.tell("GET", "/v25.0/31", Reply(json={"id": "31", "status_code": state}))
    scripted_network.tell("GET", "/v25.0/5/media", Reply(json={"data": rows}))
    looked = await adapter.find_published(target, going(adapter, target, piece))
    assert (looked.remote_id if isinstance(looked, Receipt) else looked) == found


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500),
        Reply(status=400, json=EXPIRED),
        Reply(status=400, json={"error": {"code": 24, "error_subcode": 2207006}}),
        Reply(status=400, json={"error": {"code": 100, "error_subcode": 33}}),
        Reply(body=b"{"),
        Reply(cut=True),
    ],
    ids=["500", "expired", "gone", "missing", "malformed", "cut"],
)
async def test_a_look_that_cannot_tell_is_unknown(
    adapter: InstagramBusiness,
    scripted_network: ScriptedNetwork,
    target: Target,
    piece: Piece,
    reply: Reply,
) -> None:
    scripted_network.tell("GET", "/v25.0/31", reply)
    scripted_network.tell("GET", "/v25.0/71/comments", reply)
    for each in (piece, COMMENT):
        looked = await adapter.find_published(target, going(adapter, target, each))
        assert looked is NotFound.UNKNOWN


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, "88"),
        ({"username": None, "from": {"id": "5", "username": "bakery"}}, "88"),
        ({"username": "guest"}, NotFound.UNKNOWN),
        ({"timestamp": "2026-11-21T08:58:59+0000"}, NotFound.ABSENT),
        ({"text": "Else"}, NotFound.ABSENT),
    ],
)
async def test_looking_for_a_comment(
    adapter: InstagramBusiness,
    scripted_network: ScriptedNetwork,
    target: Target,
    changes: dict[str, Any],
    found: str | NotFound,
) -> None:
    row = {"id": "88", "text": COMMENT.text, "username": "bakery"}
    row |= {"timestamp": "2026-11-21T09:00:03+0000"} | changes
    scripted_network.tell("GET", "/v25.0/71/comments", Reply(json={"data": [row]}))
    looked = await adapter.find_published(target, going(adapter, target, COMMENT))
    assert (looked.remote_id if isinstance(looked, Receipt) else looked) == found
