"""Facebook Pages against the sandbox: what is public is asked of its ground truth."""

from datetime import timedelta

import pytest

from domain.content import PartKind
from domain.receipts import Receipt
from networks.errors import (
    AccountDisconnected,
    DuplicateRefused,
    OutcomeUnknown,
    RateLimited,
    TryLater,
)
from networks.http_client import HttpClient
from networks.meta.facebook import FacebookPages
from networks.protocol import NotFound, Piece, Target
from tests.networks.conftest import NewPicture
from tests.networks.outgoing_pieces import a_piece, made_ready
from tests.networks.sandbox_control import SandboxControl

LOST_AFTER_COMMIT = ["drop_after_commit", "error_after_commit", "malformed_json"]
COMMENT = Piece(index=1, kind=PartKind.COMMENT, text="Map in our profile")


@pytest.fixture
def adapter(http_client: HttpClient, sandbox_url: str) -> FacebookPages:
    return FacebookPages(http_client, base_url=f"{sandbox_url}/facebook/v25.0")


@pytest.fixture
async def target(sandbox: SandboxControl) -> Target:
    return await sandbox.connect("facebook")


async def test_connecting_and_checking(adapter: FacebookPages, target: Target) -> None:
    connection = await adapter.connect(target.credentials)
    assert connection.remote_id == target.remote_id
    assert connection.handle == target.handle
    assert await adapter.check(target) == connection


async def test_a_revoked_token_is_disconnected(
    adapter: FacebookPages, target: Target, sandbox: SandboxControl
) -> None:
    await sandbox.order_fault(target, "facebook", "token_revoked")
    with pytest.raises(AccountDisconnected):
        await adapter.check(target)


async def test_a_text_with_a_link(
    adapter: FacebookPages, target: Target, sandbox: SandboxControl
) -> None:
    piece = a_piece("Open at nine", link="https://example.org/bread")
    sent = await adapter.send(target, await made_ready(adapter, target, piece))
    receipt = await adapter.locate(target, sent)
    (public,) = await sandbox.truth(target)
    assert (public["id"], public["permalink"]) == (receipt.remote_id, receipt.permalink)
    assert public["text"] == "Open at nine"
    assert public["extra"] == {"link": "https://example.org/bread"}


@pytest.mark.parametrize("count", [1, 3, 10])
async def test_photos_with_their_alt_texts(
    adapter: FacebookPages,
    target: Target,
    sandbox: SandboxControl,
    new_picture: NewPicture,
    count: int,
) -> None:
    pictures = [new_picture(alt_text=f"Loaf {number}") for number in range(count)]
    outgoing = await made_ready(adapter, target, a_piece("Bread", *pictures))
    assert await sandbox.truth(target) == []
    receipt = await adapter.send(target, outgoing)
    (public,) = await sandbox.truth(target)
    assert public["id"] == receipt.remote_id
    assert [item["alt_text"] for item in public["media"]] == [each.alt_text for each in pictures]


async def test_a_first_comment(
    adapter: FacebookPages, target: Target, sandbox: SandboxControl
) -> None:
    post = await adapter.send(target, await made_ready(adapter, target, a_piece("Open")))
    outgoing = await made_ready(adapter, target, COMMENT, root=post, parent=post)
    assert await adapter.find_published(target, outgoing) is NotFound.ABSENT
    receipt = await adapter.send(target, outgoing)
    _, public = await sandbox.truth(target)
    assert (public["id"], public["kind"]) == (receipt.remote_id, "comment")
    assert public["parent_id"] == post.remote_id
    found = await adapter.find_published(target, outgoing)
    assert isinstance(found, Receipt)
    assert found.remote_id == receipt.remote_id


@pytest.mark.parametrize("kind", LOST_AFTER_COMMIT)
@pytest.mark.parametrize("photos", [0, 1, 3])
async def test_what_was_published_without_an_answer_is_found(
    adapter: FacebookPages,
    target: Target,
    sandbox: SandboxControl,
    new_picture: NewPicture,
    kind: str,
    photos: int,
) -> None:
    piece = a_piece("Bread", *(new_picture() for _ in range(photos)))
    outgoing = await made_ready(adapter, target, piece)
    await sandbox.order_fault(target, "facebook", kind, operation="publish")
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, outgoing)
    (public,) = await sandbox.truth(target)
    found = await adapter.find_published(target, outgoing)
    assert isinstance(found, Receipt)
    assert (found.remote_id, found.permalink) == (public["id"], public["permalink"])


async def test_a_comment_published_without_an_answer_is_found(
    adapter: FacebookPages, target: Target, sandbox: SandboxControl
) -> None:
    post = await adapter.send(target, await made_ready(adapter, target, a_piece("Open")))
    outgoing = await made_ready(adapter, target, COMMENT, root=post, parent=post)
    await sandbox.order_fault(target, "facebook", "drop_after_commit", operation="comment")
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, outgoing)
    found = await adapter.find_published(target, outgoing)
    assert isinstance(found, Receipt)
    assert found.remote_id == (await sandbox.truth(target))[1]["id"]


@pytest.mark.parametrize("photos", [0, 2])
async def test_what_was_dropped_before_is_absent(
    adapter: FacebookPages,
    target: Target,
    sandbox: SandboxControl,
    new_picture: NewPicture,
    photos: int,
) -> None:
    piece = a_piece("Bread", *(new_picture() for _ in range(photos)))
    outgoing = await made_ready(adapter, target, piece)
    await sandbox.order_fault(target, "facebook", "drop_before_commit", operation="publish")
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, outgoing)
    assert await adapter.find_published(target, outgoing) is NotFound.ABSENT
    await adapter.send(target, outgoing)
    assert len(await sandbox.truth(target)) == 1


async def test_the_same_text_twice_in_a_row_is_a_duplicate(
    adapter: FacebookPages, target: Target, sandbox: SandboxControl
) -> None:
    outgoing = await made_ready(adapter, target, a_piece("Open"))
    receipt = await adapter.send(target, outgoing)
    with pytest.raises(DuplicateRefused):
        await adapter.send(target, outgoing)
    found = await adapter.find_published(target, outgoing)
    assert isinstance(found, Receipt)
    assert found.remote_id == receipt.remote_id
    assert len(await sandbox.truth(target)) == 1


async def test_the_same_album_twice_is_a_duplicate(
    adapter: FacebookPages, target: Target, new_picture: NewPicture
) -> None:
    piece = a_piece("Bread", new_picture(), new_picture())
    outgoing = await made_ready(adapter, target, piece)
    await adapter.send(target, outgoing)
    with pytest.raises(DuplicateRefused):
        await adapter.send(target, outgoing)


async def test_a_limit_names_its_wait(
    adapter: FacebookPages, target: Target, sandbox: SandboxControl
) -> None:
    outgoing = await made_ready(adapter, target, a_piece("Open"))
    await sandbox.order_fault(
        target, "facebook", "rate_limited", operation="publish", retry_after_seconds=1500
    )
    with pytest.raises(RateLimited) as caught:
        await adapter.send(target, outgoing)
    assert caught.value.retry_after == timedelta(minutes=25)
    assert await sandbox.truth(target) == []


async def test_a_dropped_upload_is_tried_later(
    adapter: FacebookPages, target: Target, sandbox: SandboxControl, new_picture: NewPicture
) -> None:
    await sandbox.order_fault(target, "facebook", "drop_after_commit", operation="upload")
    with pytest.raises(TryLater):
        await made_ready(adapter, target, a_piece("Bread", new_picture()))
    assert await sandbox.truth(target) == []
