"""Posts on Mastodon: text, images with alt text, content warnings, visibility, threads."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

from domain.networks import Guarantee, Network
from domain.receipts import Receipt
from domain.rules import AccountLimits
from networks.errors import ContentRefused, TryLater
from networks.exchange import (
    Clock,
    is_from_elsewhere,
    refused_credential,
    required_credential,
    utc_now,
)
from networks.http_client import HttpClient, Request, Response
from networks.mastodon.media import MastodonMedia
from networks.mastodon.refusals import dialect
from networks.mastodon.timeline import read_page, receipt
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

PAGE_SIZE = 40
"""The most statuses that Mastodon lists at once."""

PAGE_LIMIT = 10
"""Pages of statuses that one look reads; beyond them it cannot tell."""


class MastodonStatuses:
    """Publishes on a Mastodon server under an idempotency key."""

    network: ClassVar[Network] = Network.MASTODON
    guarantee: ClassVar[Guarantee] = Guarantee.IDEMPOTENT_SEND
    key_lifetime: ClassVar[timedelta] = timedelta(minutes=55)
    """How long a key is relied on. Servers keep it for an hour; later, look, do not resend."""
    resend_window: ClassVar[timedelta | None] = key_lifetime

    def __init__(
        self,
        http: HttpClient,
        *,
        upload_timeout: timedelta = timedelta(seconds=60),
        poll_interval: timedelta = timedelta(seconds=1),
        processing_limit: timedelta = timedelta(minutes=1),
        now: Clock = utc_now,
        new_key: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        """`processing_limit` is how long one upload may be processed before MediaNotReady.

        There is no address: each account names its own server.
        """
        self._http = http
        self._new_key = new_key
        self._mastodon = dialect(now)
        self._media = MastodonMedia(
            http,
            self._mastodon,
            upload_timeout=upload_timeout,
            poll_interval=poll_interval,
            processing_limit=processing_limit,
        )

    async def connect(self, supplied: Credentials) -> Connection:
        """Learn whose token it is and what the server allows. Takes instance_url, access_token."""
        instance = _address(required_credential(self.network, supplied, "instance_url"))
        token = required_credential(self.network, supplied, "access_token")
        try:
            await self._http.require_public(instance)
        except ValueError as error:
            reason = f"cannot be used: {error}"
            raise refused_credential(self.network, "instance_url", reason) from error
        try:
            return await self._identify("connect", instance, token)
        except (ContentRefused, TryLater) as error:
            if is_from_elsewhere(error):
                reason = "does not answer like a Mastodon server"
                raise refused_credential(self.network, "instance_url", reason) from error
            raise

    async def check(self, target: Target) -> Connection:
        """Ask the server who the stored token speaks for, and what it allows now."""
        return await self._identify("check", *_server_and_token(target))

    async def refresh(self, target: Target) -> Connection:
        """The same credentials if they work: tokens have no end and cannot be renewed."""
        return await self.check(target)

    def needs_preparation(self, piece: Piece) -> bool:
        """Media is uploaded ahead."""
        return bool(piece.media)

    async def prepare(self, target: Target, piece: Piece) -> Prepared:
        """Upload the media and wait until the server has processed it: `media_ids`."""
        instance, token = _server_and_token(target)
        return {
            "media_ids": [await self._media.upload(instance, token, media) for media in piece.media]
        }

    def write_ahead(self, target: Target, piece: Piece, prepared: Prepared) -> Evidence:
        """A fresh key: under a used one the server answers the earlier status, whatever is sent."""
        del target, piece, prepared
        return {"idempotency_key": self._new_key()}

    async def warm(self, target: Target, requests: int) -> None:
        """Open the connections that so many requests of one moment need."""
        await self._http.warm(str(target.base_url), requests)

    def send(self, target: Target, outgoing: Outgoing) -> Coroutine[Any, Any, Receipt]:
        """POST /api/v1/statuses under the attempt's key."""
        instance, token = _server_and_token(target)
        request = self._http.request(
            "POST",
            f"{instance}/api/v1/statuses",
            bearer=token,
            headers={"idempotency-key": outgoing.evidence["idempotency_key"]},
            json=_status(outgoing),
        )
        return self._published(outgoing.piece, request, token)

    async def _published(self, piece: Piece, request: Request, token: str) -> Receipt:
        return await self._mastodon.commit(
            "publish",
            request,
            lambda response: replace(
                receipt(response.object), wait_until=self._mastodon.spent(response)
            ),
            withheld=(piece.text, piece.content_warning or "", token),
        )

    async def locate(self, target: Target, receipt: Receipt) -> Receipt:  # noqa: ARG002
        """The same: the answer to the send names the permalink."""
        return receipt

    async def find_published(self, target: Target, outgoing: Outgoing) -> Receipt | NotFound:
        """Read the account's statuses back to just before the attempt."""
        instance, token = _server_and_token(target)
        query = {"exclude_reblogs": "true", "limit": str(PAGE_SIZE)}
        ours: Receipt | None = None
        for _ in range(PAGE_LIMIT):
            page = await self._mastodon.look(
                "lookup",
                self._http.request(
                    "GET",
                    f"{instance}/api/v1/accounts/{target.remote_id}/statuses",
                    query=query,
                    bearer=token,
                ),
                lambda response: read_page(response, outgoing),
                withheld=(token,),
            )
            # Newest first: of several that fit, the earliest is the attempt's.
            ours = page.ours or ours
            if page.older_than is None:
                return ours or NotFound.ABSENT
            query["max_id"] = page.older_than
        return ours or NotFound.UNKNOWN

    async def _identify(self, operation: str, instance: str, token: str) -> Connection:
        user = await self._mastodon.look(
            operation,
            self._http.request(
                "GET", f"{instance}/api/v1/accounts/verify_credentials", bearer=token
            ),
            lambda response: {
                name: str(response.object[name]) for name in ("id", "username", "display_name")
            },
            withheld=(token,),
        )
        domain, limits = await self._instance(instance)
        return Connection(
            remote_id=user["id"],
            handle=f"{user['username']}@{domain}",
            display_name=user["display_name"] or user["username"],
            credentials={"instance_url": instance, "access_token": token},
            base_url=instance,
            limits=limits,
        )

    async def _instance(self, instance: str) -> tuple[str, AccountLimits | None]:
        """The domain in the server's handles, and what it allows.

        Servers older than Mastodon 4 do not tell: then the address serves, and None.
        """
        host = urlsplit(instance).netloc

        def read(response: Response) -> tuple[str, AccountLimits | None]:
            told = response.object
            return str(told.get("domain") or host), _account_limits(told["configuration"])

        request = self._http.request("GET", f"{instance}/api/v2/instance")
        try:
            return await self._mastodon.look("instance", request, read)
        except ContentRefused:
            return host, None


