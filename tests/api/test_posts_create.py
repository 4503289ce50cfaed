"""A post is accepted: with its deliveries, its time in UTC, and what Temporal has to do."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import httpx
import pytest
from sqlalchemy import literal_column, select

from domain.networks import Network
from storage.database import Database
from storage.posts import new_rows
from storage.tables import DeliveryRow, OutboxRow, PostRevisionRow, PostRow
from tests.api.test_posts_actors import TOMORROW, Author, accepted
from tests.conftest import Tenant

NEXT_YEAR = datetime.now(UTC).year + 1


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


def last_sunday(month: int) -> date:
    """The day on which Europe changes its clocks next year."""
    end = date(NEXT_YEAR, month, 31)
    return end - timedelta(days=(end.weekday() + 1) % 7)


def instant(text: str) -> datetime:
    assert text.endswith("Z"), text
    return datetime.fromisoformat(text)


async def test_a_scheduled_post_has_a_delivery_for_each_account(author: Author) -> None:
    x = await author.connect(Network.X, "bread_on_x")
    feed = await author.connect(Network.FEED)
    answer = await author.create(
        {"text": "Bread at seven.", "targets": [x, feed], "publish_at": TOMORROW.isoformat()}
    )
    post = accepted(answer)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/posts/{post['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert (post["status"], post["revision"], post["priority"]) == ("scheduled", 1, 3)
    assert instant(post["publish_at"]) == TOMORROW
    shown = [(one["account_id"], one["network"], one["handle"]) for one in post["deliveries"]]
    assert shown == [(x, "x", "bread_on_x"), (feed, "feed", "bakery")]
    assert {one["status"] for one in post["deliveries"]} == {"scheduled"}
    assert {one["publish_at"] for one in post["deliveries"]} == {post["publish_at"]}
    assert {one["post_id"] for one in post["deliveries"]} == {post["id"]}
    assert UUID(post["id"]).version == 7


async def test_a_created_post_reads_the_same_afterwards(author: Author) -> None:
    post = await author.schedule(await author.connect(Network.FEED))
    answer = await author.ask("GET", f"/v1/posts/{post['id']}")
    assert answer.json() == post
    assert answer.headers["ETag"] == '"1"'


async def test_everything_an_author_writes_is_shown_back(author: Author) -> None:
    facebook = await author.connect(Network.FACEBOOK)
    mastodon = await author.connect(Network.MASTODON)
    bread = await author.upload()
    fields = {
        "text": "Brot 🥖\num sieben",
        "media": [{"media_id": bread, "alt_text": "Ein Brot"}],
        "language": "de",
        "priority": 1,
        "variants": {
            "mastodon": {
                "text": "Brot!",
                "content_warning": "Gluten",
                "visibility": "unlisted",
                "thread": [{"text": "Und Kuchen.", "media": [{"media_id": bread}]}],
                "media": [],
            },
            "facebook": {"first_comment": "Wo? https://bakery.example"},
        },
    }
    post = await author.schedule(facebook, mastodon, **fields)
    assert {name: post[name] for name in ("text", "media", "language", "priority")} == {
        name: fields[name] for name in ("text", "media", "language", "priority")
    }
    assert post["variants"] == {
        "mastodon": {
            "text": "Brot!",
            "content_warning": "Gluten",
            "visibility": "unlisted",
            "thread": [
                # Left out, so the upload's own.
                {
                    "text": "Und Kuchen.",
                    "media": [{"media_id": bread, "alt_text": "A loaf of bread"}],
                }
            ],
            "media": [],
        },
        "facebook": {"first_comment": "Wo? https://bakery.example"},
    }


async def test_an_alt_text_left_empty_on_purpose_stays_empty(author: Author) -> None:
    bread = await author.upload()
    post = await author.draft(media=[{"media_id": bread, "alt_text": ""}])
    assert post["media"] == [{"media_id": bread, "alt_text": ""}]


async def test_without_a_time_it_is_a_draft_that_nobody_is_told_of(author: Author) -> None:
    post = await author.draft(await author.connect(Network.X), text="x" * 300)
    assert (post["status"], post["publish_at"]) == ("draft", None)
    assert post["deliveries"][0]["publish_at"] is None
    assert await author.events(post) == ["created"]
    assert await author.ledger.rows("outbox") == []


async def test_a_draft_may_be_empty_and_go_nowhere_yet(author: Author) -> None:
    post = await author.draft(text="")
    assert (post["text"], post["deliveries"]) == ("", [])


async def test_scheduling_leaves_one_thing_to_do_for_the_relay(author: Author) -> None:
    post = await author.schedule(await author.connect(Network.FEED))
    [row] = await author.ledger.rows("outbox")
    assert (row["kind"], str(row["subject_id"])) == ("start_post", post["id"])
    assert row["due_at"] == TOMORROW
    assert row["workspace_id"] == author.tenant.id
    assert await author.events(post) == ["created", "scheduled"]


async def test_the_outbox_row_is_written_by_the_transaction_that_writes_the_post(
    author: Author, database: Database
) -> None:
    post = await author.schedule(await author.connect(Network.FEED))
    async with database.transaction() as session:
        transactions: list[str] = [
            (await session.execute(select(literal_column("xmin::text")).where(mine))).scalar_one()
            for mine in (
                PostRow.id == post["id"],
                PostRevisionRow.post_id == post["id"],
                DeliveryRow.post_id == post["id"],
                OutboxRow.subject_id == post["id"],
            )
        ]
    assert len(set(transactions)) == 1


async def test_where_the_outbox_cannot_be_written_there_is_no_post(
    author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = await author.connect(Network.FEED)
    # PostgreSQL itself refuses the row.
    monkeypatch.setattr(new_rows, "outbox_row", lambda post: {"subject_id": str(post.id)})
    answer = await author.create(
        {"text": "Bread.", "targets": [feed], "publish_at": TOMORROW.isoformat()}, "a key"
    )
    assert answer.status_code == 500
    assert set((await author.ledger.counts()).values()) == {0}


@pytest.mark.parametrize("hours", [-9.5, 0, 1, 14])
async def test_an_offset_is_kept_as_utc(author: Author, hours: float) -> None:
    there = TOMORROW.astimezone(timezone(timedelta(hours=hours)))
    post = await author.schedule(await author.connect(Network.FEED), publish_at=there.isoformat())
    assert instant(post["publish_at"]) == TOMORROW
    assert (post["wall_time"], post["time_zone"]) == (None, None)


async def test_fractions_of_a_second_are_kept(author: Author) -> None:
    at = f"{TOMORROW:%Y-%m-%dT%H:%M:%S}.250Z"
    post = await author.schedule(await author.connect(Network.FEED), publish_at=at)
    assert instant(post["publish_at"]) == TOMORROW + timedelta(milliseconds=250)


@pytest.mark.parametrize(
    ("wall_time", "utc"),
    [
        pytest.param(f"{NEXT_YEAR}-07-01T09:00", f"{NEXT_YEAR}-07-01T07:00:00Z", id="summer"),
        pytest.param(f"{NEXT_YEAR}-12-01T09:00:30", f"{NEXT_YEAR}-12-01T08:00:30Z", id="winter"),
        pytest.param(  # 02:30 does not exist: an hour later, 03:30 summer time
            f"{last_sunday(3)}T02:30", f"{last_sunday(3)}T01:30:00Z", id="gap"
        ),
        pytest.param(  # 02:30 comes twice: the first, still summer time
            f"{last_sunday(10)}T02:30", f"{last_sunday(10)}T00:30:00Z", id="fold"
        ),
    ],
)
async def test_a_wall_time_is_resolved_by_the_stated_rule_and_shown_as_it_was_asked_for(
    author: Author, wall_time: str, utc: str
) -> None:
    asked = {"wall_time": wall_time, "time_zone": "Europe/Berlin"}
    post = await author.schedule(await author.connect(Network.FEED), publish_at=asked)
    assert post["publish_at"] == utc
    assert {"wall_time": post["wall_time"], "time_zone": post["time_zone"]} == asked


async def test_the_rule_for_changing_clocks_is_in_the_documentation(author: Author) -> None:
    document = accepted(await author.client.get("/openapi.json"))
    told = document["components"]["schemas"]["WallTime"]["description"]
    assert re.search(r"gap.*moves forward", told)
    assert re.search(r"twice.*\s+.*means the first", told)


async def test_now_is_the_moment_of_the_request(author: Author) -> None:
    before = datetime.now(UTC)
    post = await author.schedule(await author.connect(Network.FEED), publish_at="now")
    assert before <= instant(post["publish_at"]) <= datetime.now(UTC)
    assert post["status"] == "scheduled"


async def test_a_time_that_has_just_passed_still_counts_as_now(author: Author) -> None:
    just_now = datetime.now(UTC) - timedelta(seconds=30)
    post = await author.schedule(
        await author.connect(Network.FEED), publish_at=just_now.isoformat()
    )
    assert instant(post["publish_at"]) == just_now


async def test_nothing_is_asked_of_a_network_or_of_temporal(author: Author) -> None:
    # The networks of these tests are a closed port, and there is no Temporal.
    targets = [await author.connect(network) for network in Network]
    bread = await author.upload()
    post = await author.schedule(*targets, media=[{"media_id": bread}])
    assert len(post["deliveries"]) == len(Network)
