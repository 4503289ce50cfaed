"""`make demo`: the main job on real input, checked against what the networks say is public."""

import argparse
import asyncio
import contextlib
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from networks.http_client import FilePart, HttpClient, NotConnected
from stack.children import ROOT
from stack.demo_follower import following
from stack.demo_posts import AFTER_A_STOP, NETWORKS, POSTS, DemoPost, picture
from stack.demo_report import DemoFailed, Shown, report
from stack.errors import StackError
from stack.home import Home
from stack.ports import Ports
from stack.running import running_stack
from stack.services import Addresses

LEAD = timedelta(seconds=12)
"""From scheduling to the publish time: long enough to prepare media ahead of it."""

LEAD_OVER_A_STOP = timedelta(seconds=25)
"""Long enough to stop everything and start it again meanwhile."""

PATIENCE = timedelta(seconds=60)
"""After the publish time, before a delivery counts as missing."""

HEARD_WITHIN = timedelta(seconds=5)
"""After everything is settled, before a follower counts as not told."""


@dataclass(frozen=True, kw_only=True)
class Scheduled:
    """Posts that wait for one second."""

    publish_at: datetime
    posts: Mapping[str, DemoPost]
    """By id."""


class Demo:
    """A client of the API that knows the ground truth."""

    def __init__(self, http: HttpClient, addresses: Addresses, api_key: str) -> None:
        """Speaks HTTP only, like any client."""
        self._http = http
        self._addresses = addresses
        self._api_key = api_key
        self._accounts: dict[str, str] = {}
        self._page = ""
        """The user of the feed that its account speaks for."""
        self._run = uuid4().hex[:8]

    async def connect_accounts(self) -> None:
        """One account on each network, connected with its own credentials."""
        for network in NETWORKS:
            handle = "bakery.test" if network == "bluesky" else "bakery"
            credentials: dict[str, Any] = {"handle": handle, "display_name": "Corner bakery"}
            if network != "feed":
                account = {"network": network, "handle": handle, "name": "Corner bakery"}
                credentials = (await self._sandbox("POST", "accounts", account))["credentials"]
            body = {"network": network, "credentials": _texts(credentials)}
            connected = await self._api("POST", "/v1/accounts", body)
            self._accounts[network] = connected["id"]
            if network == "feed":
                self._page = connected["remote_id"]
        await self._sandbox("POST", "accounts", {"network": "bluesky", "handle": "miller.test"})

    async def schedule(self, posts: Sequence[DemoPost], lead: timedelta) -> Scheduled:
        """Schedule them all for the same second, `lead` from now."""
        publish_at = (datetime.now(UTC) + lead).replace(microsecond=0)
        pictures = [
            await self._upload(number) for number in range(max(post.pictures for post in posts))
        ]
        by_id = {}
        for number, post in enumerate(posts):
            body = {
                "text": f"{post.text} [{self._mark(number)}]",
                "media": [
                    {"media_id": media_id, "alt_text": f"Bread, picture {position + 1}"}
                    for position, media_id in enumerate(pictures[: post.pictures])
                ],
                "targets": [self._accounts[network] for network in post.networks],
                "publish_at": publish_at.isoformat(),
                **post.fields,
            }
            answer = await self._api("POST", "/v1/posts", body)
            by_id[answer["id"]] = post
        deliveries = sum(len(post.networks) for post in posts)
        print(
            f"  scheduled {len(posts)} posts, {deliveries} deliveries,"
            f" for {publish_at:%H:%M:%S} UTC",
            flush=True,
        )
        return Scheduled(publish_at=publish_at, posts=by_id)

    async def see_through(self, scheduled: Scheduled) -> list[Shown]:
        """Wait for all of it, while somebody who follows the feed's page looks at a screen."""
        async with following(self._http, self._addresses.api, self._page) as follower:
            answers = await self._settled(scheduled)
            on_feed = [
                _feed_post(delivery)
                for answer in answers
                for delivery in answer["deliveries"]
                if delivery["network"] == "feed" and delivery["status"] == "published"
            ]
            heard = await follower.heard(on_feed, within=HEARD_WITHIN)
        return self._shown(scheduled, answers, await self._public(), heard)

    async def _settled(self, scheduled: Scheduled) -> list[dict[str, Any]]:
        """The posts, once every delivery is settled, or it is too late."""
        answers: list[dict[str, Any]] = []
        while datetime.now(UTC) < scheduled.publish_at + PATIENCE:
            answers = [
                await self._api("GET", f"/v1/posts/{post_id}") for post_id in scheduled.posts
            ]
            statuses = {one["status"] for answer in answers for one in answer["deliveries"]}
            if statuses <= {"published", "failed", "unconfirmed", "cancelled"}:
                break
            await asyncio.sleep(0.5)
        return answers

    def _shown(
        self,
        scheduled: Scheduled,
        answers: Sequence[dict[str, Any]],
        public: Counter[tuple[str, str]],
        heard: Mapping[str, datetime],
    ) -> list[Shown]:
        return [
            Shown(
                network=delivery["network"],
                kind=scheduled.posts[answer["id"]].kind,
                status=delivery["status"],
                permalink=delivery["permalink"] or _why(delivery),
                lateness_ms=delivery["lateness_ms"],
                expected=scheduled.posts[answer["id"]].parts,
                public=public[delivery["network"], _marked(answer["text"])],
                heard_ms=_milliseconds(scheduled.publish_at, heard.get(_feed_post(delivery))),
            )
            for answer in answers
            for delivery in answer["deliveries"]
        ]

    async def _public(self) -> Counter[tuple[str, str]]:
        """What the networks say is public: items by network and mark, replies under their post."""
        truth = await self._sandbox("GET", "truth")
        mark_of: dict[str, str] = {}
        counted: Counter[tuple[str, str]] = Counter()
        for item in truth:
            mark = mark_of.get(str(item["parent_id"])) or _marked(item["text"])
            mark_of[str(item["id"])] = mark
            counted[item["network"], mark] += 1
        path = f"/v1/feed/accounts/{self._accounts['feed']}/posts?limit=100"
        for item in (await self._api("GET", path))["items"]:
            counted["feed", _marked(item["text"])] += 1
        return counted

    def _mark(self, number: int) -> str:
        return f"{self._run}-{number}"

    async def _upload(self, number: int) -> str:
        file = FilePart(
            field="file",
            file_name=f"bread-{number}.jpg",
            content_type="image/jpeg",
            content=picture(number),
        )
        response = await self._http.request(
            "POST", f"{self._addresses.api}/v1/media", bearer=self._api_key, files=[file]
        )
        if response.status != 201:
            raise DemoFailed(f"upload: {response.status} {response.body.decode()[:300]}")
        return str(response.object["id"])

    async def _api(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self._addresses.api}{path}"
        response = await self._http.request(method, url, bearer=self._api_key, json=body)
        if response.status >= 400:
            raise DemoFailed(f"{method} {path}: {response.status} {response.body.decode()[:500]}")
        return response.json

    async def _sandbox(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self._addresses.sandbox}/_sandbox/{path}"
        response = await self._http.request(method, url, json=body)
        if response.status >= 400:
            raise DemoFailed(f"sandbox {path}: {response.status} {response.body.decode()[:300]}")
        return response.json


