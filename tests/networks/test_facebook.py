"""Facebook Pages against a server that answers as told: requests, looks, refusals."""

import hashlib
import json
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
    OutcomeUnknown,
    TryLater,
)
from networks.http_client import HttpClient
from networks.meta.facebook import FacebookPages
from networks.protocol import NetworkAdapter, NotFound, Outgoing, Piece, Prepared, Target
from tests.networks.conftest import NewPicture
from tests.networks.scripted_network import Reply, ScriptedNetwork

STARTED = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)
EXPIRED = {"error": {"code": 190, "error_subcode": 463, "message": "Session has expired"}}
ROOT = Receipt(remote_id="1_2", permalink=None)
TEXT = "Open at nine.\nCome in!"


@pytest.fixture
def adapter(http_client: HttpClient, scripted_network: ScriptedNetwork) -> FacebookPages:
    return FacebookPages(
        http_client,
        base_url=f"{scripted_network.base_url}/v25.0/",
        permalink_wait=timedelta(milliseconds=300),
    )


@pytest.fixture
def target() -> Target:
    return Target(
        account_id=uuid4(),
        remote_id="1",
        handle="bakery",
        credentials={"page_id": "1", "access_token": "EAAGsecret"},
    )


def going(
    adapter: FacebookPages, target: Target, piece: Piece, prepared: Prepared | None = None
) -> Outgoing:
    return Outgoing(
        attempt_id=uuid4(),
        started_at=STARTED,
        piece=piece,
        prepared=prepared or {},
        evidence=adapter.write_ahead(target, piece, prepared or {}),
        root=None if piece.kind is PartKind.POST else ROOT,
        parent=None if piece.kind is PartKind.POST else ROOT,
    )


def post(text: str = TEXT, **more: Any) -> Piece:
    return Piece(index=0, kind=PartKind.POST, text=text, **more)


COMMENT = Piece(index=1, kind=PartKind.COMMENT, text="Map in our profile")


def listed(**more: Any) -> dict[str, Any]:
    """One row of published_posts."""
    row = {"id": "1_7", "message": TEXT, "created_time": "2026-11-21T09:00:01+0000"}
    return row | {"permalink_url": "https://facebook.example/7"} | more


def photos(*ids: str) -> dict[str, Any]:
    """`attachments` as Facebook shows one photo, or an album."""
    items = [{"media_type": "photo", "target": {"id": each}} for each in ids]
    if len(items) == 1:
        return {"data": items}
    return {"data": [{"media_type": "album", "subattachments": {"data": items}}]}


def test_it_is_an_adapter(adapter: FacebookPages) -> None:
    seam: NetworkAdapter = adapter
    assert seam.guarantee is Guarantee.SEARCHABLE


async def test_connecting_reads_the_page(
    adapter: FacebookPages, scripted_network: ScriptedNetwork
) -> None:
    page = {"id": "1", "name": "The Bakery", "username": "bakery"}
    scripted_network.tell("GET", "/v25.0/1", Reply(json=page))
    connection = await adapter.connect({"page_id": " 1 ", "access_token": "EAAGsecret"})
    assert (connection.remote_id, connection.handle) == ("1", "bakery")
    assert connection.display_name == "The Bakery"
    assert connection.credentials == {"page_id": "1", "access_token": "EAAGsecret"}
    assert "secret" not in repr(connection)
    assert "secret" not in str(scripted_network.asked[0].query)


@pytest.mark.parametrize(
    ("supplied", "field"),
    [
        ({}, "page_id"),
        ({"page_id": "1"}, "access_token"),
        ({"page_id": "", "access_token": "x"}, "page_id"),
        ({"page_id": "1/../me?", "access_token": "x"}, "page_id"),
    ],
)
async def test_connecting_names_the_field_that_is_missing(
    adapter: FacebookPages, supplied: dict[str, str], field: str
) -> None:
    with pytest.raises(ContentRefused, match=field):
        await adapter.connect(supplied)


@pytest.mark.parametrize(
    "error",
    [{"code": 190}, EXPIRED["error"], {"code": 100, "error_subcode": 33}, {"code": 200}],
    ids=str,
)
async def test_connecting_with_a_refused_token_is_disconnected(
    adapter: FacebookPages, scripted_network: ScriptedNetwork, error: dict[str, Any]
) -> None:
    scripted_network.tell("GET", "/v25.0/1", Reply(status=400, json={"error": error}))
    with pytest.raises(AccountDisconnected):
        await adapter.connect({"page_id": "1", "access_token": "EAAGsecret"})


async def test_checking_tells_an_expired_token(
    adapter: FacebookPages, scripted_network: ScriptedNetwork, target: Target
) -> None:
    scripted_network.tell("GET", "/v25.0/1", Reply(status=400, json=EXPIRED))
    with pytest.raises(CredentialsExpired):
        await adapter.check(target)


async def test_a_page_token_has_no_renewal(adapter: FacebookPages, target: Target) -> None:
    with pytest.raises(AccountDisconnected, match="Connect the page again"):
        await adapter.refresh(target)


