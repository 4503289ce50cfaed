"""`/v1/notifications` as its owner, and others, meet it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import insert, text

from domain.ids import new_id
from domain.notifications import NotificationKind
from realtime.bus import LiveBus
from runtime.resources import Resources
from storage.database import Database
from storage.notifications import deciding, reading
from storage.tables import NotificationRow, UserRow
from tests.api.conftest import NewPerson, Person
from tests.jobs.told import Heard, Told
from tests.sent_statements import sent_to, whole_reads

NOBODY = UUID("8f14e45f-ceea-467f-8b5a-1d0b3c7d9e21")
"""Whose id nothing has; a fixed one, so that every process names its tests alike."""

LIKE = NotificationKind.LIKE
PATH = "/v1/notifications"


@pytest.fixture
def heard() -> Heard:
    """What sockets were told."""
    return Heard()


@pytest.fixture
def told(database: Database, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> Told:
    """What people are told, without waiting for more."""
    monkeypatch.setattr(deciding, "GATHERED", timedelta(0))
    return Told(database, cast("LiveBus", heard))


async def listed(client: httpx.AsyncClient, person: Person, **query: Any) -> dict[str, Any]:
    answer = await client.get(PATH, params=query, headers=person.headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def like(told: Told, fan: Person, author: Person) -> UUID:
    post = new_id()
    await told.act(LIKE, fan.user_id, post, author.user_id)
    await told.happen()
    return post


async def unread(client: httpx.AsyncClient, person: Person) -> int:
    answer = await client.get(f"{PATH}/unread", headers=person.headers)
    return int(answer.json()["unread"])


async def test_shows_what_sockets_were_told(
    client: httpx.AsyncClient, told: Told, heard: Heard, user: Person, other_user: Person
) -> None:
    post = await like(told, other_user, user)
    (shown,) = (await listed(client, user))["items"]
    assert shown["kind"] == "like"
    assert shown["subject_id"] == str(post)
    assert shown["actors"] == [
        {
            "user_id": str(other_user.user_id),
            "handle": other_user.handle,
            "display_name": other_user.display_name,
        }
    ]
    assert (shown["actor_count"], shown["event_count"], shown["read"]) == (1, 1, False)
    ((_, _, told_live),) = heard.told
    assert set(told_live) == {*shown, "unread"}
    assert str(told_live["position"]) == shown["position"]


async def test_pages_show_each_once_while_news_comes_in(
    client: httpx.AsyncClient, told: Told, user: Person, other_user: Person
) -> None:
    posts = [await like(told, other_user, user) for _ in range(5)]
    first = await listed(client, user, limit=2)
    newest = await like(told, other_user, user)
    second = await listed(client, user, limit=2, cursor=first["next_cursor"])
    third = await listed(client, user, limit=2, cursor=second["next_cursor"])
    shown = [one["subject_id"] for page in (first, second, third) for one in page["items"]]
    assert shown == [str(post) for post in reversed(posts)]
    assert third["next_cursor"] is None
    assert (await listed(client, user))["items"][0]["subject_id"] == str(newest)


async def test_is_empty_for_who_was_told_nothing(client: httpx.AsyncClient, user: Person) -> None:
    assert await listed(client, user) == {"items": [], "next_cursor": None}
    assert await unread(client, user) == 0


async def test_reading_one_leaves_the_others(
    client: httpx.AsyncClient, told: Told, user: Person, other_user: Person
) -> None:
    for _ in range(3):
        await like(told, other_user, user)
    chosen = (await listed(client, user))["items"][1]
    for _ in range(2):
        answer = await client.post(f"{PATH}/{chosen['id']}/read", headers=user.headers)
        assert (answer.status_code, answer.json()) == (200, {"unread": 2})
    assert [one["read"] for one in (await listed(client, user))["items"]] == [False, True, False]


async def test_reading_up_to_a_position_leaves_what_came_since(
    client: httpx.AsyncClient, told: Told, user: Person, other_user: Person, new_user: NewPerson
) -> None:
    post, _ = await like(told, other_user, user), await like(told, other_user, user)
    seen = (await listed(client, user))["items"][0]
    await told.act(LIKE, (await new_user("edsger")).user_id, post, user.user_id)
    await told.happen()
    answer = await client.post(
        f"{PATH}/read", json={"up_to": seen["position"]}, headers=user.headers
    )
    assert answer.json() == {"unread": 1}
    top, below = (await listed(client, user))["items"]
    assert (top["subject_id"], top["read"], top["actor_count"]) == (str(post), False, 2)
    assert below["read"]


async def test_reading_all_leaves_nothing(
    client: httpx.AsyncClient, told: Told, user: Person, other_user: Person
) -> None:
    for _ in range(3):
        await like(told, other_user, user)
    assert await unread(client, user) == 3
    answer = await client.post(f"{PATH}/read", json={}, headers=user.headers)
    assert answer.json() == {"unread": 0}
    assert await unread(client, user) == 0


async def test_other_devices_hear_what_is_left_unread(
    client: httpx.AsyncClient,
    app: FastAPI,
    resources: Resources,
    heard: Heard,
    told: Told,
    user: Person,
    other_user: Person,
) -> None:
    app.state.resources = replace(resources, live=cast("LiveBus", heard))
    await like(told, other_user, user)
    heard.told.clear()
    await client.post(f"{PATH}/read", json={}, headers=user.headers)
    assert heard.told == [(user.user_id, "notification.read", {"unread": 0})]


async def test_another_persons_notification_does_not_exist(
    client: httpx.AsyncClient, told: Told, user: Person, other_user: Person
) -> None:
    await like(told, other_user, user)
    (theirs,) = (await listed(client, user))["items"]
    answer = await client.post(f"{PATH}/{theirs['id']}/read", headers=other_user.headers)
    assert answer.status_code == 404
    await client.post(f"{PATH}/read", json={}, headers=other_user.headers)
    assert await unread(client, user) == 1
    assert (await listed(client, other_user))["items"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/unread"),
        ("POST", "/read"),
        ("POST", f"/{NOBODY}/read"),
        ("GET", "/preferences"),
        ("PUT", "/preferences/like"),
    ],
)
async def test_who_did_not_sign_in_is_refused(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await client.request(method, f"{PATH}{path}")
    assert answer.status_code == 401


async def test_preferences_begin_with_everything_and_keep_what_is_decided(
    client: httpx.AsyncClient, user: Person, other_user: Person
) -> None:
    answer = await client.put(
        f"{PATH}/preferences/repost", json={"in_app": False}, headers=user.headers
    )
    assert (answer.status_code, answer.json()) == (200, {"kind": "repost", "in_app": False})
    shown = (await client.get(f"{PATH}/preferences", headers=user.headers)).json()["items"]
    assert {one["kind"]: one["in_app"] for one in shown} == {
        kind: kind is not NotificationKind.REPOST for kind in NotificationKind
    }
    others = (await client.get(f"{PATH}/preferences", headers=other_user.headers)).json()["items"]
    assert all(one["in_app"] for one in others)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/preferences/gossip", {"in_app": False}),
        ("PUT", "/preferences/like", {"in_app": "perhaps"}),
        ("POST", "/read", {"up_to": "yesterday"}),
        ("POST", "/yesterday/read", None),
        ("GET", "?cursor=made-up", None),
        ("GET", "?limit=1000", None),
    ],
)
async def test_what_cannot_be_used_is_refused_with_its_field(
    client: httpx.AsyncClient, user: Person, method: str, path: str, body: dict[str, Any] | None
) -> None:
    answer = await client.request(method, f"{PATH}{path}", json=body, headers=user.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"]


async def test_a_page_costs_the_same_however_many_people_it_names(
    client: httpx.AsyncClient, database: Database, told: Told, user: Person, other_user: Person
) -> None:
    async def cost() -> int:
        with sent_to(database) as sent:
            await listed(client, user, limit=100)
        return len(sent)

    await like(told, other_user, user)
    one = await cost()
    for _ in range(20):
        await like(told, other_user, user)
    assert await cost() == one <= 3


async def fill(database: Database, user_id: UUID, count: int) -> None:
    async with database.transaction() as session:
        await session.execute(
            insert(NotificationRow),
            [
                {
                    "id": new_id(),
                    "user_id": user_id,
                    "kind": LIKE,
                    "subject_type": "feed_post",
                    "subject_id": new_id(),
                    "position": new_id(),
                    "event_count": 1,
                    "actor_count": 1,
                    "latest_actors": [user_id],
                }
                for _ in range(count)
            ],
        )


async def test_lists_and_counts_read_thousands_by_an_index(
    client: httpx.AsyncClient,
    database: Database,
    database_dsn: str,
    user: Person,
) -> None:
    others = [new_id() for _ in range(60)]
    async with database.transaction() as session:
        session.add_all(
            UserRow(id=other, handle=other.hex, display_name="Somebody") for other in others
        )
    for other in others:
        await fill(database, other, 100)
    await fill(database, user.user_id, 500)
    async with database.transaction() as session:
        await session.execute(text("ANALYZE notifications"))
    cursor = (await listed(client, user, limit=10))["next_cursor"]
    with sent_to(database) as sent:
        await listed(client, user)
        await listed(client, user, cursor=cursor)
        assert await unread(client, user) == 500
        await client.post(f"{PATH}/read", json={}, headers=user.headers)
    about = [one for one in sent if "notifications" in one[0]]
    assert len(about) == 5
    assert await whole_reads(database_dsn, about, {"notifications"}) == set()


async def test_unread_is_counted_up_to_a_limit(
    client: httpx.AsyncClient, database: Database, user: Person
) -> None:
    await fill(database, user.user_id, reading.COUNTED + 5)
    assert await unread(client, user) == reading.COUNTED


async def test_opening_a_conversation_reads_of_its_messages(
    client: httpx.AsyncClient, database: Database, told: Told, user: Person, other_user: Person
) -> None:
    conversation = new_id()
    message = NotificationKind.MESSAGE
    for subject in (conversation, conversation, new_id()):
        await told.act(message, other_user.user_id, subject, user.user_id, cause_id=new_id())
    await told.happen()
    assert await unread(client, user) == 2
    async with database.transaction() as session:
        await reading.mark_subject_read(session, user.user_id, message, conversation)
    assert await unread(client, user) == 1
