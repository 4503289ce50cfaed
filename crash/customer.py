"""A client of the API that repeats what was not answered, and the ground truth beside it."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from domain.policies import AmbiguityPolicy
from networks.http_client import FilePart, HttpClient, NoAnswer, NotConnected
from stack.services import Addresses

PATIENCE_SECONDS = 90.0
"""How long one request is repeated; longer than any part of the system is ever away."""

AGAIN_SECONDS = 0.3

PAGE = 100

NO_HEADERS: Mapping[str, str] = MappingProxyType({})

Public = Counter[tuple[str, str]]
"""How often something is public, by network and mark."""


class CustomerLeft(Exception):
    """The API did not answer for longer than any client waits, or said no; the text says what."""


class Customer:
    """One workspace's client."""

    def __init__(self, addresses: Addresses, api_key: str) -> None:
        """Speaks HTTP only, like any client."""
        self._addresses = addresses
        self._api_key = api_key
        self._http = HttpClient(timeout=timedelta(seconds=10), allow_private_addresses=True)
        self._seen = 0
        self._public: Public = Counter()

    async def close(self) -> None:
        """Close its connections."""
        await self._http.close()

    async def connect(self, network: str, handle: str) -> str:
        """Connect a fresh account without quotas; its id."""
        credentials: Mapping[str, Any] = {"handle": handle}
        if network != "feed":
            order = {"network": network, "handle": handle, "unlimited": True}
            credentials = (await self.sandbox("POST", "accounts", order))["credentials"]
        texts = {name: str(value) for name, value in credentials.items()}
        answer = await self._api("POST", "/v1/accounts", {"network": network, "credentials": texts})
        return str(answer["id"])

    async def choose(self, policy: AmbiguityPolicy) -> None:
        """Say what follows when a network shows nothing of what was sent."""
        await self._api("PATCH", "/v1/workspace", {"ambiguity_policy": policy})

    async def upload(self, content: bytes) -> str:
        """Upload a JPEG; its id."""
        file = FilePart(field="file", file_name="a.jpg", content_type="image/jpeg", content=content)
        response = await self._http.request(
            "POST", f"{self._addresses.api}/v1/media", bearer=self._api_key, files=[file]
        )
        if response.status != 201:
            raise CustomerLeft(f"upload: {response.status} {response.body.decode()[:300]}")
        return str(response.object["id"])

    async def create(self, body: Mapping[str, Any], key: str) -> str:
        """Schedule a post, again with the same key as long as nobody answers; its id."""
        answer = await self._api("POST", "/v1/posts", body, {"Idempotency-Key": key})
        return str(answer["id"])

    async def move(self, post_id: str, publish_at: str) -> None:
        """Give a post another time."""
        post = await self.show(post_id)
        headers = {"If-Match": f'"{post["revision"]}"'}
        await self._api("PATCH", f"/v1/posts/{post_id}", {"publish_at": publish_at}, headers)

    async def cancel(self, post_id: str) -> None:
        """Cancel a post."""
        await self._api("POST", f"/v1/posts/{post_id}/cancel")

    async def show(self, post_id: str) -> dict[str, Any]:
        """A post with its deliveries."""
        shown: dict[str, Any] = await self._api("GET", f"/v1/posts/{post_id}")
        return shown

    async def posts(self) -> AsyncIterator[dict[str, Any]]:
        """Every post, newest first."""
        async for post in self._pages("/v1/posts"):
            yield post

    async def timeline(self, post_id: str) -> list[dict[str, Any]]:
        """Everything that happened to a post."""
        events: list[dict[str, Any]] = (await self._api("GET", f"/v1/posts/{post_id}/timeline"))[
            "items"
        ]
        return events

    async def public(self, feed_accounts: Sequence[str]) -> Public:
        """What everybody can see by now, counted by network and mark."""
        path = f"truth?since_sequence={self._seen}"
        for item in await self.sandbox("GET", path):
            if int(item["sequence"]) <= self._seen:
                continue  # whoever asked at the same time has counted it
            self._seen = int(item["sequence"])
            self._public[item["network"], mark_in(item["text"])] += 1
        public = self._public.copy()
        for account in feed_accounts:
            async for item in self._pages(f"/v1/feed/accounts/{account}/posts"):
                public["feed", mark_in(item["text"])] += 1
        return public

    async def entries(self, network: str, mark: str) -> list[dict[str, Any]]:
        """What is public of one part, as the sandbox tells it; the feed tells nothing more."""
        if network == "feed":
            return []
        truth = await self.sandbox("GET", f"truth?network={network}")
        return [item for item in truth if mark_in(item["text"]) == mark]

    async def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the sandbox networks. Raises CustomerLeft."""
        return await self._ask(method, f"{self._addresses.sandbox}/_sandbox/{path}", body, {})

    async def _pages(self, path: str) -> AsyncIterator[dict[str, Any]]:
        cursor = ""
        while True:
            page = await self._api("GET", f"{path}?limit={PAGE}{cursor}")
            for item in page["items"]:
                yield item
            if not page["next_cursor"]:
                return
            cursor = f"&cursor={page['next_cursor']}"

    async def _api(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = NO_HEADERS
    ) -> Any:
        named = {**headers, "Authorization": f"Bearer {self._api_key}"}
        return await self._ask(method, f"{self._addresses.api}{path}", body, named)

    async def _ask(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> Any:
        """Ask until there is an answer. Raises CustomerLeft."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        told = ""
        while time.monotonic() < deadline:
            try:
                response = await self._http.request(method, url, json=body, headers=headers)
            except (NotConnected, NoAnswer) as error:
                told = type(error).__name__
            else:
                if response.status < 400:
                    return response.json
                told = f"{response.status} {response.body.decode(errors='replace')[:500]}"
                if response.status < 500:
                    break
            await asyncio.sleep(AGAIN_SECONDS)
        raise CustomerLeft(f"{method} {url}: {told}")


def mark_in(text: str) -> str:
    """What stands in the last brackets: each part of each post has a mark of its own."""
    return text.rpartition("[")[2].partition("]")[0]
