"""Many posts in one request: each checked as one is, all or row by row, and never twice."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.app import BODY_LIMIT
from domain.networks import Network
from storage import batches
from storage.database import Database
from tests.api.test_posts_actors import TOMORROW, Author, accepted, problem, refused
from tests.conftest import Tenant
from tests.sent_statements import sent_to

KEY = "spring-campaign"


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


@pytest.fixture
async def feed(author: Author) -> str:
    """An account of the workspace."""
    return await author.connect(Network.FEED)


async def bulk(author: Author, posts: list[Any], key: str | None = None, **options: Any) -> Any:
    """POST /v1/posts/bulk."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return await author.ask(
        "POST", "/v1/posts/bulk", json={"posts": posts, **options}, headers=headers
    )


def row(*targets: str, **fields: Any) -> dict[str, Any]:
    """A post for tomorrow."""
    return {
        "text": "Bread.",
        "targets": list(targets),
        "publish_at": TOMORROW.isoformat(),
        **fields,
    }


async def test_every_row_becomes_a_post_of_one_batch(author: Author, feed: str) -> None:
    x = await author.connect(Network.X)
    answer = await bulk(author, [row(feed, x, text="One", priority=1), row(feed, text="Two")])
    result = accepted(answer)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/batches/{result['batch_id']}"
    assert (result["accepted"], result["refused"], result["dry_run"]) == (2, 0, False)
    assert [one["index"] for one in result["rows"]] == [0, 1]
    first, second = [await author.show(one["post_id"]) for one in result["rows"]]
    assert (first["text"], first["priority"], len(first["deliveries"])) == ("One", 1, 2)
    assert (second["text"], second["priority"], second["status"]) == ("Two", 3, "scheduled")
    assert {first["batch_id"], second["batch_id"]} == {result["batch_id"]}
    counts = await author.ledger.counts()
    assert counts == {
        "posts": 2,
        "post_revisions": 2,
        "deliveries": 3,
        "timeline": 4,
        "outbox": 2,
        "idempotency_keys": 0,
    }


async def test_a_row_is_a_post_like_any_other(author: Author, feed: str) -> None:
    bread = await author.upload()
    fields = {
        "text": "Brot 🥖\num sieben",
        "media": [{"media_id": bread}],
        "variants": {"feed": {"text": "Brot!"}},
        "publish_at": {"wall_time": f"{TOMORROW:%Y-%m-%dT%H:%M}", "time_zone": "Europe/Berlin"},
    }
    alone = await author.schedule(feed, **fields)
    [told] = accepted(await bulk(author, [row(feed, **fields)]))["rows"]
    post = await author.show(told["post_id"])
    own = {"id", "created_at", "updated_at", "deliveries", "batch_id", "warnings"}
    assert {k: v for k, v in post.items() if k not in own} == {
        k: v for k, v in alone.items() if k not in own
    }
    assert await author.events(post) == await author.events(alone) == ["created", "scheduled"]


async def test_drafts_may_be_among_them(author: Author, feed: str) -> None:
    result = accepted(await bulk(author, [{"text": "Later."}, row(feed)]))
    assert [(await author.show(one["post_id"]))["status"] for one in result["rows"]] == [
        "draft",
        "scheduled",
    ]
    assert len(await author.ledger.rows("outbox")) == 1


async def test_one_refused_row_refuses_all_and_is_named(author: Author, feed: str) -> None:
    x = await author.connect(Network.X)
    answer = await bulk(author, [row(feed), row(feed, x, text="x" * 281), {"priority": 9}])
    assert refused(answer, "posts[1].text", "text_too_long")["limit"] == 280
    assert refused(answer, "posts[2].priority", "less_than_equal")
    assert set((await author.ledger.counts()).values()) == {0}


async def test_row_by_row_the_good_ones_are_kept(author: Author, feed: str) -> None:
    answer = await bulk(
        author,
        [row(feed, text="Good"), row(str(uuid4())), "no post", row(feed, publish_at="2001")],
        mode="per_row",
    )
    result = accepted(answer)
    assert answer.status_code == 201
    assert (result["accepted"], result["refused"]) == (1, 3)
    told = [(one["post_id"] is None, [e["field"] for e in one["errors"]]) for one in result["rows"]]
    assert told == [
        (False, []),
        (True, ["targets[0]"]),
        (True, ["body"]),
        (True, ["publish_at"]),
    ]
    assert all(e["rule"] and e["message"] and e["fix"] for r in result["rows"] for e in r["errors"])
    assert (await author.ledger.counts())["posts"] == 1
    batch = accepted(await author.ask("GET", f"/v1/batches/{result['batch_id']}"))
    assert (batch["size"], batch["source"], batch["posts"]) == (1, "bulk", {"scheduled": 1})


