"""X: the API v2, below `/x/2`.

Ids are strings, times have milliseconds and Z, texts come back with t.co links and escaped `&<>`.
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.accounts import Account
from sandbox.clock import milliseconds, moment, rfc3339
from sandbox.exchange import endpoint
from sandbox.faults import NetworkName
from sandbox.ledger import PublicEntry, PublicMedia
from sandbox.network import Call, Network, Refusal
from sandbox.parameters import Parameters
from sandbox.state import State
from sandbox.x.limits import XLimits
from sandbox.x.media import XMedia
from sandbox.x.posts import invalid_request, problem, shown_post, wanted_post
from sandbox.x.text import show_text
from sandbox.x.tokens import XTokens


class X(Network):
    """Posts, media and tokens of X."""

    name: ClassVar[NetworkName] = "x"

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._limits = XLimits(state)
        self._tokens = XTokens(state)
        self._media = XMedia(self)
        self._same: dict[tuple[str, str, tuple[str, ...]], PublicEntry] = {}
        state.ledger.watch(self.name, self._remember, self._same.clear)

    def routes(self) -> list[Route]:
        return [
            endpoint(self, "POST", "/2/tweets", self.create_post, _posting, is_quick=True),
            endpoint(self, "GET", "/2/tweets/{id}", self.get_post, "lookup"),
            endpoint(self, "DELETE", "/2/tweets/{id}", self.delete_post, "delete"),
            endpoint(self, "GET", "/2/users/me", self.get_me, "profile"),
            endpoint(self, "GET", "/2/users/{id}/tweets", self.list_posts, "lookup"),
            endpoint(self, "POST", "/2/oauth2/token", self._tokens.refresh, "token"),
            *self._media.routes(),
        ]

    # Accounts

    def new_account(self, handle: str, name: str, details: dict[str, Any]) -> Account:
        return Account(
            network=self.name,
            id=self.state.identifiers.snowflake(),
            handle=handle,
            name=name,
            created_at=rfc3339(self.state.clock.now()),
            details={"client_id": secrets.token_urlsafe(18), **details},
        )

    def credentials(self, account: Account, _base: str) -> dict[str, Any]:
        return self._tokens.credentials(account)

    def owner(self, request: Request, parameters: Parameters) -> Account | None:
        refresh = parameters.text("refresh_token")
        if refresh is None:
            return self.owner_by_bearer(request)
        token = self.state.accounts.token(self.name, refresh)
        return None if token is None else self.state.accounts.owner(token)

    def authenticated(self, call: Call, limit: str) -> Account:
        """The account of the call's token, after one call is taken from its limit of 15 minutes."""
        token = self.token_by_bearer(call.request)
        if token is None or token.use != "access" or not token.is_valid(self.state.clock.now()):
            raise problem(401, "Unauthorized", "Unauthorized")
        account = self.state.accounts.owner(token)
        self._limits.spend(account, limit)
        return account

    def headers(self, call: Call) -> Mapping[str, str]:
        return self._limits.headers(call)

    def rate_limited(self, call: Call, retry_after_seconds: int) -> Refusal:
        return self._limits.exceeded(call, retry_after_seconds)

    def quota_exhausted(self, _call: Call) -> Refusal:
        return self._limits.day_exceeded()

    def server_error(self) -> Refusal:
        return problem(500, "Internal Server Error", "Something is broken.")

    # Posts

    async def create_post(self, call: Call) -> Response:
        account = self.authenticated(call, "post")
        wanted = wanted_post(call.parameters)
        media = self._media.attach(account, wanted.media_ids, wanted.tagged_user_ids)
        self._refuse_impossible_reply(account, wanted.reply_to)
        self._refuse_duplicate(account, wanted.text, media)
        post_id = self.state.identifiers.snowflake()
        shown, urls = show_text(
            wanted.text, _new_short_link, self._media.links(account, post_id, media)
        )
        self.publish(
            call,
            account,
            entry_id=post_id,
            text=wanted.text,
            kind="reply" if wanted.reply_to else "post",
            parent_id=wanted.reply_to,
            media=media,
            extra={"shown_text": shown, "urls": urls, **wanted.extra},
        )
        return JSONResponse(
            {"data": {"id": post_id, "text": shown, "edit_history_tweet_ids": [post_id]}}, 201
        )

    async def get_post(self, call: Call) -> Response:
        self.authenticated(call, "list")
        entry = self.state.ledger.get(self.name, call.path("id"))
        if entry is None:
            missing = {
                "value": call.path("id"),
                "detail": f"Could not find tweet with id: [{call.path('id')}].",
                "title": "Not Found Error",
                "resource_type": "tweet",
                "parameter": "id",
                "resource_id": call.path("id"),
                "type": "https://api.twitter.com/2/problems/resource-not-found",
            }
            return JSONResponse({"errors": [missing]})
        return JSONResponse({"data": self._shown(entry, call)})

    async def delete_post(self, call: Call) -> Response:
        account = self.authenticated(call, "delete")
        entry = self.state.ledger.get(self.name, call.path("id"))
        if entry is not None and entry.account_id != account.id:
            raise problem(403, "Forbidden", "You are not authorized to delete this Tweet.")
        if entry is not None:
            self.state.ledger.delete(entry, self.state.clock.now())
        return JSONResponse({"data": {"deleted": entry is not None}})

    async def list_posts(self, call: Call) -> Response:
        self.authenticated(call, "list")
        parameters = call.parameters
        try:
            wanted = int(parameters.text("max_results") or 10)
            since = moment(parameters.text("start_time") or "1970-01-01T00:00:00Z")
            skipped = int(parameters.text("pagination_token") or 0)
            since_id = int(parameters.text("since_id") or 0)
        except ValueError as error:
            raise invalid_request(str(error)) from error
        if not 5 <= wanted <= 100:
            detail = f"The `max_results` query parameter value [{wanted}] is not between 5 and 100"
            raise invalid_request(detail)
        entries = [
            entry
            for entry in self.state.ledger.newest_first(self.name, call.path("id"))
            if entry.public_at >= since and int(entry.id) > since_id
        ]
        page = entries[skipped : skipped + wanted]
        meta: dict[str, Any] = {"result_count": len(page)}
        if not page:
            return JSONResponse({"meta": meta})
        meta |= {"newest_id": page[0].id, "oldest_id": page[-1].id}
        if len(entries) > skipped + wanted:
            meta["next_token"] = str(skipped + wanted)
        return JSONResponse({"data": [self._shown(entry, call) for entry in page], "meta": meta})

    async def get_me(self, call: Call) -> Response:
        account = self.authenticated(call, "me")
        return JSONResponse(
            {"data": {"id": account.id, "name": account.name, "username": account.handle}}
        )

    def _shown(self, entry: PublicEntry, call: Call) -> dict[str, Any]:
        fields = (call.parameters.text("tweet.fields") or "").split(",")
        return shown_post(entry, fields, milliseconds(entry.public_at))

    def _remember(self, entry: PublicEntry) -> None:
        self._same[_sameness(entry.account_id, entry.text, entry.media)] = entry

    def _refuse_duplicate(
        self, account: Account, text: str, media: tuple[PublicMedia, ...]
    ) -> None:
        earlier = self._same.get(_sameness(account.id, text, media))
        if earlier is None or earlier.deleted_at is not None:
            return
        window = timedelta(seconds=self.state.settings.x_duplicate_window_seconds)
        if self.state.clock.now() - earlier.public_at < window:
            detail = "You are not allowed to create a Tweet with duplicate content."
            raise problem(403, "Forbidden", detail)

    def _refuse_impossible_reply(self, account: Account, reply_to: str | None) -> None:
        """A reply needs its parent; someone else's must have mentioned the one who replies."""
        if reply_to is None:
            return
        parent = self.state.ledger.get(self.name, reply_to)
        if parent is None:
            detail = "You attempted to reply to a Tweet that is deleted or not visible to you."
            raise problem(403, "Forbidden", detail)
        mentioned = f"@{account.handle}".lower() in parent.text.lower()
        if parent.account_id != account.id and not mentioned:
            raise problem(403, "Forbidden", "You are not permitted to perform this action.")


def _new_short_link() -> str:
    """Each use of a link gets a new short one."""
    return f"https://t.co/{secrets.token_hex(5)}"


def _posting(_: Request, parameters: Parameters) -> tuple[str, ...]:
    return ("publish", "reply", "comment") if parameters.values.get("reply") else ("publish",)


def _sameness(
    account_id: str, text: str, media: tuple[PublicMedia, ...]
) -> tuple[str, str, tuple[str, ...]]:
    return account_id, text.strip(), tuple(item.sha256 for item in media)
