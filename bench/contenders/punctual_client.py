"""A client of Punctual's API, with the sandbox behind its accounts and the database beside it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from api.workspaces.service import WorkspaceService
from bench.concurrency import each
from bench.load import Load, LoadPost, User
from bench.sandboxes import SandboxProcess
from networks.http_client import HttpClient
from storage.database import Database

REQUESTS_AT_ONCE = 32
ROWS_OF_A_REQUEST = 1000

STATUSES = "SELECT post_id, network, status FROM deliveries"
COUNTS = "SELECT status, count(*) FROM deliveries GROUP BY status"
SETTLED = frozenset({"published", "failed", "unconfirmed", "cancelled"})


class PunctualFailed(Exception):
    """Something that has to work for a measurement did not; the text says what."""


class PunctualClient:
    """Many workspaces' client."""

    def __init__(self, api: str, database: str, sandbox: SandboxProcess, http: HttpClient) -> None:
        """`api` has no slash at its end; `database` is a connection URL."""
        self.api = api
        self._database = database
        self._sandbox = sandbox
        self._http = http
        self._keys: dict[str, str] = {}
        self._accounts: dict[tuple[str, str], str] = {}
        self._marks: dict[UUID, str] = {}

    async def populate(self, load: Load) -> None:
        """Make its workspaces, and connect every account of every user."""
        database = Database(self._database, pool_size=2)
        try:
            for name in load.workspaces:
                _, key = await WorkspaceService(database).create(name)
                self._keys[name] = str(key)
        finally:
            await database.close()

        async def connect(user: User) -> None:
            for network in load.networks:
                await self._connect(user, network)

        await each(REQUESTS_AT_ONCE, load.users, connect)

    async def schedule(self, load: Load, publish_at: datetime | str) -> None:
        """Create every post in bulk; `now` is a time too."""
        by_workspace: dict[str, list[LoadPost]] = {}
        for post in load.posts():
            by_workspace.setdefault(post.user.workspace, []).append(post)
        requests = [
            posts[first : first + ROWS_OF_A_REQUEST]
            for posts in by_workspace.values()
            for first in range(0, len(posts), ROWS_OF_A_REQUEST)
        ]

        async def create(posts: Sequence[LoadPost]) -> None:
            rows = [self.body(post, publish_at) for post in posts]
            key = self.key_of(posts[0].user)
            made = await self.ask("POST", "/v1/posts/bulk", key, {"posts": rows})
            for post, row in zip(posts, made["rows"], strict=True):
                self._marks[UUID(row["post_id"])] = post.mark

        await each(2, requests, create)

    async def schedule_one_by_one(self, load: Load, publish_at: datetime | str) -> None:
        """Create every post with a request of its own."""

        async def create(post: LoadPost) -> None:
            await self.create(post, publish_at)

        await each(REQUESTS_AT_ONCE, load.posts(), create)

    async def create(self, post: LoadPost, publish_at: datetime | str) -> UUID:
        """Create one post; its id."""
        made = await self.ask(
            "POST", "/v1/posts", self.key_of(post.user), self.body(post, publish_at)
        )
        post_id = UUID(made["id"])
        self._marks[post_id] = post.mark
        return post_id

    async def move(self, user: User, post_id: UUID, publish_at: datetime) -> None:
        """Give a post that nobody has changed yet another time."""
        body = {"publish_at": publish_at.isoformat()}
        key = self.key_of(user)
        await self.ask("PATCH", f"/v1/posts/{post_id}", key, body, {"If-Match": '"1"'})

    def body(self, post: LoadPost, publish_at: datetime | str) -> dict[str, Any]:
        """The post as it is asked for."""
        at = publish_at if isinstance(publish_at, str) else publish_at.isoformat()
        targets = [self._accounts[network, post.user.handle] for network in post.networks]
        return {"text": post.text, "targets": targets, "publish_at": at}

    def key_of(self, user: User) -> str:
        """The API key of the user's workspace."""
        return self._keys[user.workspace]

    def post_ids(self) -> dict[str, UUID]:
        """Every post that was created, by mark."""
        return {mark: post_id for post_id, mark in self._marks.items()}

    async def ask(
        self,
        method: str,
        path: str,
        key: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """The answer's JSON. Raises PunctualFailed."""
        url = f"{self.api}{path}"
        answer = await self._http.request(method, url, bearer=key, json=body, headers=headers)
        if answer.status >= 400:
            raise PunctualFailed(f"{path}: {answer.status} {answer.body[:500].decode()}")
        return answer.json

    async def published(self) -> set[tuple[str, str]]:
        """What the database calls published, by network and mark."""
        return {
            (row["network"], self._marks[row["post_id"]])
            for row in await self._fetch(STATUSES)
            if row["status"] == "published" and row["post_id"] in self._marks
        }

    async def counts(self) -> Counter[str]:
        """Deliveries by status."""
        return Counter(dict(await self._fetch(COUNTS)))

    async def settled(self, until: datetime) -> None:
        """Return when nothing is under way any more, or at `until`."""
        while datetime.now(UTC) < until:
            if not set(await self.counts()) - SETTLED:
                return
            await asyncio.sleep(0.5)

    async def _connect(self, user: User, network: str) -> None:
        made = await self._sandbox.account(network, user.handle)
        credentials = {name: str(value) for name, value in made["credentials"].items()}
        body = {"network": network, "credentials": credentials}
        account = await self.ask("POST", "/v1/accounts", self.key_of(user), body)
        self._accounts[network, user.handle] = account["id"]

    async def _fetch(self, query: str) -> Sequence[Any]:
        connection = await asyncpg.connect(self._database)
        try:
            rows: Sequence[Any] = await connection.fetch(query)
            return rows
        finally:
            await connection.close()
