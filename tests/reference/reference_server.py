"""The running reference server, its accounts, and what its own API says is public."""

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.reference.node_project import FOLDER

POST = "app.bsky.feed.post"
START_SECONDS = 60
STOP_SECONDS = 10
PASSWORD = "a password of the tests"


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Somebody with an account there."""

    did: str
    handle: str
    access_jwt: str = field(repr=False)
    """Of a session with the account's own password: it may do more than an app password's."""
    app_password: str = field(repr=False)


class ReferenceServer:
    """One Personal Data Server, asked over HTTP."""

    def __init__(self, told: dict[str, str], http: httpx.AsyncClient) -> None:
        """`told` is what the process printed about itself."""
        self.url = told["pds"]
        self._did = told["did"]
        self._jwt_secret = told["jwt_secret"]
        self._admin = httpx.BasicAuth("admin", told["admin_password"])
        self._http = http
        self._numbers = itertools.count(1)

    async def new_owner(self, name: str | None = None) -> Owner:
        """An account under `{name}.test` with an app password."""
        name = name or f"baker-{next(self._numbers)}"
        wanted = {
            "handle": f"{name}.test",
            "email": f"{name}@example.com",
            "password": PASSWORD,
        }
        account = await self.ask("server.createAccount", json=wanted)
        access_jwt = account["accessJwt"]
        made = await self.ask("server.createAppPassword", access_jwt, json={"name": "punctual"})
        return Owner(
            did=account["did"],
            handle=account["handle"],
            access_jwt=access_jwt,
            app_password=made["password"],
        )

    async def records(self, owner: Owner) -> list[dict[str, Any]]:
        """Every post of that account, oldest first: `uri`, `cid`, `value`."""
        wanted = {"repo": owner.did, "collection": POST, "limit": "100", "reverse": "true"}
        found: list[dict[str, Any]] = []
        while True:
            page = await self.ask("repo.listRecords", params=wanted)
            found += page["records"]
            if "cursor" not in page:
                return found
            wanted["cursor"] = page["cursor"]

    async def record(self, uri: str) -> dict[str, Any]:
        """One record by its AT URI."""
        repo, collection, rkey = uri.removeprefix("at://").split("/")
        wanted = {"repo": repo, "collection": collection, "rkey": rkey}
        return await self.ask("repo.getRecord", params=wanted)

    async def blob(self, owner: Owner, cid: str) -> bytes:
        """The bytes of a blob that a record refers to."""
        wanted = {"did": owner.did, "cid": cid}
        answer = await self.call("sync.getBlob", params=wanted)
        assert answer.status_code == 200, answer.text
        return answer.content

    async def latest_commit(self, owner: Owner) -> str:
        """The revision that the account's repository stands at."""
        commit = await self.ask("sync.getLatestCommit", params={"did": owner.did})
        return str(commit["rev"])

    async def deactivate(self, owner: Owner) -> None:
        """What the owner may do in the settings."""
        await self.ask("server.deactivateAccount", owner.access_jwt, json={})

    async def revoke_app_password(self, owner: Owner) -> None:
        """What the owner may do in the settings."""
        await self.ask("server.revokeAppPassword", owner.access_jwt, json={"name": "punctual"})

    async def take_down(self, owner: Owner) -> None:
        """What the server's moderators may do."""
        subject = {"$type": "com.atproto.admin.defs#repoRef", "did": owner.did}
        order = {"subject": subject, "takedown": {"applied": True, "ref": "test"}}
        answer = await self.call("admin.updateSubjectStatus", json=order, auth=self._admin)
        assert answer.status_code == 200, answer.text

    async def delete(self, owner: Owner) -> None:
        """What the server's operator may do."""
        answer = await self.call("admin.deleteAccount", json={"did": owner.did}, auth=self._admin)
        assert answer.status_code == 200, answer.text

    def expired_token(self, owner: Owner) -> str:
        """An access token of an app password as this server signed it three hours ago."""
        issued = datetime.now(UTC) - timedelta(hours=3)
        claims = {
            "scope": "com.atproto.appPass",
            "sub": owner.did,
            "aud": self._did,
            "iat": int(issued.timestamp()),
            "exp": int((issued + timedelta(hours=2)).timestamp()),
        }
        parts = ({"typ": "at+jwt", "alg": "HS256"}, claims)
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
        signature = hmac.digest(self._jwt_secret.encode(), signed.encode(), "sha256")
        return f"{signed}.{_base64url(signature)}"

    async def ask(self, method: str, token: str | None = None, **more: Any) -> dict[str, Any]:
        """The JSON that `com.atproto.{method}` answers."""
        answer = await self.call(method, token, **more)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json() if answer.content else {}
        return body

    async def call(self, method: str, token: str | None = None, **more: Any) -> httpx.Response:
        """Any answer of `com.atproto.{method}`; a procedure when there is `json`, else a query."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return await self._http.request(
            "POST" if "json" in more else "GET",
            f"{self.url}/xrpc/com.atproto.{method}",
            headers=headers,
            **more,
        )


@asynccontextmanager
async def running_reference_server(node: str, data: Path) -> AsyncIterator[ReferenceServer]:
    """Run one with its data in that empty folder."""
    process = await asyncio.create_subprocess_exec(
        *(node, str(FOLDER / "server.mjs"), str(data)),
        cwd=FOLDER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
        assert line, "the reference server ended at once"
        async with httpx.AsyncClient(timeout=30) as http:
            yield ReferenceServer(json.loads(line), http)
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


def blob_cid(content: bytes) -> str:
    """The content identifier of raw bytes: CID version 1, SHA-256, base 32."""
    packed = b"\x01\x55\x12\x20" + hashlib.sha256(content).digest()
    return "b" + base64.b32encode(packed).decode().lower().rstrip("=")


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
