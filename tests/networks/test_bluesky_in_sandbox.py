"""Bluesky against the sandbox: what is public is asked of its ground truth."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.receipts import Receipt
from networks.bluesky.posts import BlueskyPosts
from networks.errors import (
    AccountDisconnected,
    ContentRefused,
    CredentialsExpired,
    OutcomeUnknown,
    PreparationLost,
    RateLimited,
)
from networks.http_client import HttpClient
from networks.protocol import NotFound, Target
from tests.networks.conftest import NewPicture
from tests.networks.outgoing_pieces import a_piece, made_ready, written_down
from tests.networks.sandbox_control import SandboxControl

LOST_AFTER_COMMIT = ["drop_after_commit", "error_after_commit", "malformed_json"]
TEXT = "👩‍👩‍👧 Fish & chips, see example.com/menu and #fish"


@pytest.fixture
def adapter(http_client: HttpClient, sandbox_url: str) -> BlueskyPosts:
    return BlueskyPosts(
        http_client,
        base_url=f"{sandbox_url}/bluesky/xrpc",
        permalink_template=f"{sandbox_url}/pages/bluesky/{{handle}}#{{rkey}}",
    )


@pytest.fixture
async def target(adapter: BlueskyPosts, sandbox: SandboxControl) -> Target:
    return await connected(adapter, sandbox)


async def connected(adapter: BlueskyPosts, sandbox: SandboxControl) -> Target:
    """A fresh account, logged in."""
    account = await sandbox.connect("bluesky")
    connection = await adapter.connect(account.credentials)
    assert (connection.remote_id, connection.handle) == (account.remote_id, account.handle)
    assert connection.expires_at is not None
    return replace(account, credentials=connection.credentials, base_url=connection.base_url)


async def test_text_with_facets(
    adapter: BlueskyPosts, target: Target, sandbox: SandboxControl
) -> None:
    receipt = await adapter.send(target, await made_ready(adapter, target, a_piece(TEXT)))
    (public,) = await sandbox.truth(target)
    assert (public["id"], public["permalink"]) == (receipt.remote_id, receipt.permalink)
    assert public["text"] == TEXT
    features = [facet["features"][0] for facet in public["extra"]["facets"]]
    assert [feature.get("uri") or feature.get("tag") for feature in features] == [
        "https://example.com/menu",
        "fish",
    ]


async def test_mention(adapter: BlueskyPosts, target: Target, sandbox: SandboxControl) -> None:
    piece = a_piece("Hello @nobody.example.com")
    assert await adapter.prepare(target, piece) == {"blobs": [], "dids": {}}
    await adapter.send(target, await made_ready(adapter, target, piece))
    (public,) = await sandbox.truth(target)
    assert public["extra"]["facets"] == []


async def test_images_with_alt_text(
    adapter: BlueskyPosts, target: Target, sandbox: SandboxControl, new_picture: NewPicture
) -> None:
    pictures = [new_picture(alt_text=f"A {color} square", color=color) for color in ("red", "blue")]
    outgoing = await made_ready(adapter, target, a_piece("Two", *pictures))
    assert await sandbox.truth(target) == []
    await adapter.send(target, outgoing)
    (public,) = await sandbox.truth(target)
    assert [one["alt_text"] for one in public["media"]] == ["A red square", "A blue square"]


async def test_thread(adapter: BlueskyPosts, target: Target, sandbox: SandboxControl) -> None:
    root = await adapter.send(target, await made_ready(adapter, target, a_piece("One")))
    parent = root
    for text in ("Two", "Three"):
        outgoing = await made_ready(adapter, target, a_piece(text), root=root, parent=parent)
        parent = await adapter.send(target, outgoing)
    public = await sandbox.truth(target)
    assert [one["text"] for one in public] == ["One", "Two", "Three"]
    assert [one["parent_id"] for one in public] == [None, public[0]["id"], public[1]["id"]]


@pytest.mark.parametrize("fault", LOST_AFTER_COMMIT)
async def test_lost_answer_is_found_and_sending_again_adds_nothing(
    adapter: BlueskyPosts,
    target: Target,
    sandbox: SandboxControl,
    new_picture: NewPicture,
    fault: str,
) -> None:
    outgoing = await made_ready(adapter, target, a_piece(TEXT, new_picture()))
    await sandbox.order_fault(target, "bluesky", fault, operation="publish")
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, outgoing)
    found = await adapter.find_published(target, outgoing)
    assert isinstance(found, Receipt)
    assert await adapter.send(target, outgoing) == found
    assert [one["id"] for one in await sandbox.truth(target)] == [found.remote_id]


async def test_lost_request_is_absent_and_goes_again(
    adapter: BlueskyPosts, target: Target, sandbox: SandboxControl
) -> None:
    outgoing = await made_ready(adapter, target, a_piece(TEXT))
    await sandbox.order_fault(target, "bluesky", "drop_before_commit", operation="publish")
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, outgoing)
    assert await adapter.find_published(target, outgoing) is NotFound.ABSENT
    receipt = await adapter.send(target, outgoing)
    assert [one["id"] for one in await sandbox.truth(target)] == [receipt.remote_id]


async def test_key_never_overwrites_another_post(
    adapter: BlueskyPosts, target: Target, sandbox: SandboxControl
) -> None:
    outgoing = await made_ready(adapter, target, a_piece("First"))
    await adapter.send(target, outgoing)
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, replace(outgoing, piece=a_piece("Second")))
    (public,) = await sandbox.truth(target)
    assert public["text"] == "First"


async def test_same_post_with_other_facets_counts_as_sent(
    adapter: BlueskyPosts, target: Target, sandbox: SandboxControl
) -> None:
    outgoing = await made_ready(adapter, target, a_piece("Hello"))
    receipt = await adapter.send(target, outgoing)
    changed = replace(outgoing, piece=a_piece("Hello", language="en"))
    assert await adapter.send(target, changed) == receipt
    assert len(await sandbox.truth(target)) == 1


async def test_rate_limit(adapter: BlueskyPosts, target: Target, sandbox: SandboxControl) -> None:
    outgoing = await made_ready(adapter, target, a_piece(TEXT))
    fault = {"operation": "publish", "retry_after_seconds": 90}
    await sandbox.order_fault(target, "bluesky", "rate_limited", **fault)
    with pytest.raises(RateLimited) as caught:
        await adapter.send(target, outgoing)
    assert caught.value.retry_after == timedelta(seconds=90)
    await sandbox.order_fault(target, "bluesky", "quota_exhausted", operation="publish")
    with pytest.raises(RateLimited) as caught:
        await adapter.send(target, outgoing)
    assert caught.value.retry_after > timedelta(hours=1)


async def test_expired_token_is_renewed(
    adapter: BlueskyPosts, target: Target, sandbox: SandboxControl
) -> None:
    outgoing = await made_ready(adapter, target, a_piece(TEXT))
    await sandbox.order_fault(target, "bluesky", "token_expired", operation="publish")
    with pytest.raises(CredentialsExpired):
        await adapter.send(target, outgoing)
    connection = await adapter.refresh(target)
    renewed = replace(target, credentials=connection.credentials)
    await adapter.send(renewed, outgoing)
    assert len(await sandbox.truth(target)) == 1
    assert await adapter.check(renewed) == connection


async def test_dead_session_is_opened_anew(adapter: BlueskyPosts, target: Target) -> None:
    dead = replace(target, credentials={**target.credentials, "refresh_jwt": "gone"})
    connection = await adapter.refresh(dead)
    assert connection.remote_id == target.remote_id
    await adapter.check(replace(target, credentials=connection.credentials))


async def test_revoked_app_password_disconnects(
    adapter: BlueskyPosts, target: Target, sandbox: SandboxControl
) -> None:
    await sandbox.order_fault(target, "bluesky", "token_revoked")
    with pytest.raises(CredentialsExpired):
        await adapter.check(target)
    with pytest.raises(AccountDisconnected):
        await adapter.refresh(target)
    with pytest.raises(AccountDisconnected):
        await adapter.connect({**target.credentials, "service_url": str(target.base_url)})


async def test_refused_content(
    adapter: BlueskyPosts, target: Target, sandbox: SandboxControl, new_picture: NewPicture
) -> None:
    with pytest.raises(ContentRefused):
        await adapter.send(target, written_down(adapter, target, a_piece("a" * 301), {}))
    piece = a_piece("Picture", new_picture(color="green"))
    await sandbox.order_fault(target, "bluesky", "media_failed")
    outgoing = await made_ready(adapter, target, piece)
    with pytest.raises(PreparationLost):
        await adapter.send(target, outgoing)
    assert await sandbox.truth(target) == []
    await adapter.send(target, await made_ready(adapter, target, piece))
    assert len(await sandbox.truth(target)) == 1
