"""Facebook Pages: the Graph API's page edges, below `/facebook/v25.0`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.accounts import Account
from sandbox.clock import rfc3339
from sandbox.exchange import endpoint
from sandbox.faults import NetworkName
from sandbox.ledger import PublicEntry, PublicMedia
from sandbox.meta.facebook_media import FacebookMedia, posting_photo
from sandbox.meta.graph import (
    GraphNetwork,
    asked_fields,
    graph_error,
    graph_time,
    indexed_list,
    missing_object,
    page_of,
    pick,
)
from sandbox.network import Call, Refusal
from sandbox.state import State

MAX_TEXT = 63_206
MAX_ATTACHED = 10


class Facebook(GraphNetwork):
    """Posts, photos, videos and comments of Pages."""

    name: ClassVar[NetworkName] = "facebook"
    usage_type = "pages"
    limit_code = 80_001

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._media = FacebookMedia(self)

    def routes(self) -> list[Route]:
        version = "/v{version}"
        return [
            endpoint(self, "GET", f"{version}/debug_token", self.debug_token, "token"),
            endpoint(
                self, "POST", f"{version}/{{id}}/feed", self.create_post, "publish", is_quick=True
            ),
            endpoint(self, "POST", f"{version}/{{id}}/photos", self._media.photo, posting_photo),
            endpoint(self, "POST", f"{version}/{{id}}/videos", self._media.video, "publish"),
            endpoint(self, "GET", f"{version}/{{id}}/feed", self.list_posts, "lookup"),
            endpoint(self, "GET", f"{version}/{{id}}/published_posts", self.list_posts, "lookup"),
            endpoint(self, "POST", f"{version}/{{id}}/comments", self.create_comment, "comment"),
            endpoint(self, "GET", f"{version}/{{id}}/comments", self.list_comments, "lookup"),
            endpoint(self, "GET", f"{version}/me", self.get_object, "profile"),
            endpoint(self, "GET", f"{version}/{{id}}", self.get_object, "lookup", is_quick=True),
            endpoint(self, "DELETE", f"{version}/{{id}}", self.delete_post, "delete"),
        ]

    def new_account(self, handle: str, name: str, details: dict[str, Any]) -> Account:
        return Account(
            network=self.name,
            id=str(self.state.identifiers.next()),
            handle=handle,
            name=name,
            created_at=rfc3339(self.state.clock.now()),
            details=details,
        )

    def credentials(self, account: Account, _base: str) -> dict[str, Any]:
        token = self.state.accounts.current(account, "access") or self.issue_token(account, None)
        return {"page_id": account.id, "access_token": token.value}

    def quota_exhausted(self, call: Call) -> Refusal:
        return self.rate_limited(call, 86_400)

    # Posts

    async def create_post(self, call: Call) -> Response:
        page = self.of_own_account(call, call.path("id"))
        message = call.parameters.text("message") or ""
        link = call.parameters.text("link")
        attached = indexed_list(call.parameters, "attached_media")
        self.check_text(message)
        if not (message or link or attached):
            raise graph_error(100, "(#100) The parameter message is required")
        if len(attached) > MAX_ATTACHED:
            raise graph_error(100, f"(#100) At most {MAX_ATTACHED} photos can be attached")
        media = tuple(
            self._media.attach(page, item, position) for position, item in enumerate(attached)
        )
        if not media:
            self._refuse_duplicate(page, message, link)
        if not call.parameters.flag("published", default=True):
            return JSONResponse({"id": f"{page.id}_{self.state.identifiers.next()}"})
        self._media.use(page, media)
        entry = self.publish_post(call, page, message, media, {"link": link} if link else {})
        fields = asked_fields(call.parameters)
        described = self.describe_post(call, entry) if fields else {"id": entry.id}
        return JSONResponse(pick(described, fields))

    def publish_post(
        self,
        call: Call,
        page: Account,
        message: str,
        media: tuple[PublicMedia, ...],
        extra: dict[str, Any],
    ) -> PublicEntry:
        return self.publish(
            call,
            page,
            entry_id=f"{page.id}_{self.state.identifiers.next()}",
            text=message,
            media=media,
            extra=extra,
        )

    def check_text(self, message: str) -> None:
        if len(message) > MAX_TEXT:
            raise graph_error(100, f"(#100) Param message must be at most {MAX_TEXT} characters")

    def _refuse_duplicate(self, page: Account, message: str, link: str | None) -> None:
        """506: only against the page's latest post, and only for posts without media."""
        posts = self.state.ledger.newest_first(self.name, page.id)
        latest = next((entry for entry in posts if entry.kind == "post"), None)
        if latest is None or latest.media:
            return
        if (latest.text, latest.extra.get("link")) == (message, link):
            raise graph_error(
                506,
                "(#506) Duplicate status message",
                subcode=1455006,
                title="Duplicate Status Update",
                user_message="This status update is identical to the last one you posted. "
                "Try posting something different, or delete your previous update.",
            )

    async def list_posts(self, call: Call) -> Response:
        page = self.of_own_account(call, call.path("id"))
        since = _since(call.parameters.text("since"))
        fields = asked_fields(call.parameters) or ["created_time", "message", "id"]
        posts = (
            pick(self.describe_post(call, entry), fields)
            for entry in self.state.ledger.newest_first(self.name, page.id)
            if entry.kind == "post" and entry.public_at >= since
        )
        return page_of(posts, call.parameters)

    async def get_object(self, call: Call) -> Response:
        account = self.authenticated(call)
        object_id = str(call.request.path_params.get("id", account.id))
        fields = asked_fields(call.parameters)
        if object_id == account.id:
            values = {"id": account.id, "name": account.name, "username": account.handle}
            values["link"] = self._page_link(call, account)
            return JSONResponse(pick(values, fields or ["name"]))
        if (described := self._media.describe(call, account, object_id)) is not None:
            return JSONResponse(pick(described, fields))
        entry = self.own_entry(call, account, object_id)
        describe = self._describe_comment if entry.kind == "comment" else self.describe_post
        return JSONResponse(
            pick(describe(call, entry), fields or ["created_time", "message", "id"])
        )

    async def delete_post(self, call: Call) -> Response:
        page = self.authenticated(call)
        entry = self.own_entry(call, page, call.path("id"))
        self.state.ledger.delete(entry, self.state.clock.now())
        return JSONResponse({"success": True})

    # Comments

    async def create_comment(self, call: Call) -> Response:
        page = self.authenticated(call)
        parent = self.own_entry(call, page, call.path("id"))
        message = call.parameters.text("message") or ""
        self.check_text(message)
        if not (message or call.parameters.text("attachment_url")):
            raise graph_error(100, "(#100) The parameter message is required")
        post_number = parent.id.partition("_")[2] or parent.id.partition("_")[0]
        comment_id = f"{post_number}_{self.state.identifiers.next()}"
        self.publish(
            call, page, entry_id=comment_id, text=message, kind="comment", parent_id=parent.id
        )
        return JSONResponse({"id": comment_id})

    async def list_comments(self, call: Call) -> Response:
        page = self.authenticated(call)
        parent = self.own_entry(call, page, call.path("id"))
        fields = asked_fields(call.parameters) or ["created_time", "from", "message", "id"]
        comments = (
            pick(self._describe_comment(call, comment), fields)
            for comment in parent.comments
            if comment.deleted_at is None
        )
        return page_of(comments, call.parameters)

    def own_entry(self, call: Call, page: Account, entry_id: str) -> PublicEntry:
        entry = self.state.ledger.get(self.name, entry_id)
        if entry is None or entry.account_id != page.id:
            raise missing_object(call.request.method, entry_id)
        return entry

    # Descriptions

    def describe_post(self, call: Call, entry: PublicEntry) -> dict[str, Any]:
        return {
            "id": entry.id,
            "message": entry.text or None,
            "created_time": graph_time(entry.public_at),
            "permalink_url": self.permalink(call.base, entry),
            "is_published": True,
            "from": {"id": entry.account_id, "name": self._name_of(entry)},
            "attachments": _attachments(entry),
        }

    def _describe_comment(self, call: Call, comment: PublicEntry) -> dict[str, Any]:
        return {
            "id": comment.id,
            "message": comment.text,
            "created_time": graph_time(comment.public_at),
            "permalink_url": self.permalink(call.base, comment),
            "from": {"id": comment.account_id, "name": self._name_of(comment)},
        }

    def _name_of(self, entry: PublicEntry) -> str:
        account = self.state.accounts.find(self.name, entry.account_id)
        return account.name if account else entry.handle

    def _page_link(self, call: Call, account: Account) -> str:
        return f"{call.base}/pages/facebook/{account.handle}"


def _attachments(entry: PublicEntry) -> dict[str, Any] | None:
    if not entry.media:
        link = entry.extra.get("link")
        return {"data": [{"type": "share", "target": {"url": link}, "url": link}]} if link else None
    photos: Iterator[dict[str, Any]] = (
        {"media_type": "photo", "target": {"id": item.id}} for item in entry.media
    )
    if len(entry.media) == 1:
        return {"data": list(photos)}
    album = {"media_type": "album", "target": {"id": entry.id}}
    return {"data": [{**album, "subattachments": {"data": list(photos)}}]}


def _since(value: str | None) -> datetime:
    """`since` is a UNIX time or a date in words a machine can read."""
    if not value:
        return datetime.fromtimestamp(0, UTC)
    try:
        if value.isdigit():
            return datetime.fromtimestamp(int(value), UTC)
        parsed = datetime.fromisoformat(value)
    except (ValueError, OverflowError) as error:
        raise graph_error(100, "(#100) since must be a time") from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
