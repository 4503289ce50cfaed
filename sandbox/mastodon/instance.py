"""Mastodon: one instance's API, below `/mastodon/api`."""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.accounts import Account
from sandbox.clock import rfc3339
from sandbox.exchange import endpoint
from sandbox.faults import NetworkName
from sandbox.ledger import PublicEntry
from sandbox.mastodon.limits import MastodonLimits
from sandbox.mastodon.media import MastodonMedia
from sandbox.mastodon.statuses import (
    MAX_CHARACTERS,
    MAX_MEDIA,
    WantedStatus,
    mastodon_error,
    shown_account,
    shown_status,
    wanted_status,
)
from sandbox.mastodon.text import URL_LENGTH
from sandbox.network import Call, Network, Refusal
from sandbox.parameters import Parameters
from sandbox.state import State

IDEMPOTENCY_LIFETIME = timedelta(seconds=3_600)


class Mastodon(Network):
    """Statuses and media of one instance."""

    name: ClassVar[NetworkName] = "mastodon"

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.limits = MastodonLimits(state)
        self._media = MastodonMedia(self)
        self._by_key: dict[tuple[str, str], PublicEntry] = {}
        state.ledger.watch(self.name, self._remember, self._by_key.clear)

    def routes(self) -> list[Route]:
        v1, media = "/api/v1", self._media
        statuses = f"{v1}/accounts/{{id}}/statuses"
        return [
            endpoint(self, "GET", "/api/v2/instance", self.instance, "profile"),
            endpoint(self, "GET", f"{v1}/accounts/verify_credentials", self.get_me, "profile"),
            endpoint(self, "POST", "/api/v2/media", media.upload, "upload"),
            endpoint(self, "GET", f"{v1}/media/{{id}}", media.get, "publish_status"),
            endpoint(self, "PUT", f"{v1}/media/{{id}}", media.describe, "alt_text"),
            endpoint(self, "POST", f"{v1}/statuses", self.create_status, _posting),
            endpoint(self, "GET", f"{v1}/statuses/{{id}}", self.get_status, "lookup"),
            endpoint(self, "DELETE", f"{v1}/statuses/{{id}}", self.delete_status, "delete"),
            endpoint(self, "GET", statuses, self.list_statuses, "lookup"),
        ]

    # Accounts

    def new_account(self, handle: str, name: str, details: dict[str, Any]) -> Account:
        return Account(
            network=self.name,
            id=self.state.identifiers.mastodon(),
            handle=handle,
            name=name,
            created_at=rfc3339(self.state.clock.now()),
            details={"application": "Punctual", **details},
        )

    def credentials(self, account: Account, base: str) -> dict[str, Any]:
        token = self.state.accounts.current(account, "access")
        if token is None:
            token = self.state.accounts.issue(
                account,
                "access",
                lifetime_seconds=account.access_token_lifetime_seconds,
                value=secrets.token_urlsafe(32),
            )
        return {
            "instance_url": f"{base}/mastodon",
            "access_token": token.value,
            "account_id": account.id,
        }

    def owner(self, request: Request, _parameters: Parameters) -> Account | None:
        return self.owner_by_bearer(request)

    def authenticated(self, call: Call) -> Account:
        token = self.token_by_bearer(call.request)
        if token is None or not token.is_valid(self.state.clock.now()):
            raise mastodon_error(401, "The access token is invalid")
        account = self.state.accounts.owner(token)
        self.limits.spend(account, "calls")
        return account

    def headers(self, call: Call) -> Mapping[str, str]:
        return self.limits.headers(call)

    def rate_limited(self, call: Call, retry_after_seconds: int) -> Refusal:
        return self.limits.exceeded(call, retry_after_seconds)

    def quota_exhausted(self, _call: Call) -> Refusal:
        return self.limits.day_exceeded()

    def server_error(self) -> Refusal:
        return mastodon_error(500, "Something went wrong on our end")

    # Statuses

    async def create_status(self, call: Call) -> Response:
        account = self.authenticated(call)
        key = call.request.headers.get("idempotency-key")
        if key and (earlier := self._published_with(account, key)):
            return JSONResponse(self._shown(call, earlier))
        wanted = wanted_status(call.parameters)
        media = self._media.attach(account, wanted.media_ids)
        parent = self._parent(wanted)
        self.limits.spend(account, "posts")
        entry = self.publish(
            call,
            account,
            entry_id=self.state.identifiers.mastodon(),
            text=wanted.text,
            kind="reply" if parent else "post",
            parent_id=parent.id if parent else None,
            media=media,
            extra={**wanted.extra, "idempotency_key": key},
        )
        self._media.use(account, media)
        return JSONResponse(self._shown(call, entry))

    def _published_with(self, account: Account, key: str) -> PublicEntry | None:
        """The status that this key made within the hour, whatever is asked for now."""
        entry = self._by_key.get((account.id, key))
        if entry is None or entry.deleted_at is not None:
            return None
        age = self.state.clock.now() - entry.public_at
        return entry if age < IDEMPOTENCY_LIFETIME else None

    def _remember(self, entry: PublicEntry) -> None:
        if key := entry.extra.get("idempotency_key"):
            self._by_key[entry.account_id, key] = entry

    def _parent(self, wanted: WantedStatus) -> PublicEntry | None:
        if wanted.in_reply_to_id is None:
            return None
        parent = self.state.ledger.get(self.name, wanted.in_reply_to_id)
        if parent is None:
            message = "The post you are trying to reply to does not appear to exist."
            raise mastodon_error(404, message)
        return parent

    async def get_status(self, call: Call) -> Response:
        return JSONResponse(self._shown(call, self._entry(call)))

    async def delete_status(self, call: Call) -> Response:
        account = self.authenticated(call)
        self.limits.spend(account, "deletes")
        entry = self._entry(call)
        if entry.account_id != account.id:
            raise mastodon_error(404, "Record not found")
        self.state.ledger.delete(entry, self.state.clock.now())
        return JSONResponse({**self._shown(call, entry), "text": entry.text})

    async def list_statuses(self, call: Call) -> Response:
        self.authenticated(call)
        parameters = call.parameters
        limit = parameters.text("limit") or "20"
        count = min(int(limit), 40) if limit.isdigit() else 20
        entries = list(self.state.ledger.newest_first(self.name, call.path("id")))
        if parameters.flag("exclude_replies", default=False):
            entries = [entry for entry in entries if entry.kind != "reply"]
        if newer_than := _id_in(parameters, "since_id"):
            entries = [entry for entry in entries if int(entry.id) > newer_than]
        if older_than := _id_in(parameters, "max_id"):
            entries = [entry for entry in entries if int(entry.id) < older_than]
        if next_after := _id_in(parameters, "min_id"):
            # The oldest ones after it, where since_id gives the newest ones.
            entries = [entry for entry in entries if int(entry.id) > next_after][-count:]
        page = [self._shown(call, entry) for entry in entries[:count]]
        return JSONResponse(page, headers=_page_links(call, page))

    def _entry(self, call: Call) -> PublicEntry:
        entry = self.state.ledger.get(self.name, call.path("id"))
        if entry is None:
            raise mastodon_error(404, "Record not found")
        return entry

    def _shown(self, call: Call, entry: PublicEntry) -> dict[str, Any]:
        account = self.state.accounts.find(self.name, entry.account_id)
        parent = self.state.ledger.get(self.name, entry.parent_id or "")
        return shown_status(
            entry,
            url=self.permalink(call.base, entry),
            base=call.base,
            account={} if account is None else shown_account(account, call.base),
            application=None if account is None else account.details["application"],
            parent_account_id=None if parent is None else parent.account_id,
        )

    # About the instance and the account

    async def get_me(self, call: Call) -> Response:
        return JSONResponse(shown_account(self.authenticated(call), call.base))

    async def instance(self, call: Call) -> Response:
        configuration = {
            "statuses": {
                "max_characters": MAX_CHARACTERS,
                "max_media_attachments": MAX_MEDIA,
                "characters_reserved_per_url": URL_LENGTH,
            },
            "media_attachments": self._media.limits(),
            "polls": {
                "max_options": 4,
                "max_characters_per_option": 50,
                "min_expiration": 300,
                "max_expiration": 2_629_746,
            },
        }
        return JSONResponse(
            {
                "domain": call.request.url.netloc,
                "title": "Sandbox",
                "version": "4.5.0",
                "source_url": "https://github.com/mastodon/mastodon",
                "description": "A Mastodon instance inside the sandbox",
                "configuration": configuration,
                "registrations": {"enabled": False},
            }
        )


def _posting(_: Request, parameters: Parameters) -> tuple[str, ...]:
    is_reply = parameters.values.get("in_reply_to_id")
    return ("publish", "reply", "comment") if is_reply else ("publish",)


def _id_in(parameters: Parameters, name: str) -> int | None:
    value = parameters.text(name) or ""
    return int(value) if value.isdigit() else None


def _page_links(call: Call, page: list[dict[str, Any]]) -> dict[str, str]:
    if not page:
        return {}
    here = f"{call.base}{call.request.url.path}"
    older, newer = f"{here}?max_id={page[-1]['id']}", f"{here}?min_id={page[0]['id']}"
    return {"Link": f'<{older}>; rel="next", <{newer}>; rel="prev"'}
