"""Who acts in the tests of moderation: moderators, admins, and people with things to report."""

from typing import Any
from uuid import UUID

import httpx

from storage.database import Database
from storage.moderation import audit
from storage.moderation.audit import AuditEntry, AuditFilter
from tests.api.conftest import Person
from tests.api.feed_actors import told

WHY = {"reason": "Sells what does not exist."}


class Staff:
    """A signed-in person at `/v1`, whatever their role."""

    def __init__(self, client: httpx.AsyncClient, person: Person) -> None:
        """`client` is one of the API's."""
        self.client = client
        self.person = person

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A request under `/v1/admin`."""
        return await self.client.request(
            method, f"/v1/admin/{path}", headers=self.person.headers, **more
        )

    async def get(self, path: str, **query: Any) -> Any:
        """What is read there."""
        return told(await self.ask("GET", path, params=query))

    async def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        """What an act is answered."""
        return told(await self.ask("POST", path, json=body), status)

    async def resolve(self, case: str, decision: str, status: int = 200) -> Any:
        """What resolving is answered."""
        return await self.post(f"cases/{case}/resolve", {"decision": decision, **WHY}, status)


async def reported(
    client: httpx.AsyncClient,
    by: Person,
    subject_type: str,
    subject_id: UUID | str,
    status: int = 201,
    **more: Any,
) -> Any:
    """What a report is answered."""
    body = {
        "subject_type": subject_type,
        "subject_id": str(subject_id),
        "reason": "spam",
        **more,
    }
    return told(await client.post("/v1/reports", headers=by.headers, json=body), status)


async def audited(database: Database) -> list[AuditEntry]:
    """The whole audit log, the latest first."""
    async with database.transaction() as session:
        return await audit.list_page(session, AuditFilter(), before=None, limit=1000)
