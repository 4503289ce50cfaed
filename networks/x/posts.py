"""Posts on X (API v2): text, up to four images with alt text, threads."""

from collections.abc import Coroutine, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from domain.networks import Guarantee, Network
from domain.receipts import Receipt
from networks.errors import (
    AccountDisconnected,
    Answer,
    ContentRefused,
    CredentialsExpired,
)
from networks.exchange import Clock, disconnected, required_credential, utc_now
from networks.http_client import HttpClient, Request, Response
from networks.protocol import (
    Connection,
    Credentials,
    Evidence,
    NotFound,
    Outgoing,
    Piece,
    Prepared,
    Target,
)
from networks.x.media import XMedia
from networks.x.refusals import dialect
from networks.x.timeline import FIELDS, earliest, fingerprint, is_ours
from networks.x.tokens import client_authorization, expiry, token_pair, with_expiry

PAGE_LIMIT = 10
"""Pages of the timeline that one look reads; beyond them it cannot tell."""


class XPosts:
    """Publishes on X, which has no idempotency: an attempt without an answer is looked for."""

    network: ClassVar[Network] = Network.X
    guarantee: ClassVar[Guarantee] = Guarantee.SEARCHABLE
    resend_window: ClassVar[timedelta | None] = None

    def __init__(
        self,
        http: HttpClient,
        *,
        base_url: str = "https://api.x.com/2",
        permalink_template: str = "https://x.com/{handle}/status/{id}",
        upload_timeout: timedelta = timedelta(seconds=60),
        poll_interval: timedelta = timedelta(seconds=1),
        processing_limit: timedelta = timedelta(minutes=1),
        now: Clock = utc_now,
    ) -> None:
        """`processing_limit` is how long one upload may be processed before MediaNotReady."""
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._permalink_template = permalink_template
        self._now = now
        self._x = dialect(now)
        self._media = XMedia(
            http,
            self._x,
            base_url=self._base_url,
            upload_timeout=upload_timeout,
            poll_interval=poll_interval,
            processing_limit=processing_limit,
        )

    async def connect(self, supplied: Credentials) -> Connection:
        """Learn whose token it is.

        Takes access_token, and optionally refresh_token, client_id, client_secret, expires_at
        (ISO 8601 or seconds since 1970) or expires_in (seconds).
        """
        access_token = required_credential(self.network, supplied, "access_token")
        optional = ("refresh_token", "client_id", "client_secret", "expires_at", "expires_in")
        kept = {name: supplied[name] for name in optional if supplied.get(name)}
        kept = with_expiry({**kept, "access_token": access_token}, self._now())
        try:
            return await self._identify("connect", kept)
        except CredentialsExpired as error:
            detail = "X does not take credentials.access_token. Supply a fresh one."
            raise disconnected(error, detail) from error

    async def check(self, target: Target) -> Connection:
        """Ask X who the stored token speaks for."""
        return await self._identify("check", target.credentials)

    async def refresh(self, target: Target) -> Connection:
        """Trade the refresh token, which works once, for a new pair.

        Nothing else is asked of X, so that nothing stands between the new pair and its being kept;
        the handle is the one known before, and stands for the display name too.
        """
        stored = target.credentials
        if not stored.get("refresh_token") or not stored.get("client_id"):
            detail = "The connection to X cannot be renewed by itself. Connect the account again."
            raise AccountDisconnected(self.network, detail, answer=Answer(operation="refresh"))
        try:
            renewed = await self._x.look(
                "refresh",
                self._http.request(
                    "POST",
                    f"{self._base_url}/oauth2/token",
                    headers=client_authorization(stored),
                    form={
                        "grant_type": "refresh_token",
                        "refresh_token": stored["refresh_token"],
                        "client_id": stored["client_id"],
                    },
                ),
                token_pair,
                withheld=stored.values(),
            )
        except (ContentRefused, CredentialsExpired) as error:
            detail = "X does not renew the connection any more. Connect the account again."
            raise disconnected(error, detail) from error
        kept = {name: value for name, value in stored.items() if name != "expires_at"}
        credentials = with_expiry({**kept, **renewed}, self._now())
        return Connection(
            remote_id=target.remote_id,
            handle=target.handle,
            display_name=target.handle,
            credentials=credentials,
            expires_at=expiry(credentials),
        )

    def needs_preparation(self, piece: Piece) -> bool:
        """Images are uploaded ahead."""
        return bool(piece.media)

    async def prepare(self, target: Target, piece: Piece) -> Prepared:
        """Upload each image with its alt text: `media_ids`, which X keeps for 24 h."""
        return {"media_ids": [await self._media.upload(target, media) for media in piece.media]}

    def write_ahead(self, target: Target, piece: Piece, prepared: Prepared) -> Evidence:
        """What the post can be recognised by in the account's timeline."""
        del target
        return {
            "text_sha256": fingerprint(piece.text),
            "media_ids": list(prepared.get("media_ids", ())),
        }

    async def warm(self, target: Target, requests: int) -> None:  # noqa: ARG002
        """Open the connections that so many requests of one moment need."""
        await self._http.warm(self._base_url, requests)

    def send(self, target: Target, outgoing: Outgoing) -> Coroutine[Any, Any, Receipt]:
        """POST /2/tweets."""
        return self._published(target, outgoing, self._composed(target, outgoing))

    def _composed(self, target: Target, outgoing: Outgoing) -> Request:
        body: dict[str, Any] = {"text": outgoing.piece.text} if outgoing.piece.text else {}
        if media_ids := outgoing.prepared.get("media_ids"):
            body["media"] = {"media_ids": media_ids}
        if outgoing.parent:
            body["reply"] = {"in_reply_to_tweet_id": outgoing.parent.remote_id}
        return self._http.request(
            "POST",
            f"{self._base_url}/tweets",
            bearer=target.credentials["access_token"],
            json=body,
        )

    async def _published(self, target: Target, outgoing: Outgoing, request: Request) -> Receipt:
        post_id, wait_until = await self._x.commit(
            "publish",
            request,
            lambda response: (_data_id(response), self._x.spent(response)),
            withheld=(outgoing.piece.text, *target.credentials.values()),
        )
        return replace(self._receipt(target, post_id), wait_until=wait_until)

    async def locate(self, target: Target, receipt: Receipt) -> Receipt:  # noqa: ARG002
        """The same: the answer to the send names the permalink."""
        return receipt

    async def find_published(self, target: Target, outgoing: Outgoing) -> Receipt | NotFound:
        """Look through everything the account posted since just before the attempt."""
        query = {
            "max_results": "100",
            "start_time": earliest(outgoing).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tweet.fields": FIELDS,
        }
        ours: str | None = None
        for _ in range(PAGE_LIMIT):
            found, next_page = await self._timeline_page(target, outgoing, query)
            # Newest first: of several that fit, the earliest is the attempt's.
            ours = found or ours
            if next_page is None:
                return self._receipt(target, ours) if ours else NotFound.ABSENT
            query["pagination_token"] = next_page
        return self._receipt(target, ours) if ours else NotFound.UNKNOWN

    async def _timeline_page(
        self, target: Target, outgoing: Outgoing, query: Mapping[str, str]
    ) -> tuple[str | None, str | None]:
        """The id of our post if it is on that page, and the token of the next page."""

        def read(response: Response) -> tuple[str | None, str | None]:
            page = response.object
            meta = page["meta"]
            ours = [post["id"] for post in page.get("data", ()) if is_ours(post, outgoing)]
            return ours[-1] if ours else None, meta.get("next_token")

        return await self._x.look(
            "lookup",
            self._http.request(
                "GET",
                f"{self._base_url}/users/{target.remote_id}/tweets",
                query=query,
                bearer=target.credentials["access_token"],
            ),
            read,
            withheld=target.credentials.values(),
        )

    async def _identify(self, operation: str, credentials: Credentials) -> Connection:
        user = await self._x.look(
            operation,
            self._http.request(
                "GET", f"{self._base_url}/users/me", bearer=credentials["access_token"]
            ),
            lambda response: {
                name: str(response.object["data"][name]) for name in ("id", "username", "name")
            },
            withheld=credentials.values(),
        )
        return Connection(
            remote_id=user["id"],
            handle=user["username"],
            display_name=user["name"],
            credentials=credentials,
            expires_at=expiry(credentials),
        )

    def _receipt(self, target: Target, post_id: str) -> Receipt:
        permalink = self._permalink_template.format(handle=target.handle, id=post_id)
        return Receipt(remote_id=post_id, permalink=permalink)


def _data_id(response: Response) -> str:
    return str(response.object["data"]["id"])