async def test_where_no_row_is_good_there_is_no_batch(author: Author) -> None:
    answer = await bulk(author, [row(str(uuid4())), row()], mode="per_row")
    result = accepted(answer)
    assert (answer.status_code, result["batch_id"], result["refused"]) == (200, None, 2)
    assert accepted(await author.ask("GET", "/v1/batches"))["items"] == []


@pytest.mark.parametrize("mode", ["all_or_nothing", "per_row"])
async def test_a_dry_run_tells_of_every_row_and_saves_nothing(
    author: Author, feed: str, mode: str
) -> None:
    answer = await bulk(author, [row(feed), row(feed, text="")], KEY, mode=mode, dry_run=True)
    result = accepted(answer)
    assert (answer.status_code, result["batch_id"], result["dry_run"]) == (200, None, True)
    assert (result["accepted"], result["refused"]) == (1, 1)
    assert [one["post_id"] for one in result["rows"]] == [None, None]
    assert [one["errors"] == [] for one in result["rows"]] == [True, False]
    assert set((await author.ledger.counts()).values()) == {0}


@pytest.mark.parametrize("mode", ["all_or_nothing", "per_row"])
async def test_the_same_key_and_rows_make_one_batch_and_one_answer(
    author: Author, feed: str, mode: str
) -> None:
    rows = [row(feed), row(feed, variants={"feed": {"text": "B", "language": "en"}})]
    if mode == "per_row":
        rows.append(row())
    first = await bulk(author, rows, KEY, mode=mode)
    before = await author.ledger.counts()
    again = await bulk(author, rows, KEY, mode=mode)
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["Location"] == first.headers["Location"]
    assert await author.ledger.counts() == before
    assert before["idempotency_keys"] == 1


async def test_the_first_answer_stays_when_no_row_would_be_taken_any_more(
    author: Author, feed: str
) -> None:
    rows = [row(feed)]
    first = await bulk(author, rows, KEY, mode="per_row")
    gone = await author.ask("DELETE", f"/v1/accounts/{feed}?force=true")
    assert gone.status_code == 204
    assert accepted(await bulk(author, rows, mode="per_row"))["refused"] == 1
    assert (await bulk(author, rows, KEY, mode="per_row")).content == first.content


async def test_the_key_of_other_rows_is_refused(author: Author, feed: str) -> None:
    accepted(await bulk(author, [row(feed)], KEY))
    refused(await bulk(author, [row(feed, text="Cake.")], KEY), "Idempotency-Key", "reused")
    refused(await bulk(author, [row(feed)], KEY, mode="per_row"), "Idempotency-Key", "reused")
    refused(await author.create(row(feed), KEY), "Idempotency-Key", "reused")


async def test_what_failed_leaves_its_key_free(author: Author, feed: str) -> None:
    refused(await bulk(author, [row(feed, text="")], KEY), "posts[0].text", "text_empty")
    assert (await bulk(author, [row(feed)], KEY)).status_code == 201


async def test_a_thousand_rows_are_taken_and_one_more_is_not(author: Author, feed: str) -> None:
    rows = [row(feed, text=f"Bread {number}.") for number in range(1001)]
    error = refused(await bulk(author, rows), "posts", "too_long")
    assert error["limit"] == 1000
    result = accepted(await bulk(author, rows[:1000], KEY))
    assert len({one["post_id"] for one in result["rows"]}) == result["accepted"] == 1000
    assert (await bulk(author, rows[:1000], KEY)).json() == result


