"""Instagram content publishing: containers, publishing, comments, below `/instagram/v25.0`."""

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, ClassVar

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.accounts import Account
from sandbox.clock import rfc3339
from sandbox.exchange import endpoint
from sandbox.faults import NetworkName
from sandbox.ledger import PublicEntry, PublicMedia
from sandbox.meta.graph import (
    DAY,
    GraphNetwork,
    asked_fields,
    graph_error,
    graph_time,
    missing_object,
    page_of,
    pick,
)
from sandbox.meta.instagram_containers import InstagramContainers
from sandbox.network import Call, Refusal
from sandbox.state import State

QUOTA = 50
SIXTY_DAYS = 60 * DAY


class Instagram(GraphNetwork):
    """Photos, reels, carousels, stories and comments of professional accounts."""

    name: ClassVar[NetworkName] = "instagram"
    usage_type = "instagram"
    limit_code = 80_002

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._containers = InstagramContainers(self)
        self._published_at: dict[str, list[datetime]] = {}
        state.ledger.watch(self.name, self._remember, self._published_at.clear)

    def routes(self) -> list[Route]:
        version = "/v{version}"
        create = self._containers.create
        refresh = "/refresh_access_token"
        limit = "/content_publishing_limit"
        return [
            endpoint(self, "GET", refresh, self.refresh_token, "token"),
            endpoint(self, "GET", f"{version}{refresh}", self.refresh_token, "token"),
            endpoint(self, "GET", f"{version}/debug_token", self.debug_token, "token"),
            endpoint(self, "POST", f"{version}/{{id}}/media", create, "container"),
            endpoint(
                self, "POST", f"{version}/{{id}}/media_publish", self.publish_media, "publish"
            ),
            endpoint(self, "GET", f"{version}/{{id}}/media", self.list_media, "lookup"),
            endpoint(self, "GET", f"{version}/{{id}}/stories", self.list_stories, "lookup"),
            endpoint(self, "GET", f"{version}/{{id}}{limit}", self.publishing_limit, "lookup"),
            endpoint(self, "POST", f"{version}/{{id}}/comments", self.create_comment, "comment"),
            endpoint(self, "POST", f"{version}/{{id}}/replies", self.create_comment, "comment"),
            endpoint(self, "GET", f"{version}/{{id}}/comments", self.list_comments, "lookup"),
            endpoint(self, "GET", f"{version}/{{id}}/replies", self.list_comments, "lookup"),
            endpoint(self, "GET", f"{version}/me", self._get_object, "profile"),
            endpoint(self, "GET", f"{version}/{{id}}", self._get_object, self._looking),
        ]

    def new_account(self, handle: str, name: str, details: dict[str, Any]) -> Account:
        return Account(
            network=self.name,
            id=self.state.identifiers.graph(),
            handle=handle,
            name=name,
            created_at=rfc3339(self.state.clock.now()),
            details=details,
        )

    def credentials(self, account: Account, _base: str) -> dict[str, Any]:
        current = self.state.accounts.current(account, "access")
        token = current or self.issue_token(account, SIXTY_DAYS)
        return {"ig_user_id": account.id, "access_token": token.value}

    async def refresh_token(self, call: Call) -> Response:
        """A token of at least 24 hours can be changed for one of 60 days; an expired one cannot."""
        account = self.authenticated(call)
        token = self._token(call.request, call.parameters)
        if call.parameters.text("grant_type") != "ig_refresh_token" or token is None:
            raise graph_error(100, "(#100) grant_type must be ig_refresh_token")
        if self.state.clock.now() - token.issued_at < timedelta(days=1):
            raise graph_error(100, "(#100) The token is younger than 24 hours")
        fresh = self.issue_token(account, SIXTY_DAYS)
        return JSONResponse(
            {"access_token": fresh.value, "token_type": "bearer", "expires_in": SIXTY_DAYS}
        )

    # Publishing

    async def publish_media(self, call: Call) -> Response:
        account = self.of_own_account(call, call.path("id"))
        container = self._containers.publishable(account, call.parameters.text("creation_id"))
        is_limited = self.state.settings.rate_limits and not account.unlimited
        if is_limited and self._quota_used(account) >= QUOTA:
            raise self.quota_exhausted(call)
        media_id = self.state.identifiers.graph()
        details = container.details
        extra = {
            "media_type": details["media_type"],
            "media_product_type": details["media_product_type"],
            "shortcode": _shortcode(media_id),
        }
        media = tuple(PublicMedia(**item) for item in details["media"])
        self.publish(
            call,
            account,
            entry_id=media_id,
            text=details["caption"],
            media=media,
            extra=extra,
            anchor=extra["shortcode"],
        )
        container.state = "used"
        self.state.uploads.save(container)
        return JSONResponse({"id": media_id})

    async def publishing_limit(self, call: Call) -> Response:
        account = self.of_own_account(call, call.path("id"))
        usage = {
            "quota_usage": self._quota_used(account),
            "config": {"quota_total": QUOTA, "quota_duration": DAY},
        }
        fields = asked_fields(call.parameters) or ["quota_usage"]
        return JSONResponse({"data": [{name: usage[name] for name in fields if name in usage}]})

    def quota_exhausted(self, _call: Call) -> Refusal:
        return graph_error(
            9,
            "Application request limit reached",
            subcode=2207042,
            title="Maximum number of posts reached",
            user_message="You reached the maximum number of posts that can be published.",
        )

    def _quota_used(self, account: Account) -> int:
        """Publications of the last 24 hours, to the second: a rolling window."""
        since = self.state.clock.now() - timedelta(seconds=DAY)
        newest_first = reversed(self._published_at.get(account.id, []))
        return sum(1 for _ in takewhile(lambda at: at > since, newest_first))

    def _remember(self, entry: PublicEntry) -> None:
        if entry.kind == "post":
            self._published_at.setdefault(entry.account_id, []).append(entry.public_at)

    # Reading

    def _looking(self, request: Any, _: Any) -> tuple[str, ...]:
        """Reading a container is asking how far its publishing is."""
        upload = self.state.uploads.get(self.name, request.path_params["id"])
        return ("lookup",) if upload is None else ("publish_status",)

    async def _get_object(self, call: Call) -> Response:
        account = self.authenticated(call)
        object_id = str(call.request.path_params.get("id", account.id))
        fields = asked_fields(call.parameters)
        if object_id == account.id:
            values = {"id": account.id, "username": account.handle, "name": account.name}
            return JSONResponse(pick({**values, "user_id": account.id}, fields))
        if (container := self.upload_of(account, object_id)) is not None:
            return JSONResponse(pick(self._containers.describe(container), fields))
        entry = self._own_entry(call, account, object_id)
        is_media = entry.kind == "post"
        shown = self._describe_media(call, entry) if is_media else self._describe_comment(entry)
        return JSONResponse(pick(shown, fields))

    async def list_media(self, call: Call) -> Response:
        return self._page_of_media(call, {"FEED", "REELS"})

    async def list_stories(self, call: Call) -> Response:
        return self._page_of_media(call, {"STORY"})

    def _page_of_media(self, call: Call, kinds: set[str]) -> Response:
        account = self.of_own_account(call, call.path("id"))
        fields = asked_fields(call.parameters)
        rows: Iterator[dict[str, Any]] = (
            pick(self._describe_media(call, entry), fields)
            for entry in self.state.ledger.newest_first(self.name, account.id)
            if entry.kind == "post" and entry.extra["media_product_type"] in kinds
        )
        return page_of(rows, call.parameters)

    # Comments

    async def create_comment(self, call: Call) -> Response:
        account = self.authenticated(call)
        parent = self._own_entry(call, account, call.path("id"))
        message = call.parameters.text("message")
        if not message:
            raise graph_error(100, "(#100) The parameter message is required")
        comment_id = self.state.identifiers.graph()
        self.publish(
            call, account, entry_id=comment_id, text=message, kind="comment", parent_id=parent.id
        )
        if "fields" in call.parameters.values:
            # Not a slip: the network creates the comment first and then trips over `fields`.
            raise graph_error(20, "(#20) The comment could not be shown", subcode=1772107)
        return JSONResponse({"id": comment_id})

    async def list_comments(self, call: Call) -> Response:
        account = self.authenticated(call)
        parent = self._own_entry(call, account, call.path("id"))
        fields = asked_fields(call.parameters) or ["timestamp", "text", "id"]
        rows = (
            pick(self._describe_comment(comment), fields) for comment in reversed(parent.comments)
        )
        return page_of(rows, call.parameters)

    def _own_entry(self, call: Call, account: Account, entry_id: str) -> PublicEntry:
        entry = self.state.ledger.get(self.name, entry_id)
        if entry is None or entry.account_id != account.id:
            raise missing_object(call.request.method, entry_id)
        return entry

    def _describe_media(self, call: Call, entry: PublicEntry) -> dict[str, Any]:
        return {
            "id": entry.id,
            "caption": entry.text or None,
            "media_type": entry.extra["media_type"],
            "media_product_type": entry.extra["media_product_type"],
            "media_url": f"{call.base}/pages/media/{entry.media[0].sha256}",
            "permalink": self.permalink(call.base, entry),
            "shortcode": entry.extra["shortcode"],
            "timestamp": graph_time(entry.public_at),
            "username": entry.handle,
            "comments_count": len(entry.comments),
            "like_count": 0,
        }

    def _describe_comment(self, comment: PublicEntry) -> dict[str, Any]:
        return {
            "id": comment.id,
            "text": comment.text,
            "timestamp": graph_time(comment.public_at),
            "username": comment.handle,
            "from": {"id": comment.account_id, "username": comment.handle},
        }


def _shortcode(media_id: str) -> str:
    """The media's number in base 64, as Instagram's own addresses have it."""
    number = int(media_id)
    encoded = base64.urlsafe_b64encode(number.to_bytes(8, "big")).decode()
    return encoded.rstrip("=")