def _server_and_token(target: Target) -> tuple[str, str]:
    instance = target.base_url or target.credentials["instance_url"]
    return instance, target.credentials["access_token"]


def _address(told: str) -> str:
    """The server's address as `/api/…` is put behind it; people write it without https:// too."""
    return (told if "://" in told else f"https://{told}").rstrip("/")


def _status(outgoing: Outgoing) -> dict[str, Any]:
    piece = outgoing.piece
    fields = {
        "status": piece.text,
        "media_ids": outgoing.prepared.get("media_ids"),
        "in_reply_to_id": outgoing.parent.remote_id if outgoing.parent else None,
        "visibility": piece.visibility,
        "spoiler_text": piece.content_warning,
        "sensitive": True if piece.content_warning else None,
        "language": piece.language,
    }
    return {name: value for name, value in fields.items() if value}


def _account_limits(configuration: Mapping[str, Any]) -> AccountLimits:
    statuses = configuration.get("statuses", {})
    media = configuration.get("media_attachments", {})
    return AccountLimits(
        max_characters=statuses.get("max_characters"),
        characters_per_url=statuses.get("characters_reserved_per_url"),
        max_media=statuses.get("max_media_attachments"),
        max_image_bytes=media.get("image_size_limit"),
        max_image_pixels=media.get("image_matrix_limit"),
        max_alt_text=media.get("description_limit"),
    )
