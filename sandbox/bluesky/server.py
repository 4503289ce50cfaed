"""Bluesky: a personal data server of the AT Protocol, below `/bluesky/xrpc`."""

import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.accounts import Account
from sandbox.bluesky.blobs import BlueskyBlobs
from sandbox.bluesky.identifiers import next_tid, record_cid
from sandbox.bluesky.input import check_input, xrpc_error
from sandbox.bluesky.lexicon import Check, Invalid, has_format
from sandbox.bluesky.limits import BlueskyLimits
from sandbox.bluesky.records import (
    CREATE,
    DELETE,
    GET,
    LIST,
    POST,
    PUT,
    check_post,
)
from sandbox.bluesky.sessions import BlueskySessions
from sandbox.clock import rfc3339
from sandbox.exchange import endpoint
from sandbox.faults import NetworkName
from sandbox.ledger import PublicEntry
from sandbox.network import Call, Network, Refusal
from sandbox.parameters import Parameters
from sandbox.state import State

_PLC_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


class Bluesky(Network):
    """Sessions, blobs and the records of posts."""

    name: ClassVar[NetworkName] = "bluesky"

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.limits = BlueskyLimits(state)
        self.sessions = BlueskySessions(self)
        self._blobs = BlueskyBlobs(self)

    def routes(self) -> list[Route]:
        server, repo = "/xrpc/com.atproto.server", "/xrpc/com.atproto.repo"
        resolve = "/xrpc/com.atproto.identity.resolveHandle"
        sessions = self.sessions
        return [
            endpoint(self, "POST", f"{server}.createSession", sessions.create, "token"),
            endpoint(self, "POST", f"{server}.refreshSession", sessions.refresh, "token"),
            endpoint(self, "GET", f"{server}.getSession", sessions.get, "profile"),
            endpoint(self, "GET", f"{server}.describeServer", self.describe_server, "profile"),
            endpoint(self, "POST", f"{repo}.uploadBlob", self._blobs.upload, "upload"),
            endpoint(self, "POST", f"{repo}.createRecord", self.create_record, _posting),
            endpoint(self, "POST", f"{repo}.putRecord", self.put_record, _posting),
            endpoint(self, "POST", f"{repo}.deleteRecord", self.delete_record, "delete"),
            endpoint(self, "GET", f"{repo}.getRecord", self.get_record, "lookup"),
            endpoint(self, "GET", f"{repo}.listRecords", self.list_records, "lookup"),
            endpoint(self, "GET", resolve, self.resolve_handle, "profile"),
        ]

    # Accounts

    def new_account(self, handle: str, name: str, details: dict[str, Any]) -> Account:
        return Account(
            network=self.name,
            id="did:plc:" + "".join(secrets.choice(_PLC_ALPHABET) for _ in range(24)),
            handle=handle,
            name=name,
            created_at=rfc3339(self.state.clock.now()),
            details=details,
        )

    def credentials(self, account: Account, base: str) -> dict[str, Any]:
        return {
            "identifier": account.handle,
            "app_password": self.sessions.app_password(account),
            "did": account.id,
            "handle": account.handle,
            "service_url": f"{base}/bluesky",
        }

    def owner(self, request: Request, parameters: Parameters) -> Account | None:
        name = parameters.text("identifier") or parameters.text("repo")
        if account := self.owner_by_bearer(request):
            return account
        return None if name is None else self.state.accounts.find(self.name, name)

    def revoke(self, account: Account) -> None:
        self.sessions.revoke(account)

    # Limits

    def headers(self, call: Call) -> Mapping[str, str]:
        return {} if call.account is None else self.limits.headers(call.account)

    def rate_limited(self, call: Call, retry_after_seconds: int) -> Refusal:
        return self.limits.exceeded(retry_after_seconds, is_login=_is_login(call))

    def quota_exhausted(self, call: Call) -> Refusal:
        return self.limits.day_exceeded(is_login=_is_login(call))

    def server_error(self) -> Refusal:
        return xrpc_error(500, "InternalServerError", "Internal Server Error")

    # Records

    async def create_record(self, call: Call) -> Response:
        account = self._writer(call, CREATE, "create")
        rkey = call.parameters.text("rkey") or next_tid(self.state.identifiers)
        record = self._wanted(call.parameters, rkey)
        uri = f"at://{account.id}/{POST}/{rkey}"
        if self.state.ledger.get(self.name, uri) is not None:
            # The tree of records throws a plain error, which surfaces as 500, not as a conflict.
            raise self.server_error()
        return self._commit(call, account, uri, rkey, record)

    async def put_record(self, call: Call) -> Response:
        account = self._writer(call, PUT, "update")
        rkey = str(call.parameters.values["rkey"])
        record = self._wanted(call.parameters, rkey)
        uri = f"at://{account.id}/{POST}/{rkey}"
        current = self.state.ledger.get(self.name, uri)
        if current is not None and current.extra["cid"] == record_cid(record):
            known = {"uri": uri, "cid": current.extra["cid"], "validationStatus": "valid"}
            return JSONResponse(known)
        self._check_swap(call.parameters, current)
        if current is None:
            return self._commit(call, account, uri, rkey, record)
        self._blobs.keep(account, record)
        extra = {**current.extra, "record": record, "cid": record_cid(record)}
        self.state.ledger.change(current, text=record["text"], extra=extra)
        return self._written(uri, extra["cid"])

    def _check_swap(self, parameters: Parameters, current: PublicEntry | None) -> None:
        """`swapRecord` names what must be there now; null says that nothing may be."""
        if "swapRecord" not in parameters.values:
            return
        actual = None if current is None else current.extra["cid"]
        if parameters.values["swapRecord"] != actual:
            raise xrpc_error(400, "InvalidSwap", f"Record was at {actual or 'null'}")

    def _commit(
        self, call: Call, account: Account, uri: str, rkey: str, record: dict[str, Any]
    ) -> Response:
        media = self._blobs.media_of(account, record)
        self._blobs.keep(account, record)
        reply = record.get("reply")
        cid = record_cid(record)
        self.publish(
            call,
            account,
            entry_id=uri,
            text=record["text"],
            kind="reply" if reply else "post",
            parent_id=reply["parent"]["uri"] if reply else None,
            media=media,
            extra={"cid": cid, "record": record, "facets": record.get("facets", [])},
            anchor=rkey,
        )
        return self._written(uri, cid)

    def _written(self, uri: str, cid: str) -> Response:
        rev = next_tid(self.state.identifiers)
        commit = {"cid": record_cid({"rev": rev, "uri": uri}), "rev": rev}
        return JSONResponse({"uri": uri, "cid": cid, "commit": commit, "validationStatus": "valid"})

    async def delete_record(self, call: Call) -> Response:
        account = self._writer(call, DELETE, "delete")
        entry = self.state.ledger.get(self.name, _uri(account, call.parameters))
        if entry is None:
            return JSONResponse({})
        self.state.ledger.delete(entry, self.state.clock.now())
        rev = next_tid(self.state.identifiers)
        return JSONResponse({"commit": {"cid": record_cid({"rev": rev}), "rev": rev}})

    async def get_record(self, call: Call) -> Response:
        account = self._asked(call.parameters, GET)
        if account is None:
            # Of an account that it does not show, the server names no record.
            raise xrpc_error(400, "InvalidRequest", "Could not locate record")
        uri = _uri(account, call.parameters)
        entry = self.state.ledger.get(self.name, uri)
        wanted_cid = call.parameters.text("cid")
        if entry is None or (wanted_cid and wanted_cid != entry.extra["cid"]):
            raise xrpc_error(400, "RecordNotFound", f"Could not locate record: {uri}")
        return JSONResponse(_shown(entry))

    async def list_records(self, call: Call) -> Response:
        parameters = call.parameters
        account = self._asked(parameters, LIST)
        limit = parameters.text("limit") or "50"
        if not limit.isdecimal() or not 1 <= int(limit) <= 100:
            raise self.server_error()
        if account is None:
            message = f"Could not find repo: {parameters.text('repo')}"
            raise xrpc_error(400, "InvalidRequest", message)
        entries = [
            entry
            for entry in self.state.ledger.newest_first(self.name, account.id)
            if _collection(entry) == parameters.text("collection")
        ]
        is_reversed = parameters.flag("reverse", default=False)
        entries.sort(key=lambda entry: entry.anchor, reverse=not is_reversed)
        if cursor := parameters.text("cursor"):
            entries = [entry for entry in entries if (entry.anchor < cursor) is not is_reversed]
            entries = [entry for entry in entries if entry.anchor != cursor]
        page = entries[: int(limit)]
        body: dict[str, Any] = {"records": [_shown(entry) for entry in page]}
        if page:
            body["cursor"] = page[-1].anchor
        return JSONResponse(body)

    # Names

    async def resolve_handle(self, call: Call) -> Response:
        handle = call.parameters.text("handle") or ""
        if not has_format(handle, "handle"):
            raise self.server_error()
        account = self.state.accounts.find(self.name, handle)
        if account is None or account.handle.lower() != handle.lower():
            raise xrpc_error(400, "InvalidRequest", "Unable to resolve handle")
        return JSONResponse({"did": account.id})

    async def describe_server(self, call: Call) -> Response:
        host = call.request.url.hostname
        return JSONResponse(
            {"did": f"did:web:{host}", "availableUserDomains": [], "inviteCodeRequired": True}
        )

    def _writer(self, call: Call, check: Check, action: str) -> Account:
        """Who writes, after a look at everything but the record."""
        account = self.sessions.authenticated(call)
        parameters = call.parameters
        check_input(check, parameters)
        self.limits.spend(account, action)
        owner = self.state.accounts.find(self.name, parameters.values["repo"])
        if owner is None:
            raise xrpc_error(403, "AccountNotFound", "Account not found")
        if owner.id != account.id:
            raise xrpc_error(401, "AuthenticationRequired", "Authentication Required")
        return account

    def _wanted(self, parameters: Parameters, rkey: str) -> dict[str, Any]:
        if parameters.values["collection"] != POST:
            raise xrpc_error(400, "InvalidRequest", f"Only {POST} is served here")
        record: dict[str, Any] = parameters.values["record"]
        check_post(record, rkey)
        return record

    def _asked(self, parameters: Parameters, check: Check) -> Account | None:
        """Whose records are asked for."""
        try:
            check(parameters.values, "$")
        except Invalid as error:
            # The server checks the parameters of a query where it does not expect them to be wrong.
            raise self.server_error() from error
        return self.state.accounts.find(self.name, parameters.values["repo"])


def _uri(account: Account, parameters: Parameters) -> str:
    return f"at://{account.id}/{parameters.text('collection')}/{parameters.text('rkey')}"


def _is_login(call: Call) -> bool:
    return call.request.url.path.endswith(".createSession")


def _posting(_: Request, parameters: Parameters) -> tuple[str, ...]:
    record = parameters.values.get("record")
    is_reply = isinstance(record, dict) and "reply" in record
    return ("publish", "reply", "comment") if is_reply else ("publish",)


def _collection(entry: PublicEntry) -> str:
    return entry.id.split("/")[3]


def _shown(entry: PublicEntry) -> dict[str, Any]:
    return {"uri": entry.id, "cid": entry.extra["cid"], "value": entry.extra["record"]}
