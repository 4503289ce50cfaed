"""What Ada's workspace has, of every kind that a path or a body can name."""

import io
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from PIL import Image

from api.auth.scopes import ALL_SCOPES
from domain.networks import Network
from domain.roles import WorkspaceRole
from storage import members
from tests.api.authorisation_actors import Cast
from tests.api.authorisation_entries import Actor
from tests.api.feed_actors import told
from tests.api.test_posts_actors import Author, PublishingWorker
from tests.conftest import Tenant

Names = dict[str, str]


class WorkspaceThings:
    """Made through the API, by Ada in her workspace."""

    def __init__(self, cast: Cast) -> None:
        """`cast` has come in."""
        self.cast = cast
        self.picture = _picture()

    async def make(self) -> Names:
        """Everything, by the name that entries call it."""
        key = await self.ask(
            "POST", "/v1/api-keys", 201, json={"name": "Shop", "scopes": sorted(ALL_SCOPES)}
        )
        tenant = Tenant(id=self.cast.workspace_id, api_key=key["api_key"])
        author = Author(self.cast.client, self.cast.resources.database, tenant)
        spare = await self.ask(
            "POST", "/v1/api-keys", 201, json={"name": "Spare", "scopes": ["posts:read"]}
        )
        feed = {"network": "feed", "credentials": {"handle": "corner_bakery"}}
        account = await self.ask("POST", "/v1/accounts", 201, json=feed)
        spare_account = await author.connect(Network.FEED, "spare")
        text = {"text": "Our onion tart."}
        post = await author.schedule(account["id"], **text)
        worker, deliveries = PublishingWorker(self.cast.resources.database), {}
        for name in ("delivery_id", "failed_delivery_id", "unconfirmed_delivery_id"):
            planned = await author.schedule(await author.connect(Network.X, name), **text)
            deliveries[name] = planned["deliveries"][0]["id"]
        await worker.fail(deliveries["failed_delivery_id"])
        await worker.lose_track(deliveries["unconfirmed_delivery_id"])
        bulk = {"posts": [{**text, "targets": [account["id"]]}]}
        batch = await self.ask("POST", "/v1/posts/bulk", 201, json=bulk)
        media = await self.ask(
            "POST", "/v1/media", 201, files={"file": ("rye.png", self.picture, "image/png")}
        )
        lodger = await self.cast.sign_up("lodger")
        async with self.cast.resources.database.transaction() as session:
            await members.add(session, self.cast.workspace_id, lodger.user_id, WorkspaceRole.VIEWER)
        return {
            "workspace": str(self.cast.workspace_id),
            "key_id": spare["id"],
            "account_id": account["id"],
            "spare_account_id": spare_account,
            "post_id": post["id"],
            **deliveries,
            "batch_id": batch["batch_id"],
            "media_id": media["id"],
            **signed("media", media["url"]),
            "upload_id": await self.sent_upload("/v1/media/uploads"),
            "lodger_id": str(lodger.user_id),
            "newcomer_handle": (await self.cast.sign_up("newcomer")).handle,
        }

    async def ask(self, method: str, path: str, status: int, **more: Any) -> Any:
        """What Ada is answered, in her workspace."""
        within = self.cast.people[Actor.OWNER].within(self.cast.workspace_id)
        answer = await self.cast.client.request(method, path, headers=within, **more)
        return told(answer, status)

    async def announce(self, path: str) -> Any:
        """Where a picture may be sent."""
        body = {"file_name": "rye.png", "content_type": "image/png", "size": len(self.picture)}
        return await self.ask("POST", path, 201, json=body)

    async def sent_upload(self, path: str) -> str:
        """The id of an upload that waits to be completed."""
        announced = await self.announce(path)
        sent = await self.cast.client.put(
            announced["url"], content=self.picture, headers={"Content-Type": "image/png"}
        )
        told(sent, 204)
        return str(announced["id"])


def signed(name: str, url: str) -> Names:
    """The parts of a signed link."""
    query = dict(parse_qsl(urlsplit(url).query))
    return {f"{name}_{part}": query[part] for part in ("expires", "signature")}


def _picture() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (40, 20), "navy").save(target, "PNG")
    return target.getvalue()