async def test_photos_are_uploaded_unpublished(
    adapter: FacebookPages,
    scripted_network: ScriptedNetwork,
    target: Target,
    new_picture: NewPicture,
) -> None:
    scripted_network.tell(
        "POST", "/v25.0/1/photos", Reply(json={"id": "11"}), Reply(json={"id": "12"})
    )
    piece = post(media=(new_picture(alt_text="A loaf"), new_picture()))
    assert adapter.needs_preparation(piece)
    assert await adapter.prepare(target, piece) == {"photos": ["11", "12"]}
    first, second = (asked.body for asked in scripted_network.asked)
    assert b'name="published"\r\n\r\nfalse' in first
    assert b'name="alt_text_custom"\r\n\r\nA loaf' in first
    assert b"Content-Type: image/jpeg" in first
    assert await piece.media[0].read() in first
    assert b"alt_text_custom" not in second


def test_text_and_comments_need_no_preparation(
    adapter: FacebookPages, new_picture: NewPicture
) -> None:
    assert not adapter.needs_preparation(post(link="https://example.org"))
    assert not adapter.needs_preparation(COMMENT)


async def test_photos_with_a_link_are_refused(
    adapter: FacebookPages, target: Target, new_picture: NewPicture
) -> None:
    with pytest.raises(ContentRefused, match="not both"):
        await adapter.prepare(target, post(media=(new_picture(),), link="https://example.org"))


@pytest.mark.parametrize(
    ("piece", "prepared", "form"),
    [
        (post(), {}, {"message": TEXT}),
        (
            post(link="https://example.org"),
            {},
            {"message": TEXT, "link": "https://example.org"},
        ),
        (
            post(),
            {"photos": ["11", "12"]},
            {
                "message": TEXT,
                "attached_media": json.dumps(
                    [{"media_fbid": "11"}, {"media_fbid": "12"}], separators=(",", ":")
                ),
            },
        ),
        (post(""), {"photos": ["11"]}, {"attached_media": '[{"media_fbid":"11"}]'}),
    ],
    ids=["text", "link", "album", "photo without text"],
)
async def test_sending_is_one_small_request(
    adapter: FacebookPages,
    scripted_network: ScriptedNetwork,
    target: Target,
    piece: Piece,
    prepared: Prepared,
    form: dict[str, str],
) -> None:
    scripted_network.tell("POST", "/v25.0/1/feed", Reply(json={"id": "1_7"}))
    scripted_network.tell("GET", "/v25.0/1_7", Reply(json={"permalink_url": "https://f.example/7"}))
    receipt = await adapter.send(target, going(adapter, target, piece, prepared))
    assert receipt == Receipt(remote_id="1_7", permalink=None)
    assert len(scripted_network.asked) == 1
    located = await adapter.locate(target, receipt)
    assert located == Receipt(remote_id="1_7", permalink="https://f.example/7")
    (asked,) = scripted_network.asked_for("POST", "/v25.0/1/feed")
    assert asked.form == form


@pytest.mark.parametrize(
    "reply",
    [Reply(status=500), Reply(status=400, json=EXPIRED), Reply(cut=True), Reply(delay=1)],
    ids=["500", "expired", "cut", "late"],
)
async def test_a_failing_permalink_never_unpublishes(
    adapter: FacebookPages, scripted_network: ScriptedNetwork, target: Target, reply: Reply
) -> None:
    scripted_network.tell("POST", "/v25.0/1/feed", Reply(json={"id": "1_7"}))
    scripted_network.tell("GET", "/v25.0/1_7", reply)
    receipt = await adapter.send(target, going(adapter, target, post()))
    located = await adapter.locate(target, receipt)
    assert located == Receipt(remote_id="1_7", permalink="https://www.facebook.com/1_7")


async def test_a_comment_goes_below_the_post(
    adapter: FacebookPages, scripted_network: ScriptedNetwork, target: Target
) -> None:
    scripted_network.tell("POST", "/v25.0/1_2/comments", Reply(json={"id": "2_9"}))
    receipt = await adapter.send(target, going(adapter, target, COMMENT))
    assert receipt == Receipt(remote_id="2_9", permalink=None)
    assert scripted_network.asked[0].form == {"message": COMMENT.text}


async def test_no_answer_to_the_post_is_unknown(
    adapter: FacebookPages, scripted_network: ScriptedNetwork, target: Target
) -> None:
    scripted_network.tell("POST", "/v25.0/1/feed", Reply(json={"id": "1_7"}, cut=True))
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, going(adapter, target, post()))


async def test_a_passing_fault_with_a_clean_refusal_sent_nothing(
    adapter: FacebookPages, scripted_network: ScriptedNetwork, target: Target
) -> None:
    refused = Reply(status=400, json={"error": {"code": 2, "is_transient": True}})
    scripted_network.tell("POST", "/v25.0/1/feed", refused)
    with pytest.raises(TryLater):
        await adapter.send(target, going(adapter, target, post()))