def _texts(credentials: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in credentials.items()}


def _marked(text: str) -> str:
    return text.rpartition("[")[2].partition("]")[0]


def _feed_post(delivery: dict[str, Any]) -> str:
    """The id of the feed post that a delivery to the feed has become."""
    return (delivery["permalink"] or "").rpartition("/")[2]


def _milliseconds(publish_at: datetime, moment: datetime | None) -> int | None:
    return None if moment is None else (moment - publish_at) // timedelta(milliseconds=1)


def _why(delivery: dict[str, Any]) -> str:
    return delivery["reason"]["message"] if delivery["reason"] else "-"


async def _demonstrate(home: Path, ports: Ports) -> bool:
    """Publish every kind of post; where the system is ours to stop, once more with a stop."""
    folder = Home(home)
    http = HttpClient(allow_private_addresses=True)
    try:
        running = Addresses.of(ports, folder.secrets())
        if folder.api_key is not None and await _answers(http, running):
            print(f"Using the system that runs at {running.api}: it is not stopped in between.")
            demo = await _connected(http, running, folder.api_key)
            return report(await demo.see_through(await demo.schedule(POSTS, LEAD)))
        async with _started(http, home, ports) as demo:
            shown = await demo.see_through(await demo.schedule(POSTS, LEAD))
        print("Everything is stopped. Once more, with a stop between scheduling and publishing ...")
        async with _started(http, home, ports) as demo:
            scheduled = await demo.schedule(AFTER_A_STOP, LEAD_OVER_A_STOP)
        print("Stopped while the posts sleep. Starting again ...")
        async with _started(http, home, ports) as demo:
            shown += await demo.see_through(scheduled)
        return report(shown)
    finally:
        await http.close()


@contextlib.asynccontextmanager
async def _started(http: HttpClient, home: Path, ports: Ports) -> AsyncIterator[Demo]:
    began = time.monotonic()
    print("Starting PostgreSQL, Temporal, the sandbox networks, the API and a worker ...")
    async with running_stack(home, ports) as stack:
        if stack.api_key is None:
            raise DemoFailed("the stack has no API key")
        print(f"  up after {time.monotonic() - began:.1f} s", flush=True)
        yield await _connected(http, stack.addresses, stack.api_key)


async def _connected(http: HttpClient, addresses: Addresses, api_key: str) -> Demo:
    demo = Demo(http, addresses, api_key)
    await demo.connect_accounts()
    return demo


async def _answers(http: HttpClient, addresses: Addresses) -> bool:
    try:
        return (await http.request("GET", f"{addresses.api}/readyz")).status == 200
    except NotConnected:
        return False


def main() -> int:
    """The exit code: 0 only when every delivery is public exactly once."""
    argparse.ArgumentParser(prog="python -m stack.demo", description=__doc__).parse_args()
    home = Path(os.environ.get("PUNCTUAL_HOME") or ROOT / ".punctual")
    try:
        good = asyncio.run(_demonstrate(home, Ports.from_environment(os.environ)))
    except (StackError, DemoFailed, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
