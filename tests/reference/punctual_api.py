"""Punctual as its users have it: over its own HTTP API."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.reference.reference_server import Owner

LEAD = timedelta(seconds=4)
"""From scheduling to the publish time: long enough to prepare ahead of it."""
PATIENCE = timedelta(seconds=60)
POLL_SECONDS = 0.25
SETTLED = {"published", "failed", "unconfirmed", "cancelled"}


class PunctualApi:
    """A workspace's client."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        """`http` carries the API key."""
        self._http = http

    async def connect(self, owner: Owner, *, service_url: str | None = None) -> str:
        """Connect the account by its app password; the id that it has in Punctual."""
        credentials = {"identifier": owner.handle, "app_password": owner.app_password}
        if service_url is not None:
            credentials["service_url"] = service_url
        body = {"network": "bluesky", "credentials": credentials}
        account = await self._ask("POST", "/v1/accounts", json=body)
        assert account["remote_id"] == owner.did
        return str(account["id"])

    async def upload(self, picture: bytes, *, alt_text: str) -> str:
        """The id of the media item."""
        file = {"file": ("picture", picture)}
        data = {"alt_text": alt_text}
        return str((await self._ask("POST", "/v1/media", files=file, data=data))["id"])

    async def publish(self, account_id: str, **content: Any) -> dict[str, Any]:
        """Schedule a post, wait until its delivery is settled; the delivery."""
        publish_at = datetime.now(UTC).replace(microsecond=0) + LEAD
        wanted = {**content, "targets": [account_id], "publish_at": publish_at.isoformat()}
        post = await self._ask("POST", "/v1/posts", json=wanted)
        until = publish_at + PATIENCE
        while datetime.now(UTC) < until:
            shown = await self._ask("GET", f"/v1/posts/{post['id']}")
            delivery: dict[str, Any] = shown["deliveries"][0]
            if delivery["status"] in SETTLED:
                assert delivery["status"] == "published", delivery
                return delivery
            await asyncio.sleep(POLL_SECONDS)
        raise AssertionError(f"not settled {PATIENCE} after its time: {shown}")

    async def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = await self._http.request(method, path, **more)
        assert answer.is_success, answer.text
        body: dict[str, Any] = answer.json()
        return body
