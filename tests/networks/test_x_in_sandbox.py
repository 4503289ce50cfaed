"""X against the sandbox: what is public is asked of its ground truth."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from PIL import Image

from domain.receipts import Receipt
from networks.errors import (
    AccountDisconnected,
    ContentRefused,
    CredentialsExpired,
    DuplicateRefused,
    MediaNotReady,
    OutcomeUnknown,
    PreparationLost,
    RateLimited,
)
from networks.http_client import HttpClient
from networks.protocol import NotFound, Target
from networks.x.posts import XPosts
from tests.networks.conftest import NewPicture
from tests.networks.outgoing_pieces import a_piece, made_ready, written_down
from tests.networks.sandbox_control import SandboxControl

LOST_AFTER_COMMIT = ["drop_after_commit", "error_after_commit", "malformed_json"]
TEXT = "Fish & chips < 5 £, see example.com/menu?a=1&b=2 and https://example.org 🐟"


@pytest.fixture
def adapter(http_client: HttpClient, sandbox_url: str) -> XPosts:
    return XPosts(
        http_client,
        base_url=f"{sandbox_url}/x/2",
        permalink_template=f"{sandbox_url}/pages/x/{{handle}}#{{id}}",
        poll_interval=timedelta(milliseconds=5),
        processing_limit=timedelta(milliseconds=20),
    )


@pytest.fixture
async def target(adapter: XPosts, sandbox: SandboxControl) -> Target:
    account = await sandbox.connect("x")
    supplied = {name: str(value) for name, value in account.credentials.items()}
    connection = await adapter.connect(supplied)
    assert (connection.remote_id, connection.handle) == (account.remote_id, account.handle)
    assert connection.expires_at is not None
    return replace(account, credentials=connection.credentials)


async def test_text(adapter: XPosts, target: Target, sandbox: SandboxControl) -> None:
    receipt = await adapter.send(target, await made_ready(adapter, target, a_piece(TEXT)))
    (public,) = await sandbox.truth(target)
    assert (public["id"], public["permalink"]) == (receipt.remote_id, receipt.permalink)
    assert public["text"] == TEXT


async def test_images_with_alt_text(
    adapter: XPosts, target: Target, sandbox: SandboxControl, new_picture: NewPicture
) -> None:
    pictures = [new_picture(alt_text=f"Square {number}") for number in range(4)]
    outgoing = await made_ready(adapter, target, a_piece("Four", *pictures))
    assert await sandbox.truth(target) == []
    receipt = await adapter.send(target, outgoing)
    (public,) = await sandbox.truth(target)
    assert public["id"] == receipt.remote_id
    assert [one["alt_text"] for one in public["media"]] == [one.alt_text for one in pictures]


async def test_gif(
    adapter: XPosts, target: Target, sandbox: SandboxControl, new_picture: NewPicture
) -> None:
    noise = Image.effect_noise((1300, 1300), 90)
    buffer = io.BytesIO()
    noise.save(buffer, "GIF")
    content = buffer.getvalue()
    assert len(content) > 1024 * 1024

    async def read() -> bytes:
        return content

    gif = replace(new_picture(alt_text="Noise"), content_type="image/gif", read=read)
    await adapter.send(target, await made_ready(adapter, target, a_piece("Look", gif)))
    (public,) = await sandbox.truth(target)
    assert [(one["content_type"], one["alt_text"]) for one in public["media"]] == [
        ("image/gif", "Noise")
    ]


async def test_thread(
    adapter: XPosts, target: Target, sandbox: SandboxControl, new_picture: NewPicture
) -> None:
    root = await adapter.send(target, await made_ready(adapter, target, a_piece("One")))
    parent = root
    for piece in (a_piece("Two", new_picture()), a_piece("Three")):
        outgoing = await made_ready(adapter, target, piece, root=root, parent=parent)
        parent = await adapter.send(target, outgoing)
        assert await adapter.find_published(target, outgoing) == parent
    public = await sandbox.truth(target)
    assert [one["text"] for one in public] == ["One", "Two", "Three"]
    assert [one["parent_id"] for one in public] == [None, public[0]["id"], public[1]["id"]]


@pytest.mark.parametrize("fault", LOST_AFTER_COMMIT)
@pytest.mark.parametrize("pictures", [0, 2])
async def test_lost_answer_is_found(
    adapter: XPosts,
    target: Target,
    sandbox: SandboxControl,
    new_picture: NewPicture,
    fault: str,
    pictures: int,
) -> None:
    piece = a_piece(TEXT, *(new_picture() for _ in range(pictures)))
    outgoing = await made_ready(adapter, target, piece)
    await sandbox.order_fault(target, "x", fault, operation="publish")
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, outgoing)
    found = await adapter.find_published(target, outgoing)
    (public,) = await sandbox.truth(target)
    assert isinstance(found, Receipt)
    assert found.remote_id == public["id"]
    with pytest.raises(DuplicateRefused):
        await adapter.send(target, outgoing)


async def test_lost_request_is_absent_and_may_go_again(
    adapter: XPosts, target: Target, sandbox: SandboxControl
) -> None:
    outgoing = await made_ready(adapter, target, a_piece(TEXT))
    await sandbox.order_fault(target, "x", "drop_before_commit", operation="publish")
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, outgoing)
    assert await adapter.find_published(target, outgoing) is NotFound.ABSENT
    receipt = await adapter.send(target, outgoing)
    assert [one["id"] for one in await sandbox.truth(target)] == [receipt.remote_id]


async def test_post_is_found_behind_many_others(
    adapter: XPosts, target: Target, sandbox: SandboxControl
) -> None:
    outgoing = await made_ready(adapter, target, a_piece(TEXT))
    receipt = await adapter.send(target, outgoing)
    for number in range(99):
        await adapter.send(target, written_down(adapter, target, a_piece(f"No {number}"), {}))
    with pytest.raises(RateLimited) as caught:
        await adapter.send(target, written_down(adapter, target, a_piece("One more"), {}))
    assert timedelta(minutes=14) < caught.value.retry_after <= timedelta(minutes=15, seconds=1)
    assert await adapter.find_published(target, outgoing) == receipt
    assert len(await sandbox.truth(target)) == 100


async def test_rate_limit(adapter: XPosts, target: Target, sandbox: SandboxControl) -> None:
    outgoing = await made_ready(adapter, target, a_piece(TEXT))
    await sandbox.order_fault(
        target, "x", "rate_limited", operation="publish", retry_after_seconds=90
    )
    with pytest.raises(RateLimited) as caught:
        await adapter.send(target, outgoing)
    assert timedelta(seconds=85) < caught.value.retry_after <= timedelta(seconds=92)
    await sandbox.order_fault(target, "x", "quota_exhausted", operation="publish")
    with pytest.raises(RateLimited) as caught:
        await adapter.send(target, outgoing)
    assert caught.value.retry_after > timedelta(hours=23)
    assert await sandbox.truth(target) == []


async def test_expired_token_is_renewed(
    adapter: XPosts, target: Target, sandbox: SandboxControl
) -> None:
    outgoing = await made_ready(adapter, target, a_piece(TEXT))
    await sandbox.order_fault(target, "x", "token_expired", operation="publish")
    with pytest.raises(CredentialsExpired):
        await adapter.send(target, outgoing)
    connection = await adapter.refresh(target)
    renewed = replace(target, credentials=connection.credentials)
    await adapter.send(renewed, outgoing)
    assert len(await sandbox.truth(target)) == 1
    assert (await adapter.check(renewed)).expires_at == connection.expires_at
    # The old refresh token has worked once; its second use ends all that came of it.
    with pytest.raises(AccountDisconnected):
        await adapter.refresh(target)
    with pytest.raises(AccountDisconnected):
        await adapter.refresh(renewed)


async def test_revoked_token_disconnects(
    adapter: XPosts, target: Target, sandbox: SandboxControl
) -> None:
    await sandbox.order_fault(target, "x", "token_revoked")
    with pytest.raises(CredentialsExpired):
        await adapter.check(target)
    with pytest.raises(AccountDisconnected):
        await adapter.refresh(target)
    with pytest.raises(AccountDisconnected):
        await adapter.connect(target.credentials)


async def test_slow_media(
    adapter: XPosts, target: Target, sandbox: SandboxControl, new_picture: NewPicture
) -> None:
    piece = a_piece("Slow", new_picture())
    await sandbox.order_fault(target, "x", "media_processing", polls=2)
    await adapter.send(target, await made_ready(adapter, target, piece))
    await sandbox.order_fault(target, "x", "media_processing")
    with pytest.raises(MediaNotReady):
        await adapter.prepare(target, piece)
    await sandbox.order_fault(target, "x", "media_failed")
    with pytest.raises(ContentRefused):
        await adapter.prepare(target, piece)


async def test_refused_content(
    adapter: XPosts, target: Target, sandbox: SandboxControl, new_picture: NewPicture
) -> None:
    gone = Receipt(remote_id="1", permalink=None)
    refused = [
        written_down(adapter, target, a_piece("a" * 281), {}),
        written_down(adapter, target, a_piece("$TSLA $AAPL"), {}),
        written_down(adapter, target, a_piece("Reply"), {}, root=gone, parent=gone),
    ]
    for outgoing in refused:
        with pytest.raises(ContentRefused):
            await adapter.send(target, outgoing)
    with pytest.raises(PreparationLost):
        await adapter.send(
            target, written_down(adapter, target, a_piece("Pic"), {"media_ids": ["1"]})
        )
    assert await sandbox.truth(target) == []
