"""Who acts in the tests of posts: authors at the API, and a worker at the tables."""

import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from PIL import Image
from sqlalchemy import select

from domain.deliveries import DeliveryStatus
from domain.limits import AccountLimits
from domain.networks import Network
from domain.receipts import Receipt
from storage import connections
from storage.connections import Profile
from storage.database import Database
from storage.delivery_state import DeliveryState, OpenAttempt
from storage.outcomes import Fail, Reason, Wait
from storage.publishing import PublishingStore
from storage.tables import PostRow, Table
from tests.conftest import Tenant

TOMORROW = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)

POST_TABLES = ("posts", "post_revisions", "deliveries", "timeline", "outbox", "idempotency_keys")
"""What creating or changing a post writes to."""

REFUSAL = Reason(type="content_refused", message="The network said no.", evidence={"code": 187})


class Author:
    """Writes posts through the API for one workspace."""

    def __init__(self, client: httpx.AsyncClient, database: Database, tenant: Tenant) -> None:
        """`database` is where accounts come from: connecting them is tested elsewhere."""
        self.client = client
        self.tenant = tenant
        self.ledger = Ledger(database, tenant.id)
        self._database = database

    async def connect(
        self, network: Network, handle: str = "bakery", *, limits: AccountLimits | None = None
    ) -> str:
        """The id of a connected account on that network."""
        async with self._database.transaction() as session:
            account, _ = await connections.connect(
                session,
                self.tenant.id,
                network,
                Profile(
                    remote_id=uuid4().hex,
                    handle=handle,
                    display_name=handle.title(),
                    base_url=None,
                    limits=limits,
                ),
                credentials=b"unread",
                expires_at=None,
            )
        return str(account.id)

    async def upload(self, size: tuple[int, int] = (640, 640), kind: str = "JPEG") -> str:
        """The id of a picture of the workspace."""
        picture = io.BytesIO()
        Image.new("RGB", size, "red").save(picture, kind)
        answer = await self.ask(
            "POST",
            "/v1/media",
            files={"file": ("bread", picture.getvalue())},
            data={"alt_text": "A loaf of bread"},
        )
        assert answer.status_code == 201, answer.text
        media_id: str = answer.json()["id"]
        return media_id

    async def ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """A request with the workspace's key."""
        return await self.client.request(
            method, path, headers={**self.tenant.headers, **(headers or {})}, **more
        )

    async def create(self, body: Any, key: str | None = None) -> httpx.Response:
        """POST /v1/posts."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.ask("POST", "/v1/posts", json=body, headers=headers)

    async def draft(self, *targets: str, **fields: Any) -> dict[str, Any]:
        """A post without a time."""
        return accepted(await self.create({"text": "Bread.", "targets": targets, **fields}))

    async def schedule(self, *targets: str, **fields: Any) -> dict[str, Any]:
        """A post for tomorrow."""
        return await self.draft(*targets, **{"publish_at": TOMORROW.isoformat(), **fields})

    async def validate(self, *targets: str, **fields: Any) -> dict[str, Any]:
        """What POST /v1/posts/validate says."""
        body = {"text": "Bread.", "targets": targets, **fields}
        return accepted(await self.ask("POST", "/v1/posts/validate", json=body))

    async def show(self, post_id: str) -> dict[str, Any]:
        """The post as it is now."""
        return accepted(await self.ask("GET", f"/v1/posts/{post_id}"))

    async def change(self, post: Mapping[str, Any], **fields: Any) -> httpx.Response:
        """PATCH the post, made from the revision that was seen."""
        headers = {"If-Match": f'"{post["revision"]}"'}
        return await self.ask("PATCH", f"/v1/posts/{post['id']}", json=fields, headers=headers)

    async def cancel(self, post: Mapping[str, Any]) -> httpx.Response:
        """POST /v1/posts/{id}/cancel."""
        return await self.ask("POST", f"/v1/posts/{post['id']}/cancel")

    async def publish_now(self, post: Mapping[str, Any]) -> httpx.Response:
        """POST /v1/posts/{id}/publish-now."""
        return await self.ask("POST", f"/v1/posts/{post['id']}/publish-now")

    async def events(self, post: Mapping[str, Any]) -> list[str]:
        """The names of everything that happened to the post."""
        told = accepted(await self.ask("GET", f"/v1/posts/{post['id']}/timeline"))
        return [item["event"] for item in told["items"]]


class PublishingWorker:
    """Does to deliveries what a worker does, without a network."""

    def __init__(self, database: Database) -> None:
        """`database` is the one that the API writes to."""
        self.store = PublishingStore(database)
        self._receipts = 0

    async def arm(self, delivery_id: str) -> DeliveryState:
        """Get ready to send."""
        state = await self.store.arm(UUID(delivery_id))
        assert state.status is DeliveryStatus.ARMED
        return state

    async def claim(self, delivery_id: str, part: int = 0) -> tuple[DeliveryState, OpenAttempt]:
        """Begin to send: from here on it may be public."""
        state = await self.arm(delivery_id)
        attempt = await self.store.claim(state, part, {}, datetime.now(UTC))
        assert isinstance(attempt, OpenAttempt)
        return state, attempt

    async def publish(self, delivery_id: str, *, last_part: bool = True) -> DeliveryState:
        """Send the first part, and have the receipt."""
        state, attempt = await self.claim(delivery_id)
        self._receipts += 1
        receipt = Receipt(
            remote_id=str(self._receipts),
            permalink=f"https://network.example/{self._receipts}",
            details={},
        )
        await self.store.record_published(state, attempt, receipt, last_part=last_part)
        return state

    async def fail(self, delivery_id: str) -> None:
        """Be refused for good."""
        state, attempt = await self.claim(delivery_id)
        await self.store.record_not_sent(state, attempt, REFUSAL, counted=True, then=Fail())

    async def fail_part(self, delivery_id: str, part: int) -> None:
        """Be refused for good in the middle of a thread that is public so far."""
        state = await self.store.load(UUID(delivery_id))
        attempt = await self.store.claim(state, part, {}, datetime.now(UTC))
        assert isinstance(attempt, OpenAttempt)
        await self.store.record_not_sent(state, attempt, REFUSAL, counted=True, then=Fail())

    async def defer(self, delivery_id: str) -> None:
        """Put it off for an hour."""
        state = await self.arm(delivery_id)
        until = datetime.now(UTC) + timedelta(hours=1)
        await self.store.put_off(state, REFUSAL, then=Wait(until=until))

    async def lose_track(self, delivery_id: str) -> None:
        """Send, and never learn what became of it."""
        state, attempt = await self.claim(delivery_id)
        await self.store.leave_unconfirmed(state, attempt, REFUSAL)


class Ledger:
    """Looks at what the tables hold of one workspace."""

    def __init__(self, database: Database, workspace_id: UUID) -> None:
        """`database` is the one that the API writes to."""
        self._database = database
        self._workspace_id = workspace_id

    async def rows(self, name: str) -> list[dict[str, Any]]:
        """The workspace's rows of a table, oldest first."""
        table = Table.metadata.tables[name]
        owned = select(PostRow.id).where(PostRow.workspace_id == self._workspace_id)
        query = select(table).where(
            table.c.workspace_id == self._workspace_id
            if "workspace_id" in table.c
            else table.c.post_id.in_(owned)
        )
        async with self._database.transaction() as session:
            found = await session.execute(query.order_by(*table.primary_key))
            return [dict(row) for row in found.mappings()]

    async def counts(self) -> dict[str, int]:
        """How many rows of the workspace each table of posts has."""
        return {name: len(await self.rows(name)) for name in POST_TABLES}


def accepted(answer: httpx.Response) -> dict[str, Any]:
    """The body of an answer that has to be a success."""
    assert answer.is_success, answer.text
    body: dict[str, Any] = answer.json()
    return body


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The body of an answer that has to be a problem of that status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["type"].startswith("/problems/")
    assert body["title"]
    assert body["detail"]
    for error in body.get("errors", []):
        assert error["message"], error
        assert error["fix"], error
    return body


def refused(answer: httpx.Response, field: str, rule: str) -> dict[str, Any]:
    """The one error of a 422 that names that field with that rule."""
    errors = problem(answer, 422)["errors"]
    found = [error for error in errors if (error["field"], error["rule"]) == (field, rule)]
    assert len(found) == 1, errors
    error: dict[str, Any] = found[0]
    return error
