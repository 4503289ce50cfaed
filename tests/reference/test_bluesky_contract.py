"""What Punctual takes for granted of a Bluesky server, asked of the reference server."""

import io
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from domain.receipts import Receipt
from networks.bluesky.posts import BlueskyPosts
from networks.bluesky.tid import TidClock
from networks.errors import (
    AccountBlocked,
    AccountDisconnected,
    ContentRefused,
    CredentialsExpired,
    NetworkError,
    OutcomeUnknown,
    PreparationLost,
)
from networks.http_client import HttpClient
from networks.protocol import MediaFile, NotFound, Target
from tests.networks.outgoing_pieces import a_piece, made_ready, written_down
from tests.reference.reference_server import POST, Owner, ReferenceServer

pytestmark = [pytest.mark.bluesky_reference, pytest.mark.timeout(900)]

MAX_IMAGE = 1_000_000


@pytest.fixture
def tids() -> TidClock:
    """Makes record keys."""
    return TidClock(lambda: datetime.now(UTC))


@pytest.fixture
async def adapter(reference_server: ReferenceServer) -> AsyncIterator[BlueskyPosts]:
    """Bluesky as Punctual speaks it, at that server."""
    http = HttpClient(allow_private_addresses=True)
    yield BlueskyPosts(http, base_url=reference_server.url)
    await http.close()


@pytest.fixture
async def target(adapter: BlueskyPosts, baker: Owner) -> Target:
    """The baker's account, connected."""
    supplied = {"identifier": baker.handle, "app_password": baker.app_password}
    connection = await adapter.connect(supplied)
    assert (connection.remote_id, connection.handle) == (baker.did, baker.handle)
    assert connection.expires_at is not None
    return Target(
        account_id=uuid4(),
        remote_id=connection.remote_id,
        handle=connection.handle,
        credentials=connection.credentials,
        base_url=connection.base_url,
    )


def record(text: str, **more: Any) -> dict[str, Any]:
    """A post's record of this moment."""
    created_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"$type": POST, "text": text, "createdAt": created_at, **more}


def put(owner: Owner, rkey: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """The body of a putRecord that only creates."""
    place = {"repo": owner.did, "collection": POST, "rkey": rkey}
    return {**place, "record": wanted, "swapRecord": None}


def picture(size: int | None = None) -> MediaFile:
    """A small JPEG, filled up to that many bytes."""
    buffer = io.BytesIO()
    Image.effect_noise((32, 32), 60).convert("RGB").save(buffer, "JPEG")
    content = buffer.getvalue()
    if size is not None:
        content += os.urandom(size - len(content))

    async def read() -> bytes:
        return content

    return MediaFile(
        media_id=uuid4(),
        content_type="image/jpeg",
        size=len(content),
        width=32,
        height=32,
        alt_text="Noise",
        public_url="",
        read=read,
    )


async def test_same_record_again_makes_no_commit(
    reference_server: ReferenceServer, baker: Owner, tids: TidClock
) -> None:
    body = put(baker, tids.next(), record("Once"))
    first = await reference_server.ask("repo.putRecord", baker.access_jwt, json=body)
    commit = await reference_server.latest_commit(baker)
    assert first["commit"]["rev"] == commit
    again = await reference_server.ask("repo.putRecord", baker.access_jwt, json=body)
    assert (again["uri"], again["cid"]) == (first["uri"], first["cid"])
    assert "commit" not in again
    assert await reference_server.latest_commit(baker) == commit
    assert len(await reference_server.records(baker)) == 1


async def test_another_record_under_the_key_is_an_invalid_swap(
    reference_server: ReferenceServer, baker: Owner, tids: TidClock
) -> None:
    rkey = tids.next()
    await reference_server.ask(
        "repo.putRecord", baker.access_jwt, json=put(baker, rkey, record("First"))
    )
    commit = await reference_server.latest_commit(baker)
    refused = await reference_server.call(
        "repo.putRecord", baker.access_jwt, json=put(baker, rkey, record("Second"))
    )
    assert (refused.status_code, refused.json()["error"]) == (400, "InvalidSwap")
    assert await reference_server.latest_commit(baker) == commit
    (public,) = await reference_server.records(baker)
    assert public["value"]["text"] == "First"


async def test_create_record_under_a_taken_key_is_a_server_error(
    reference_server: ReferenceServer, baker: Owner, tids: TidClock
) -> None:
    body = put(baker, tids.next(), record("Once"))
    del body["swapRecord"]
    await reference_server.ask("repo.createRecord", baker.access_jwt, json=body)
    clash = await reference_server.call("repo.createRecord", baker.access_jwt, json=body)
    assert (clash.status_code, clash.json()["error"]) == (500, "InternalServerError")
    assert len(await reference_server.records(baker)) == 1


async def test_expired_token_is_a_400(reference_server: ReferenceServer, baker: Owner) -> None:
    expired = reference_server.expired_token(baker)
    refused = await reference_server.call("server.getSession", expired)
    assert (refused.status_code, refused.json()["error"]) == (400, "ExpiredToken")
    foreign = await reference_server.call("server.getSession", "no token at all")
    assert (foreign.status_code, foreign.json()["error"]) == (400, "InvalidToken")
    without = await reference_server.call("server.getSession")
    assert (without.status_code, without.json()["error"]) == (401, "AuthMissing")


async def test_old_refresh_token_answers_the_same_successor(
    reference_server: ReferenceServer, target: Target
) -> None:
    old = target.credentials["refresh_jwt"]
    first = await reference_server.ask("server.refreshSession", old, json=None)
    again = await reference_server.ask("server.refreshSession", old, json=None)
    assert first["refreshJwt"] == again["refreshJwt"] != old


async def test_sending_again_is_the_same_receipt(
    adapter: BlueskyPosts, target: Target, reference_server: ReferenceServer, baker: Owner
) -> None:
    outgoing = await made_ready(adapter, target, a_piece("With a picture", picture()))
    assert await adapter.find_published(target, outgoing) is NotFound.ABSENT
    receipt = await adapter.send(target, outgoing)
    commit = await reference_server.latest_commit(baker)
    assert await adapter.send(target, outgoing) == receipt
    assert await adapter.find_published(target, outgoing) == receipt
    assert await reference_server.latest_commit(baker) == commit
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, replace(outgoing, piece=a_piece("Another"), prepared={}))
    changed = replace(outgoing, piece=a_piece("With a picture", language="en"), prepared={})
    assert await adapter.send(target, changed) == receipt
    (public,) = await reference_server.records(baker)
    assert (public["uri"], public["cid"]) == (receipt.remote_id, receipt.details["cid"])