async def test_rows_cost_no_statement_each(author: Author, database: Database, feed: str) -> None:
    x, bread = await author.connect(Network.X), await author.upload()
    costs = []
    for number in (1, 2, 90, 100):
        rows = [row(feed, x, media=[{"media_id": bread}]) for _ in range(number)]
        with sent_to(database) as sent:
            accepted(await bulk(author, rows, str(uuid4())))
        costs.append(len(sent))
    one, two, many, too_many = costs
    # The key, the accounts, the media, what is planned already, the batch, and everything else.
    assert one == two == many <= 6
    assert too_many == many + 1  # where there may be no room, the plans are read


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        ({}, "posts", "missing"),
        ({"posts": []}, "posts", "too_short"),
        ({"posts": None}, "posts", "list_type"),
        ({"posts": {"text": "Bread."}}, "posts", "list_type"),
        ({"posts": [{}], "mode": "some"}, "mode", "enum"),
        ({"posts": [{}], "dry_run": "perhaps"}, "dry_run", "bool_parsing"),
        ({"posts": [{}], "rows": []}, "rows", "extra_forbidden"),
        ({"posts": [{"txet": "Bread."}]}, "posts[0].txet", "extra_forbidden"),
        ({"posts": [{}, {"text": "\u0000"}]}, "posts[1].text", "character_not_allowed"),
        ({"posts": [{"text": "x" * 100_001}]}, "posts[0].text", "string_too_long"),
        ({"posts": [{"variants": {"myspace": {}}}]}, "posts[0].variants.myspace", "enum"),
        ({"posts": [{"publish_at": "now"}]}, "posts[0].targets", "no_target"),
        ({"posts": [{"publish_at": 7}]}, "posts[0].publish_at", "not_a_publish_time"),
        ({"posts": [None]}, "posts[0].body", "model_attributes_type"),
    ],
)
async def test_what_is_wrong_is_named_by_row_and_field(
    author: Author, body: dict[str, Any], field: str, rule: str
) -> None:
    refused(await author.ask("POST", "/v1/posts/bulk", json=body), field, rule)


@pytest.mark.parametrize("field", ["targets", "media"])
async def test_what_belongs_to_another_workspace_is_unknown(
    author: Author,
    client: httpx.AsyncClient,
    database: Database,
    other_workspace: Tenant,
    feed: str,
    field: str,
) -> None:
    rival = Author(client, database, other_workspace)
    if field == "targets":
        rows, where = [row(feed, await rival.connect(Network.X))], "posts[0].targets[1]"
    else:
        media = [{"media_id": await rival.upload()}]
        rows, where = [row(feed, media=media)], "posts[0].media[0].media_id"
    error = refused(
        await bulk(author, rows), where, f"unknown_{field.replace('targets', 'account')}"
    )
    assert "in this workspace" in error["message"]


async def test_an_account_named_twice_in_a_row_is_refused_and_in_two_rows_is_not(
    author: Author, feed: str
) -> None:
    refused(await bulk(author, [row(feed, feed)]), "posts[0].targets[1]", "named_twice")
    accepted(await bulk(author, [row(feed), row(feed)]))


async def test_more_names_than_a_statement_has_places_for_are_only_unknown(author: Author) -> None:
    rows = [row(*[str(uuid4()) for _ in range(50)]) for _ in range(700)]
    told = problem(await bulk(author, rows), 422)
    assert len(told["errors"]) == 100
    assert {error["rule"] for error in told["errors"]} == {"unknown_account"}


async def test_the_time_must_lie_ahead_in_every_row(author: Author, feed: str) -> None:
    passed = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    answer = await bulk(author, [row(feed), row(feed, publish_at=passed)])
    refused(answer, "posts[1].publish_at", "in_the_past")


async def test_its_body_may_be_larger_than_others_and_is_limited_too(
    author: Author, feed: str
) -> None:
    texts = [row(feed, text="x" * 90_000) for _ in range(20)]
    body = {"posts": texts, "dry_run": True}
    assert sum(len(one["text"]) for one in texts) > BODY_LIMIT
    accepted(await author.ask("POST", "/v1/posts/bulk", json=body))
    texts = [row(feed, text="x" * 90_000) for _ in range(100)]
    problem(await author.ask("POST", "/v1/posts/bulk", json={"posts": texts}), 413)


async def test_a_key_that_only_reads_makes_no_batch(
    author: Author, client: httpx.AsyncClient
) -> None:
    made = await author.ask(
        "POST", "/v1/api-keys", json={"name": "reader", "scopes": ["posts:read"]}
    )
    reader = {"Authorization": f"Bearer {accepted(made)['api_key']}"}
    answer = await client.post("/v1/posts/bulk", headers=reader, json={"posts": [{}]})
    problem(answer, 403)


async def test_a_failure_in_the_middle_leaves_nothing(
    author: Author, feed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def create(*given: object, **more: object) -> None:
        """The batch is not written, so its posts refer to nothing: PostgreSQL refuses them."""

    monkeypatch.setattr(batches, "create", create)
    assert (await bulk(author, [row(feed), row(feed)], KEY)).status_code == 500
    assert set((await author.ledger.counts()).values()) == {0}
