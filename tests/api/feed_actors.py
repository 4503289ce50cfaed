"""Who acts in the tests of the feed: people at the API, and the process that does the jobs."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import delete, insert, select

from domain.ids import new_id
from jobs.fan_out import FanOut
from jobs.handling import Job
from realtime.bus import LiveBus
from storage.database import Database
from storage.jobs import JobKind
from storage.tables import JobRow, UserRow
from tests.api.conftest import Person


def told(answer: httpx.Response, status: int = 200) -> Any:
    """The body of an answer that has to be of that status."""
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


class Reader:
    """Somebody who reads and writes on the feed; a passer-by when nobody is named."""

    def __init__(self, client: httpx.AsyncClient, person: Person | None) -> None:
        """`client` is one of the API's."""
        self.client = client
        self.person = person

    @property
    def id(self) -> str:
        """The user's."""
        assert self.person is not None
        return str(self.person.user_id)

    async def ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """A request under `/v1/feed`."""
        known = {} if self.person is None else self.person.headers
        return await self.client.request(
            method, f"/v1/feed/{path}", headers={**known, **(headers or {})}, **more
        )

    async def get(self, path: str, **query: Any) -> Any:
        """What is read there."""
        return told(await self.ask("GET", path, params=query))

    async def publish(self, text: str, **body: Any) -> str:
        """The id of a new post."""
        post = told(await self.ask("POST", "posts", json={"text": text, **body}), 201)
        return str(post["id"])

    async def put(self, *paths: str) -> None:
        """Follow, like, … what the paths name."""
        for path in paths:
            told(await self.ask("PUT", path), 204)

    async def drop(self, *paths: str) -> None:
        """Take it back."""
        for path in paths:
            told(await self.ask("DELETE", path), 204)

    async def follow(self, *others: "Reader") -> None:
        """Follow them, one after the other."""
        await self.put(*(f"users/{other.id}/follow" for other in others))

    async def comment(self, post_id: str, text: str, reply_to: str | None = None) -> str:
        """The id of a new comment."""
        body = {"text": text} if reply_to is None else {"text": text, "reply_to": reply_to}
        return str(told(await self.ask("POST", f"posts/{post_id}/comments", json=body), 201)["id"])

    async def texts(self, path: str, **query: Any) -> list[str]:
        """The texts of a list, in its order."""
        return [text_of(item) for item in (await self.get(path, **query))["items"]]

    async def pages(self, path: str, limit: int) -> list[list[str]]:
        """The texts of the whole list, page by page."""
        pages: list[list[str]] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(path, limit=limit, **cursor)
            pages.append([text_of(item) for item in page["items"]])
            if page["next_cursor"] is None:
                return pages
            cursor = {"cursor": page["next_cursor"]}


def text_of(item: Mapping[str, Any]) -> str:
    """What a post, an entry or a comment says."""
    return str(item["post"]["text"] if "post" in item else item["text"])


class FeedWorker:
    """Does what has to be done after posts were published."""

    def __init__(self, database: Database, live: LiveBus) -> None:
        """`live` reaches sockets."""
        self._database = database
        self.fan_out = FanOut(database, live)

    async def work(self) -> int:
        """Fan out everything that waits for it; how many jobs that were."""
        query = select(JobRow).where(JobRow.kind == JobKind.FAN_OUT_POST).order_by(JobRow.id)
        async with self._database.transaction() as session:
            rows = (await session.scalars(query)).all()
        for row in rows:
            await self.fan_out.handle(job_of(row))
        async with self._database.transaction() as session:
            await session.execute(delete(JobRow).where(JobRow.id.in_([row.id for row in rows])))
        return len(rows)


def job_of(row: JobRow) -> Job:
    """The job as a handler gets it."""
    return Job(
        id=row.id,
        kind=JobKind(row.kind),
        subject_id=row.subject_id,
        payload=row.payload,
        tries=row.tries,
        created_at=row.created_at,
    )


async def many_users(database: Database, handles: Sequence[str]) -> list[UUID]:
    """Users who never sign in; their ids."""
    ids = [new_id() for _ in handles]
    rows = [
        {"id": user_id, "handle": handle, "display_name": handle.title()}
        for user_id, handle in zip(ids, handles, strict=True)
    ]
    async with database.transaction() as session:
        await session.execute(insert(UserRow), rows)
    return ids
