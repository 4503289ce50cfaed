"""The control API of a running sandbox: accounts, faults, and what is public."""

from typing import Any
from uuid import uuid4

from networks.http_client import HttpClient, Response
from networks.protocol import Target


class SandboxControl:
    """Orders accounts and faults, and asks for the ground truth."""

    def __init__(self, http: HttpClient, url: str) -> None:
        """`url` has no slash at its end."""
        self.url = url
        self._http = http

    async def connect(self, network: str) -> Target:
        """A fresh account of that network, connected."""
        order = {"network": network, "handle": f"bakery-{uuid4().hex[:12]}"}
        account = (await self._ask("POST", "accounts", json=order)).object
        return Target(
            account_id=uuid4(),
            remote_id=account["account_id"],
            handle=account["handle"],
            credentials=account["credentials"],
        )

    async def order_fault(self, target: Target, network: str, kind: str, **more: Any) -> None:
        """Let the account's next matching call meet that fault."""
        order = {"network": network, "account": target.remote_id, "kind": kind, **more}
        await self._ask("POST", "faults", json=order)

    async def truth(self, target: Target) -> list[dict[str, Any]]:
        """Everything public of that account, oldest first."""
        answer = await self._ask("GET", "truth", query={"account": target.remote_id})
        entries: list[dict[str, Any]] = answer.json
        return entries

    async def clear_faults(self) -> None:
        """Forget the faults that no call met."""
        await self._ask("DELETE", "faults")

    async def _ask(self, method: str, noun: str, **more: Any) -> Response:
        answer = await self._http.request(method, f"{self.url}/_sandbox/{noun}", **more)
        assert answer.status < 300, answer.body
        return answer
