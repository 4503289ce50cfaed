"""Mastodon against the sandbox: what is public is asked of its ground truth."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.content import Visibility
from domain.receipts import Receipt
from networks.errors import (
    AccountDisconnected,
    ContentRefused,
    MediaNotReady,
    OutcomeUnknown,
    PreparationLost,
    RateLimited,
)
from networks.http_client import HttpClient
from networks.mastodon.statuses import MastodonStatuses
from networks.protocol import NotFound, Target
from tests.networks.conftest import NewPicture
from tests.networks.outgoing_pieces import a_piece, made_ready, written_down
from tests.networks.sandbox_control import SandboxControl

LOST_AFTER_COMMIT = ["drop_after_commit", "error_after_commit", "malformed_json"]
TEXT = (
    "Fish & chips < 5 £\n\nSee https://www.example.com/a/very/long/path/to/the/menu?a=1&b=2,\n"
    "ask @cook@kitchen.example #fish 🐟"
)


@pytest.fixture
def adapter(http_client: HttpClient) -> MastodonStatuses:
    return MastodonStatuses(
        http_client,
        poll_interval=timedelta(milliseconds=5),
        processing_limit=timedelta(milliseconds=20),
    )


@pytest.fixture
async def target(adapter: MastodonStatuses, sandbox: SandboxControl) -> Target:
    account = await sandbox.connect("mastodon")
    connection = await adapter.connect(account.credentials)
    assert connection.remote_id == account.remote_id
    assert connection.handle == f"{account.handle}@{sandbox.url.removeprefix('http://')}"
    assert connection.limits is not None
    assert connection.limits.max_characters == 500
    return replace(account, credentials=connection.credentials, base_url=connection.base_url)


async def test_text(adapter: MastodonStatuses, target: Target, sandbox: SandboxControl) -> None:
    receipt = await adapter.send(target, await made_ready(adapter, target, a_piece(TEXT)))
    (public,) = await sandbox.truth(target)
    assert (public["id"], public["permalink"]) == (receipt.remote_id, receipt.permalink)
    assert public["text"] == TEXT


async def test_warning_visibility_language_and_images(
    adapter: MastodonStatuses, target: Target, sandbox: SandboxControl, new_picture: NewPicture
) -> None:
    piece = a_piece(
        "Look",
        new_picture(alt_text="A red square"),
        new_picture(),
        content_warning="Squares",
        visibility=Visibility.UNLISTED,
        language="en",
    )
    outgoing = await made_ready(adapter, target, piece)
    assert await sandbox.truth(target) == []
    receipt = await adapter.send(target, outgoing)
    (public,) = await sandbox.truth(target)
    assert [one["alt_text"] for one in public["media"]] == ["A red square", None]
    shown = public["extra"]
    assert (shown["spoiler_text"], shown["sensitive"]) == ("Squares", True)
    assert (shown["visibility"], shown["language"]) == ("unlisted", "en")
    assert await adapter.find_published(target, outgoing) == receipt


async def test_thread(adapter: MastodonStatuses, target: Target, sandbox: SandboxControl) -> None:
    root = await adapter.send(target, await made_ready(adapter, target, a_piece("One")))
    parent = root
    for text in ("Two", "Three"):
        outgoing = await made_ready(adapter, target, a_piece(text), root=root, parent=parent)
        assert await adapter.find_published(target, outgoing) is NotFound.ABSENT
        parent = await adapter.send(target, outgoing)
        assert await adapter.find_published(target, outgoing) == parent
    public = await sandbox.truth(target)
    assert [one["text"] for one in public] == ["One", "Two", "Three"]
    assert [one["parent_id"] for one in public] == [None, public[0]["id"], public[1]["id"]]


@pytest.mark.parametrize("fault", LOST_AFTER_COMMIT)
async def test_lost_answer_is_found_and_sending_again_adds_nothing(
    adapter: MastodonStatuses,
    target: Target,
    sandbox: SandboxControl,
    new_picture: NewPicture,
    fault: str,
) -> None:
    outgoing = await made_ready(adapter, target, a_piece(TEXT, new_picture()))
    await sandbox.order_fault(target, "mastodon", fault, operation="publish")
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, outgoing)
    found = await adapter.find_published(target, outgoing)
    assert isinstance(found, Receipt)
    assert await adapter.send(target, outgoing) == found
    assert [one["id"] for one in await sandbox.truth(target)] == [found.remote_id]


async def test_lost_request_is_absent_and_goes_again(
    adapter: MastodonStatuses, target: Target, sandbox: SandboxControl
) -> None:
    outgoing = await made_ready(adapter, target, a_piece(TEXT))
    await sandbox.order_fault(target, "mastodon", "drop_before_commit", operation="publish")
    with pytest.raises(OutcomeUnknown):
        await adapter.send(target, outgoing)
    assert await adapter.find_published(target, outgoing) is NotFound.ABSENT
    receipt = await adapter.send(target, outgoing)
    assert [one["id"] for one in await sandbox.truth(target)] == [receipt.remote_id]


async def test_status_is_found_behind_many_others(
    adapter: MastodonStatuses, target: Target, sandbox: SandboxControl
) -> None:
    outgoing = await made_ready(adapter, target, a_piece(TEXT))
    receipt = await adapter.send(target, outgoing)
    for number in range(50):
        await adapter.send(target, written_down(adapter, target, a_piece(f"No {number}"), {}))
    assert await adapter.find_published(target, outgoing) == receipt


async def test_rate_limit(
    adapter: MastodonStatuses, target: Target, sandbox: SandboxControl
) -> None:
    outgoing = await made_ready(adapter, target, a_piece(TEXT))
    fault = {"operation": "publish", "retry_after_seconds": 90}
    await sandbox.order_fault(target, "mastodon", "rate_limited", **fault)
    with pytest.raises(RateLimited) as caught:
        await adapter.send(target, outgoing)
    assert timedelta(seconds=85) < caught.value.retry_after <= timedelta(seconds=90)
    assert await sandbox.truth(target) == []


async def test_revoked_token_disconnects(
    adapter: MastodonStatuses, target: Target, sandbox: SandboxControl
) -> None:
    assert (await adapter.refresh(target)).credentials == target.credentials
    await sandbox.order_fault(target, "mastodon", "token_revoked")
    with pytest.raises(AccountDisconnected):
        await adapter.check(target)
    with pytest.raises(AccountDisconnected):
        await adapter.refresh(target)


async def test_slow_media(
    adapter: MastodonStatuses, target: Target, sandbox: SandboxControl, new_picture: NewPicture
) -> None:
    piece = a_piece("Slow", new_picture())
    await sandbox.order_fault(target, "mastodon", "media_processing", polls=2)
    await adapter.send(target, await made_ready(adapter, target, piece))
    await sandbox.order_fault(target, "mastodon", "media_processing")
    with pytest.raises(MediaNotReady):
        await adapter.prepare(target, piece)
    await sandbox.order_fault(target, "mastodon", "media_failed")
    with pytest.raises(ContentRefused):
        await adapter.prepare(target, piece)


async def test_refused_content(
    adapter: MastodonStatuses, target: Target, sandbox: SandboxControl
) -> None:
    gone = Receipt(remote_id="1", permalink=None)
    refused = [
        written_down(adapter, target, a_piece("a" * 501), {}),
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
