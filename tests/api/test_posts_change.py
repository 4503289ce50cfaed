"""A post is edited, moved and hurried, by somebody who has seen what they change."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from domain.networks import Network
from storage.database import Database
from tests.api.test_posts_actors import (
    TOMORROW,
    Author,
    PublishingWorker,
    accepted,
    problem,
    refused,
)
from tests.conftest import Tenant

LATER = TOMORROW + timedelta(hours=5)


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


@pytest.fixture
def worker(database: Database) -> PublishingWorker:
    """Publishes meanwhile."""
    return PublishingWorker(database)


async def to_do(author: Author) -> list[tuple[str, dict[str, Any]]]:
    """What the relay was told, in order."""
    return [(row["kind"], row["payload"]) for row in await author.ledger.rows("outbox")]


async def test_the_etag_counts_revisions_and_stands_on_every_answer(author: Author) -> None:
    post = await author.schedule(await author.connect(Network.FEED))
    path = f"/v1/posts/{post['id']}"
    assert (await author.ask("GET", path)).headers["ETag"] == '"1"'
    assert (await author.change(post, text="Rolls.")).headers["ETag"] == '"2"'
    assert (await author.publish_now(post)).headers["ETag"] == '"3"'
    assert (await author.ask("GET", path)).headers["ETag"] == '"3"'
    assert (await author.cancel(post)).headers["ETag"] == '"3"'


async def test_a_change_without_if_match_is_refused(author: Author) -> None:
    post = await author.draft()
    answer = await author.ask("PATCH", f"/v1/posts/{post['id']}", json={"text": "Rolls."})
    assert "If-Match" in problem(answer, 428)["detail"]
    assert await author.show(post["id"]) == post


async def test_a_change_made_from_an_old_revision_is_refused_with_the_current_one(
    author: Author,
) -> None:
    post = await author.draft()
    newer = accepted(await author.change(post, text="Rolls."))
    answer = await author.change(post, text="Cake.")
    assert "revision 2" in problem(answer, 412)["detail"]
    assert answer.headers["ETag"] == '"2"'
    assert await author.show(post["id"]) == newer


@pytest.mark.parametrize("etag", ['"1"', 'W/"1"', "1", ' "1" '])
async def test_an_etag_may_come_back_as_caches_and_people_write_it(
    author: Author, etag: str
) -> None:
    post = await author.draft()
    answer = await author.ask(
        "PATCH", f"/v1/posts/{post['id']}", json={"text": "Rolls."}, headers={"If-Match": etag}
    )
    assert accepted(answer)["revision"] == 2


async def test_of_two_editors_one_wins_and_nobodys_text_is_lost(author: Author) -> None:
    post = await author.draft(text="Bread.")
    answers = await asyncio.gather(
        author.change(post, text="Bread from Ada."), author.change(post, text="Bread from Grace.")
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    winner = next(answer.json() for answer in answers if answer.status_code == 200)
    assert (await author.show(post["id"]))["text"] == winner["text"]
    revisions = await author.ledger.rows("post_revisions")
    assert [row["content"]["base"]["text"] for row in revisions] == ["Bread.", winner["text"]]


async def test_the_second_editor_reads_again_and_both_texts_are_kept(author: Author) -> None:
    post = await author.draft(text="Bread.")
    accepted(await author.change(post, text="Bread from Ada."))
    problem(await author.change(post, text="Bread from Grace."), 412)
    accepted(await author.change(await author.show(post["id"]), text="Bread from both."))
    revisions = await author.ledger.rows("post_revisions")
    texts = [row["content"]["base"]["text"] for row in revisions]
    assert texts == ["Bread.", "Bread from Ada.", "Bread from both."]
    assert [row["revision"] for row in revisions] == [1, 2, 3]
    assert all(row["created_by"] for row in revisions)


async def test_fields_left_out_stay(author: Author) -> None:
    bread = await author.upload()
    mastodon = await author.connect(Network.MASTODON)
    post = await author.schedule(
        mastodon,
        media=[{"media_id": bread, "alt_text": "Bread"}],
        language="en",
        priority=2,
        variants={"mastodon": {"visibility": "unlisted", "media": []}},
        publish_at={"wall_time": f"{LATER:%Y-%m-%dT%H:%M}", "time_zone": "Europe/Berlin"},
    )
    changed = accepted(await author.change(post, text="Rolls."))
    for moved in ("revision", "updated_at"):
        assert changed.pop(moved) != post.pop(moved)
    assert changed == {**post, "text": "Rolls."}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", "Rolls."),
        ("language", "de"),
        ("priority", 5),
        ("link", "https://bakery.example"),
        ("thread", [{"text": "And cake.", "media": []}]),
        ("variants", {"x": {"text": "Rolls!"}, "bluesky": {"thread": []}}),
        ("content_warning", "Gluten"),
        ("visibility", "private"),
        ("first_comment", "Where?"),
    ],
)
async def test_each_field_can_be_changed_and_taken_back(
    author: Author, field: str, value: object
) -> None:
    post = await author.draft()
    changed = accepted(await author.change(post, **{field: value}))
    assert changed[field] == value
    restored = accepted(await author.change(changed, **{field: post[field]}))
    assert restored[field] == post[field]


async def test_media_are_added_described_anew_and_taken_out(author: Author) -> None:
    bread, cake = await author.upload(), await author.upload()
    post = await author.schedule(await author.connect(Network.FEED))
    added = accepted(await author.change(post, media=[{"media_id": bread}, {"media_id": cake}]))
    assert [item["media_id"] for item in added["media"]] == [bread, cake]
    described = accepted(
        await author.change(added, media=[{"media_id": cake, "alt_text": "A cake"}])
    )
    assert described["media"] == [{"media_id": cake, "alt_text": "A cake"}]
    assert accepted(await author.change(described, media=[]))["media"] == []


async def test_a_target_is_added_with_a_delivery_of_its_own(author: Author) -> None:
    feed, x = await author.connect(Network.FEED), await author.connect(Network.X)
    post = await author.schedule(feed)
    changed = accepted(await author.change(post, targets=[feed, x]))
    kept, added = changed["deliveries"]
    assert kept["id"] == post["deliveries"][0]["id"]
    assert (added["account_id"], added["status"]) == (x, "scheduled")
    assert added["publish_at"] == post["publish_at"]


async def test_a_target_taken_out_is_never_published(
    author: Author, worker: PublishingWorker
) -> None:
    feed, x = await author.connect(Network.FEED), await author.connect(Network.X)
    post = await author.schedule(feed, x)
    changed = accepted(await author.change(post, targets=[feed]))
    kept, dropped = changed["deliveries"]
    assert (kept["status"], kept["superseded"]) == ("scheduled", False)
    assert (dropped["status"], dropped["superseded"]) == ("cancelled", True)
    assert changed["status"] == "scheduled"
    with pytest.raises(AssertionError):
        await worker.arm(dropped["id"])


async def test_a_target_taken_out_can_come_back(author: Author) -> None:
    feed, x = await author.connect(Network.FEED), await author.connect(Network.X)
    post = await author.schedule(feed, x)
    without = accepted(await author.change(post, targets=[feed]))
    again = accepted(await author.change(without, targets=[feed, x]))
    current = [one for one in again["deliveries"] if not one["superseded"]]
    assert [(one["account_id"], one["status"]) for one in current] == [
        (feed, "scheduled"),
        (x, "scheduled"),
    ]


async def test_a_new_text_is_checked_for_every_target(author: Author) -> None:
    post = await author.schedule(await author.connect(Network.X))
    before = await author.ledger.counts()
    error = refused(await author.change(post, text="x" * 281), "text", "text_too_long")
    assert (error["limit"], error["actual"]) == (280, 281)
    assert await author.ledger.counts() == before
    assert await author.show(post["id"]) == post


async def test_a_text_edit_takes_the_claim_from_a_worker_that_armed_the_old_one(
    author: Author, worker: PublishingWorker
) -> None:
    post = await author.schedule(await author.connect(Network.FEED))
    armed = await worker.arm(post["deliveries"][0]["id"])
    accepted(await author.change(post, text="Rolls."))
    assert await worker.store.claim(armed, 0, {}, datetime.now(UTC)) is None
    fresh = await worker.arm(post["deliveries"][0]["id"])
    assert fresh.content.text == "Rolls."
    assert fresh.revision == 2


async def test_rescheduling_moves_every_delivery_and_tells_the_relay(author: Author) -> None:
    post = await author.schedule(
        await author.connect(Network.FEED), await author.connect(Network.X)
    )
    moved = accepted(await author.change(post, publish_at=LATER.isoformat()))
    times = {moved["publish_at"], *(one["publish_at"] for one in moved["deliveries"])}
    assert times == {LATER.isoformat().replace("+00:00", "Z")}
    assert [kind for kind, _ in await to_do(author)] == ["start_post", "reschedule_post"]
    assert (await author.ledger.rows("outbox"))[-1]["due_at"] == LATER
    assert await author.events(post) == ["created", "scheduled", "rescheduled"]


async def test_a_worker_that_armed_the_old_time_loses_its_claim(
    author: Author, worker: PublishingWorker
) -> None:
    post = await author.schedule(await author.connect(Network.FEED))
    armed = await worker.arm(post["deliveries"][0]["id"])
    accepted(await author.change(post, publish_at=LATER.isoformat()))
    assert await worker.store.claim(armed, 0, {}, datetime.now(UTC)) is None


async def test_a_wall_time_gives_way_to_an_instant(author: Author) -> None:
    wall = {"wall_time": f"{LATER:%Y-%m-%dT%H:%M}", "time_zone": "Asia/Tokyo"}
    post = await author.schedule(await author.connect(Network.FEED), publish_at=wall)
    moved = accepted(await author.change(post, publish_at=LATER.isoformat()))
    assert (moved["wall_time"], moved["time_zone"]) == (None, None)


async def test_a_draft_is_scheduled_by_giving_it_a_time(author: Author) -> None:
    draft = await author.draft(await author.connect(Network.FEED))
    post = accepted(await author.change(draft, publish_at=TOMORROW.isoformat()))
    assert post["status"] == "scheduled"
    assert post["deliveries"][0]["publish_at"] == post["publish_at"]
    assert [kind for kind, _ in await to_do(author)] == ["reschedule_post"]
    assert await author.events(post) == ["created", "scheduled"]


async def test_a_draft_that_goes_nowhere_cannot_be_scheduled(author: Author) -> None:
    draft = await author.draft()
    refused(await author.change(draft, publish_at=TOMORROW.isoformat()), "targets", "no_target")
    refused(await author.publish_now(draft), "targets", "no_target")
    assert (await author.show(draft["id"]))["status"] == "draft"


async def test_a_post_without_a_time_is_a_draft_again_and_its_workflow_is_stopped(
    author: Author, worker: PublishingWorker
) -> None:
    post = await author.schedule(await author.connect(Network.FEED))
    armed = await worker.arm(post["deliveries"][0]["id"])
    draft = accepted(await author.change(post, publish_at=None))
    assert (draft["status"], draft["publish_at"]) == ("draft", None)
    [delivery] = draft["deliveries"]
    assert (delivery["id"], delivery["status"]) == (post["deliveries"][0]["id"], "scheduled")
    assert delivery["publish_at"] is None
    assert (await to_do(author))[1:] == [("cancel_deliveries", {"deliveries": [delivery["id"]]})]
    assert await worker.store.claim(armed, 0, {}, datetime.now(UTC)) is None


async def test_editing_a_draft_tells_nobody(author: Author) -> None:
    draft = await author.draft(await author.connect(Network.FEED))
    accepted(await author.change(draft, text="Rolls.", publish_at=None))
    assert await to_do(author) == []
    assert await author.events(draft) == ["created", "edited"]


@pytest.mark.parametrize("make", [Author.draft, Author.schedule])
async def test_publish_now_moves_a_post_or_a_draft_to_this_moment(
    author: Author, make: Callable[..., Awaitable[dict[str, Any]]]
) -> None:
    post = await make(author, await author.connect(Network.FEED))
    before = datetime.now(UTC)
    now = accepted(await author.publish_now(post))
    assert before <= datetime.fromisoformat(now["publish_at"]) <= datetime.now(UTC)
    assert now["status"] == "scheduled"
    assert now["deliveries"][0]["publish_at"] == now["publish_at"]
    assert (await to_do(author))[-1] == ("reschedule_post", {"now": True})


async def test_publish_now_checks_what_a_draft_was_spared(author: Author) -> None:
    draft = await author.draft(await author.connect(Network.X), text="x" * 281)
    refused(await author.publish_now(draft), "text", "text_too_long")
    assert await author.show(draft["id"]) == draft


async def test_publish_now_does_not_wait_for_a_retry_time(
    author: Author, worker: PublishingWorker
) -> None:
    post = await author.schedule(await author.connect(Network.FEED))
    await worker.defer(post["deliveries"][0]["id"])
    [delivery] = accepted(await author.publish_now(post))["deliveries"]
    assert (delivery["status"], delivery["deferred_until"], delivery["reason"]) == (
        "scheduled",
        None,
        None,
    )


async def test_a_cancelled_delivery_stays_cancelled_when_the_rest_of_the_post_changes(
    author: Author,
) -> None:
    feed, x = await author.connect(Network.FEED), await author.connect(Network.X)
    post = await author.schedule(feed, x)
    on_x = post["deliveries"][1]["id"]
    accepted(await author.ask("POST", f"/v1/deliveries/{on_x}/cancel"))
    # Too long for X, which no longer takes part.
    changed = accepted(await author.change(post, text="x" * 281, publish_at=LATER.isoformat()))
    assert [one["status"] for one in changed["deliveries"]] == ["scheduled", "cancelled"]
    assert changed["status"] == "scheduled"
    hurried = accepted(await author.publish_now(post))
    assert [one["status"] for one in hurried["deliveries"]] == ["scheduled", "cancelled"]


async def test_an_account_whose_delivery_was_cancelled_can_be_named_again(author: Author) -> None:
    feed, x = await author.connect(Network.FEED), await author.connect(Network.X)
    post = await author.schedule(feed, x)
    on_x = post["deliveries"][1]["id"]
    accepted(await author.ask("POST", f"/v1/deliveries/{on_x}/cancel"))
    changed = accepted(await author.change(post, targets=[feed, x]))
    current = [one for one in changed["deliveries"] if not one["superseded"]]
    assert [(one["account_id"], one["status"]) for one in current] == [
        (feed, "scheduled"),
        (x, "scheduled"),
    ]
    assert on_x not in {one["id"] for one in current}