async def test_expired_token_is_renewed(
    adapter: BlueskyPosts, target: Target, reference_server: ReferenceServer, baker: Owner
) -> None:
    expired = {**target.credentials, "access_jwt": reference_server.expired_token(baker)}
    late = replace(target, credentials=expired)
    outgoing = written_down(adapter, late, a_piece("A little later"), {})
    with pytest.raises(CredentialsExpired) as caught:
        await adapter.send(late, outgoing)
    assert (caught.value.answer.status, caught.value.answer.code) == (400, "ExpiredToken")
    assert await adapter.find_published(late, outgoing) is NotFound.ABSENT
    renewed = replace(late, credentials=(await adapter.refresh(late)).credentials)
    assert isinstance(await adapter.send(renewed, outgoing), Receipt)
    dead = replace(late, credentials={**expired, "refresh_jwt": "gone"})
    assert (await adapter.refresh(dead)).remote_id == baker.did


async def test_revoked_app_password_disconnects(
    adapter: BlueskyPosts, target: Target, reference_server: ReferenceServer, baker: Owner
) -> None:
    await reference_server.revoke_app_password(baker)
    with pytest.raises(AccountDisconnected):
        await adapter.refresh(target)
    # An access token lives on until its hours are over.
    assert (await adapter.check(target)).remote_id == baker.did


@pytest.mark.parametrize(
    ("mistake", "error"),
    [
        ({"text": "a" * 301}, ContentRefused),
        ({"text": "é" * 1501}, ContentRefused),
        ({"text": "Language", "language": "en_AT"}, ContentRefused),
    ],
)
async def test_refused_texts(
    adapter: BlueskyPosts, target: Target, mistake: dict[str, Any], error: type[NetworkError]
) -> None:
    with pytest.raises(error) as caught:
        await adapter.send(target, written_down(adapter, target, a_piece(**mistake), {}))
    assert caught.value.answer.code == "InvalidRequest"


async def test_longest_text_is_taken(adapter: BlueskyPosts, target: Target) -> None:
    for text in ("a" * 300, "👩‍👩‍👧" * 166, "https://, @.com @a..com @a_b.test"):
        assert await adapter.send(target, await made_ready(adapter, target, a_piece(text)))


async def test_image_sizes(adapter: BlueskyPosts, target: Target) -> None:
    largest = await made_ready(adapter, target, a_piece("Largest", picture(MAX_IMAGE)))
    assert await adapter.send(target, largest)
    too_large = await made_ready(adapter, target, a_piece("Too large", picture(MAX_IMAGE + 1)))
    with pytest.raises(ContentRefused):
        await adapter.send(target, too_large)


async def test_forgotten_image_is_prepared_again(
    adapter: BlueskyPosts, target: Target, reference_server: ReferenceServer
) -> None:
    # Blobs belong to the account that they were uploaded to.
    stranger = await reference_server.new_owner()
    supplied = {"identifier": stranger.handle, "app_password": stranger.app_password}
    connection = await adapter.connect(supplied)
    elsewhere = replace(target, remote_id=stranger.did, credentials=connection.credentials)
    outgoing = await made_ready(adapter, target, a_piece("Picture", picture()))
    with pytest.raises(PreparationLost):
        await adapter.send(elsewhere, outgoing)


Closed = Callable[[ReferenceServer, Owner], Awaitable[None]]


@pytest.mark.parametrize(
    ("close", "error"),
    [
        (ReferenceServer.deactivate, AccountDisconnected),
        (ReferenceServer.take_down, AccountBlocked),
        (ReferenceServer.delete, AccountDisconnected),
    ],
)
async def test_closed_account_neither_publishes_nor_hides_what_was_published(
    adapter: BlueskyPosts,
    target: Target,
    reference_server: ReferenceServer,
    baker: Owner,
    close: Closed,
    error: type[NetworkError],
) -> None:
    sent = written_down(adapter, target, a_piece("Before"), {})
    await adapter.send(target, sent)
    await close(reference_server, baker)
    with pytest.raises(error):
        await adapter.send(target, written_down(adapter, target, a_piece("After"), {}))
    with pytest.raises(AccountDisconnected):
        await adapter.find_published(target, sent)
    with pytest.raises(AccountDisconnected):
        await adapter.check(target)
