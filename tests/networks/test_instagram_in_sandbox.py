"""Instagram against the sandbox, which really fetches the images: what is public is asked of it."""

from datetime import timedelta

import pytest

from domain.content import PartKind
from domain.receipts import Receipt
from networks.errors import (
    AccountDisconnected,
    DuplicateRefused,
    MediaNotReady,
    OutcomeUnknown,
    RateLimited,
    TryLater,
)
from networks.http_client import HttpClient
from networks.meta.instagram import InstagramBusiness
from networks.protocol import NotFound, Piece, Target
from tests.networks.conftest import NewPicture
from tests.networks.outgoing_pieces import a_piece, made_ready
from tests.networks.sandbox_control import SandboxControl

LOST_AFTER_COMMIT = ["drop_after_commit", "error_after_commit", "malformed_json"]
COMMENT = Piece(index=1, kind=PartKind.COMMENT, text="Map in our profile")


@pytest.fixture
def adapter(http_client: HttpClient, sandbox_url: str) -> InstagramBusiness:
    return InstagramBusiness(
        http_client,
        base_url=f"{sandbox_url}/instagram/v25.0",
        poll_interval=timedelta(milliseconds=10),
        processing_limit=timedelta(milliseconds=500),
    )


@pytest.fixture
async def target(sandbox: SandboxControl) -> Target:
    return await sandbox.connect("instagram")


@pytest.fixture
def piece(new_picture: NewPicture) -> Piece:
    return a_piece("Fresh bread", new_picture(alt_text="A loaf"))


async def test_connecting_and_checking(adapter: InstagramBusiness, target: Target) -> None:
    connection = await adapter.connect(target.credentials)
    assert connection.remote_id == target.remote_id
    assert connection.handle == target.handle
    assert await adapter.check(target) == connection


async def test_a_revoked_token_is_disconnected(
    adapter: InstagramBusiness, target: Target, sandbox: SandboxControl
) -> None:
    await sandbox.order_fault(target, "instagram", "token_revoked")
    with pytest.raises(AccountDisconnected):
        await adapter.check(target)


async def test_an_image(
    adapter: InstagramBusiness, target: Target, sandbox: SandboxControl, piece: Piece
) -> None:
    outgoing = await made_ready(adapter, target, piece)
    assert await sandbox.truth(target) == []
    receipt = await adapter.send(target, outgoing)
    (public,) = await sandbox.truth(target)
    assert (public["id"], public["permalink"]) == (receipt.remote_id, receipt.permalink)
    assert public["text"] == "Fresh bread"
    assert [item["alt_text"] for item in public["media"]] == ["A loaf"]


@pytest.mark.parametrize("count", [2, 10])
async def test_a_carousel(
    adapter: InstagramBusiness,
    target: Target,
    sandbox: SandboxControl,
    new_picture: NewPicture,
    count: int,
) -> None:
    pictures = [new_picture(alt_text=f"Loaf {number}") for number in range(count)]
    outgoing = await made_ready(adapter, target, a_piece("Bread", *pictures))
    receipt = await adapter.send(target, outgoing)
    (public,) = await sandbox.truth(target)
    assert public["id"] == receipt.remote_id
    assert [item["alt_text"] for item in public["media"]] == [each.alt_text for each in pictures]


async def test_a_first_comment(
    adapter: InstagramBusiness, target: Target, sandbox: SandboxControl, piece: Piece
) -> None:
    post = await adapter.send(target, await made_ready(adapter, target, piece))
    outgoing = await made_ready(adapter, target, COMMENT, root=post, parent=post)
    assert await adapter.find_published(target, outgoing) is NotFound.ABSENT
    receipt = await adapter.send(target, outgoing)
    _, public = await sandbox.truth(target)
    assert (public["id"], public["parent_id"]) == (receipt.remote_id, post.remote_id)


@pytest.mark.parametrize("kind", LOST_AFTER_COMMIT)
async def test_what_was_published_without_an_answer_is_found(
    adapter: InstagramBusiness, target: Target, sandbox: SandboxControl, piece: Piece, kind: str
) -> None:
    outgoing = await made_ready(adapter, target, piece)
    await sandbox.order_fault(target, "instagram", kind, operation="publish")
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, outgoing)
    (public,) = await sandbox.truth(target)
    found = await adapter.find_published(target, outgoing)
    assert found == Receipt(remote_id=public["id"], permalink=public["permalink"])


async def test_a_comment_published_without_an_answer_is_found(
    adapter: InstagramBusiness, target: Target, sandbox: SandboxControl, piece: Piece
) -> None:
    post = await adapter.send(target, await made_ready(adapter, target, piece))
    outgoing = await made_ready(adapter, target, COMMENT, root=post, parent=post)
    await sandbox.order_fault(target, "instagram", "drop_after_commit", operation="comment")
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, outgoing)
    found = await adapter.find_published(target, outgoing)
    assert isinstance(found, Receipt)
    assert found.remote_id == (await sandbox.truth(target))[1]["id"]


async def test_what_was_dropped_before_is_absent(
    adapter: InstagramBusiness, target: Target, sandbox: SandboxControl, piece: Piece
) -> None:
    outgoing = await made_ready(adapter, target, piece)
    await sandbox.order_fault(target, "instagram", "drop_before_commit", operation="publish")
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, outgoing)
    assert await adapter.find_published(target, outgoing) is NotFound.ABSENT
    await adapter.send(target, outgoing)
    assert len(await sandbox.truth(target)) == 1


async def test_a_container_is_published_once(
    adapter: InstagramBusiness, target: Target, sandbox: SandboxControl, piece: Piece
) -> None:
    outgoing = await made_ready(adapter, target, piece)
    await adapter.send(target, outgoing)
    with pytest.raises(DuplicateRefused):
        await adapter.send(target, outgoing)
    assert len(await sandbox.truth(target)) == 1


async def test_endless_processing_is_not_ready(
    adapter: InstagramBusiness, target: Target, sandbox: SandboxControl, piece: Piece
) -> None:
    await sandbox.order_fault(target, "instagram", "media_processing")
    with pytest.raises(MediaNotReady):
        await adapter.prepare(target, piece)


async def test_failed_processing_is_prepared_again(
    adapter: InstagramBusiness, target: Target, sandbox: SandboxControl, piece: Piece
) -> None:
    await sandbox.order_fault(target, "instagram", "media_failed")
    with pytest.raises(TryLater):
        await adapter.prepare(target, piece)
    await adapter.prepare(target, piece)


async def test_a_used_up_day_waits_an_hour(
    adapter: InstagramBusiness, target: Target, sandbox: SandboxControl, piece: Piece
) -> None:
    outgoing = await made_ready(adapter, target, piece)
    await sandbox.order_fault(target, "instagram", "quota_exhausted", operation="publish")
    with pytest.raises(RateLimited) as caught:
        await adapter.send(target, outgoing)
    assert caught.value.retry_after == timedelta(hours=1)
    assert await adapter.find_published(target, outgoing) is NotFound.ABSENT