def test_the_evidence_holds_neither_text_nor_token(adapter: FacebookPages, target: Target) -> None:
    evidence = adapter.write_ahead(target, post(), {"photos": ["11"]})
    assert evidence == {
        "page": "1",
        "fingerprint": hashlib.sha256(b"Open at nine. Come in!").hexdigest(),
        "attachments": 0,
        "photos": ["11"],
    }


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([listed()], "1_7"),
        ([listed(message="Open at nine.  Come in! ")], "1_7"),
        ([listed(created_time="2026-11-21T08:59:00+0000")], "1_7"),
        ([listed(created_time="2026-11-21T08:58:59+0000")], NotFound.ABSENT),
        ([listed(message="Something else")], NotFound.ABSENT),
        ([listed(message="Something else"), listed()], "1_7"),
        ([listed(), listed(id="1_8")], NotFound.UNKNOWN),
        ([listed(message=None)], NotFound.ABSENT),
        ([listed(created_time="yesterday")], NotFound.ABSENT),
        ([], NotFound.ABSENT),
    ],
)
async def test_looking_for_a_text(
    adapter: FacebookPages,
    scripted_network: ScriptedNetwork,
    target: Target,
    rows: list[dict[str, Any]],
    found: str | NotFound,
) -> None:
    scripted_network.tell("GET", "/v25.0/1/published_posts", Reply(json={"data": rows}))
    looked = await adapter.find_published(target, going(adapter, target, post()))
    assert (looked.remote_id if isinstance(looked, Receipt) else looked) == found
    assert scripted_network.asked[0].query["since"] == str(int(STARTED.timestamp()) - 60)


@pytest.mark.parametrize(
    ("text", "row", "found"),
    [
        (TEXT, listed(attachments=photos("11", "12")), "1_7"),
        (TEXT, listed(attachments=photos("12", "11"), message="edited"), "1_7"),
        (TEXT, listed(attachments=photos("91", "92")), "1_7"),
        (TEXT, listed(attachments=photos("91")), NotFound.ABSENT),
        (TEXT, listed(), NotFound.ABSENT),
        ("", listed(attachments=photos("11", "12"), message=None), "1_7"),
        ("", listed(attachments=photos("91", "92"), message=None), NotFound.UNKNOWN),
        ("", listed(attachments=photos("91"), message=None), NotFound.ABSENT),
    ],
)
async def test_looking_for_an_album(
    adapter: FacebookPages,
    scripted_network: ScriptedNetwork,
    target: Target,
    new_picture: NewPicture,
    text: str,
    row: dict[str, Any],
    found: str | NotFound,
) -> None:
    piece = post(text, media=(new_picture(), new_picture()))
    scripted_network.tell("GET", "/v25.0/1/published_posts", Reply(json={"data": [row]}))
    outgoing = going(adapter, target, piece, {"photos": ["11", "12"]})
    looked = await adapter.find_published(target, outgoing)
    assert (looked.remote_id if isinstance(looked, Receipt) else looked) == found


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500),
        Reply(status=400, json=EXPIRED),
        Reply(json={"data": "none"}),
        Reply(json={"data": [1]}),
        Reply(body=b"{"),
        Reply(cut=True),
        Reply(json={"data": [], "paging": {"next": "https://more.example"}}),
        Reply(json={"data": [listed(message=str(number)) for number in range(100)]}),
    ],
    ids=["500", "expired", "no list", "no rows", "malformed", "cut", "more", "full page"],
)
async def test_a_look_that_cannot_tell_is_unknown(
    adapter: FacebookPages, scripted_network: ScriptedNetwork, target: Target, reply: Reply
) -> None:
    scripted_network.tell("GET", "/v25.0/1/published_posts", reply)
    scripted_network.tell("GET", "/v25.0/1_2/comments", reply)
    for piece in (post(), COMMENT):
        looked = await adapter.find_published(target, going(adapter, target, piece))
        assert looked is NotFound.UNKNOWN


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([{"id": "2_9", "message": COMMENT.text, "from": {"id": "1"}}], "2_9"),
        ([{"id": "2_9", "message": COMMENT.text, "from": {"id": "5"}}], NotFound.ABSENT),
        ([{"id": "2_9", "message": COMMENT.text}], NotFound.UNKNOWN),
        ([{"id": "2_9", "message": "Else", "from": {"id": "1"}}], NotFound.ABSENT),
        ([], NotFound.ABSENT),
    ],
)
async def test_looking_for_a_comment(
    adapter: FacebookPages,
    scripted_network: ScriptedNetwork,
    target: Target,
    rows: list[dict[str, Any]],
    found: str | NotFound,
) -> None:
    scripted_network.tell("GET", "/v25.0/1_2/comments", Reply(json={"data": rows}))
    looked = await adapter.find_published(target, going(adapter, target, COMMENT))
    assert (looked.remote_id if isinstance(looked, Receipt) else looked) == found
