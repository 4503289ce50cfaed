"""Who acts in the tests of the marketplace: people at the API, and what makes sizes of pictures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from runtime.job_queue import job_handlers, jobs_in_process
from runtime.resources import Resources
from tests.api.conftest import Person
from tests.patience import PATIENCE

OVEN: dict[str, Any] = {
    "title": "Bread oven",
    "description": "Bakes twelve loaves at once.",
    "price": {"amount": "249.90", "currency": "EUR"},
    "condition": "good",
    "category": "home",
    "place": {"name": "Leipzig"},
    "status": "active",
}
"""What Ada sells, unless a test says otherwise."""


def told(answer: httpx.Response, status: int = 200) -> Any:
    """The body of an answer that has to be of that status."""
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def rules(answer: httpx.Response, status: int = 422) -> dict[str, str]:
    """What was wrong, by field."""
    return {error["field"]: error["rule"] for error in told(answer, status)["errors"]}


class Trader:
    """Somebody who sells and buys."""

    def __init__(self, client: httpx.AsyncClient, person: Person) -> None:
        """`client` speaks to the API under test."""
        self.client = client
        self.person = person

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Any request of theirs."""
        return await self.client.request(method, path, headers=self.person.headers, **more)

    async def listing(
        self, method: str, listing_id: str, path: str = "", **more: Any
    ) -> httpx.Response:
        """A request about one listing."""
        return await self.ask(method, f"/v1/marketplace/listings/{listing_id}{path}", **more)

    async def try_to_offer(self, **changes: Any) -> httpx.Response:
        """Offer an oven, but for the changes, whatever is answered."""
        return await self.ask("POST", "/v1/marketplace/listings", json=OVEN | changes)

    async def offer(self, **changes: Any) -> str:
        """The id of what they offer from now on."""
        return str(told(await self.try_to_offer(**changes), 201)["id"])

    async def see(self, listing_id: str) -> Any:
        """A listing, as they see it."""
        return told(await self.listing("GET", listing_id))

    async def move(self, listing_id: str, status: str) -> httpx.Response:
        """Sell or withdraw it."""
        return await self.listing("PUT", listing_id, "/status", json={"status": status})

    async def page(self, path: str = "/v1/marketplace/listings", **query: Any) -> Any:
        """What a list answers."""
        return told(await self.ask("GET", path, params=query))

    async def titles(self, path: str = "/v1/marketplace/listings", **query: Any) -> list[str]:
        """What a list names, on all of its pages."""
        found: list[str] = []
        while True:
            page = await self.page(path, **query)
            found += [one["title"] for one in page["items"]]
            if page["next_cursor"] is None:
                return found
            query["cursor"] = page["next_cursor"]

    async def upload(self, content: bytes) -> str:
        """The id of a media item of theirs."""
        answer = await self.ask("POST", "/v1/users/me/media", files={"file": ("oven.png", content)})
        return str(told(answer, 201)["id"])

    async def show_images(self, listing_id: str, *media_ids: str) -> httpx.Response:
        """Have a listing show these."""
        return await self.listing("PUT", listing_id, "/images", json={"media_ids": list(media_ids)})

    async def until_made(self, listing_id: str, limit: float = PATIENCE) -> list[Any]:
        """The listing's pictures, once none is being made any more."""
        async with asyncio.timeout(limit):
            while True:
                images: list[Any] = (await self.see(listing_id))["images"]
                if all(one["status"] != "processing" for one in images):
                    return images
                await asyncio.sleep(0.02)


@asynccontextmanager
async def making_images(resources: Resources) -> AsyncIterator[None]:
    """Jobs are done meanwhile."""
    async with jobs_in_process(resources, job_handlers(resources)):
        yield


async def until_made(
    client: httpx.AsyncClient, url: str, limit: float = PATIENCE
) -> httpx.Response:
    """What a link to a size answers, once it is not being made any more."""
    async with asyncio.timeout(limit):
        while True:
            answer = await client.get(url)
            if answer.status_code != 503:
                return answer
            await asyncio.sleep(0.02)
