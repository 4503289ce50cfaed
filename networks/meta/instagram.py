"""Instagram business accounts: image, carousel of two to ten, first comment (Graph API v25)."""

from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from domain.content import PartKind
from domain.limits import AccountLimits
from domain.networks import Guarantee, Network
from domain.receipts import Receipt
from networks.errors import ContentRefused, CredentialsExpired, DuplicateRefused, NetworkError
from networks.http_client import HttpClient
from networks.meta.graph import (
    CLOCK_TOLERANCE,
    Commit,
    Graph,
    fingerprint,
    graph_time,
    mapping,
    root_id,
    token_of,
)
from networks.meta.instagram_containers import Containers
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

DAY = 86_400
"""Seconds: the window of `content_publishing_limit`."""

LOOK_LIMIT = 50
"""Rows a look reads."""

INSTAGRAM_LOGIN_HOST = "graph.instagram.com"
"""Where tokens can be renewed. Those of Facebook Login, on graph.facebook.com, cannot."""


class InstagramBusiness:
    """Publishes on Instagram. Credentials: `ig_user_id`, `access_token`."""

    network: ClassVar[Network] = Network.INSTAGRAM
    guarantee: ClassVar[Guarantee] = Guarantee.TWO_STEP_COMMIT
    resend_window: ClassVar[timedelta | None] = None

    def __init__(
        self,
        http: HttpClient,
        *,
        base_url: str,
        poll_interval: timedelta = timedelta(seconds=2),
        processing_limit: timedelta = timedelta(minutes=5),
        permalink_wait: timedelta = timedelta(seconds=5),
        renewing_host: str = INSTAGRAM_LOGIN_HOST,
    ) -> None:
        """`base_url` holds the version.

        `poll_interval` is the first wait for a container, doubled up to a minute, for at most
        `processing_limit`. `permalink_wait` bounds the look-up after a post is public. Tokens are
        renewed when `base_url` is on `renewing_host`.
        """
        parts = urlsplit(base_url)
        self._graph = Graph(http, network=self.network, base_url=base_url.rstrip("/"))
        self._unversioned = Graph(
            http, network=self.network, base_url=f"{parts.scheme}://{parts.netloc}"
        )
        self._renews = parts.hostname == renewing_host
        self._containers = Containers(
            self._graph, poll_interval=poll_interval, processing_limit=processing_limit
        )
        self._permalink_wait = permalink_wait

    async def connect(self, supplied: Credentials) -> Connection:
        """Read the account with the supplied token.

        Raises ContentRefused naming a missing field, AccountDisconnected when Instagram refuses.
        """
        user_id, token = self._graph.required(supplied, "ig_user_id", "access_token")
        try:
            return await self._read_account("connect", user_id, token)
        except CredentialsExpired as expired:
            raise self._graph.disconnected("connect", expired.detail) from None

    async def check(self, target: Target) -> Connection:
        """Read the account with the stored token. Raises as `connect`, and CredentialsExpired."""
        return await self._read_account("check", target.remote_id, token_of(target))

    async def refresh(self, target: Target) -> Connection:
        """A token for 60 more days. Raises AccountDisconnected where Instagram renews none.

        Instagram renews a token that is at least a day old and has not ended.
        """
        detail = (
            f"The access to the Instagram account {target.handle} ended and cannot be renewed. "
            "Connect the account again with a new access token."
        )
        if not self._renews:
            raise self._graph.disconnected("refresh", detail)
        # Read before the renewal, so that nothing can fail between a new token and its keeping.
        try:
            account = await self._read_account("refresh", target.remote_id, token_of(target))
        except CredentialsExpired:
            raise self._graph.disconnected("refresh", detail) from None
        try:
            renewed = await self._unversioned.get(
                "refresh",
                "refresh_access_token",
                token=token_of(target),
                query={"grant_type": "ig_refresh_token"},
            )
        except ContentRefused:
            return account  # younger than a day: good as it is
        return _renewed(account, renewed)

    def needs_preparation(self, piece: Piece) -> bool:
        """Whether there is a container to create: for posts always."""
        return piece.kind is PartKind.POST

    async def prepare(self, target: Target, piece: Piece) -> Prepared:
        """Create the post's container and wait until Instagram has processed it.

        A container ends 24 hours after it was created. Raises MediaNotReady when the processing
        takes too long.
        """
        created_at = datetime.now(UTC).isoformat()
        if len(piece.media) == 1:
            children: list[str] = []
            container = await self._containers.create_image(target, piece.text, piece.media[0])
        else:
            children = [await self._containers.create_child(target, it) for it in piece.media]
            await self._containers.wait(target, *children)
            container = await self._containers.create_carousel(target, piece.text, children)
        await self._containers.wait(target, container)
        return {"container": container, "children": children, "created_at": created_at}

    def write_ahead(self, target: Target, piece: Piece, prepared: Prepared) -> Evidence:
        """The container, whose state tells an attempt's fate, and a fingerprint of the caption."""
        return {
            "account": target.remote_id,
            "fingerprint": fingerprint(piece.text),
            "container": prepared.get("container"),
            "container_created_at": prepared.get("created_at"),
        }

    async def warm(self, target: Target, requests: int) -> None:  # noqa: ARG002
        """Open the connections that so many requests of one moment need."""
        await self._graph.warm(requests)

    def send(self, target: Target, outgoing: Outgoing) -> Coroutine[Any, Any, Receipt]:
        """Publish the container, or the comment below the post."""
        token = token_of(target)
        if outgoing.piece.kind is not PartKind.POST:
            # Never with `fields`: Instagram then creates the comment and answers 400.
            return self._commented(
                self._graph.compose(
                    "comment",
                    root_id(outgoing),
                    "comments",
                    token=token,
                    form={"message": outgoing.piece.text},
                )
            )
        container = str(outgoing.prepared["container"])
        commit = self._graph.compose(
            "publish",
            target.remote_id,
            "media_publish",
            token=token,
            form={"creation_id": container},
        )
        return self._published(target, container, commit)

    async def _commented(self, commit: Commit) -> Receipt:
        comment = await self._graph.commit(commit)
        return Receipt(remote_id=comment.id, permalink=None, wait_until=comment.wait_until)

    async def _published(self, target: Target, container: str, commit: Commit) -> Receipt:
        try:
            media = await self._graph.commit(commit)
        except ContentRefused as refusal:
            if await self._is_published(target, container):
                raise DuplicateRefused(
                    self.network,
                    "Instagram has published this post already.",
                    answer=refusal.answer,
                ) from refusal
            raise
        permalink = await self._permalink(target, media.id)
        return Receipt(remote_id=media.id, permalink=permalink, wait_until=media.wait_until)

    async def locate(self, target: Target, receipt: Receipt) -> Receipt:  # noqa: ARG002
        """The same: the answer to the send names the permalink."""
        return receipt

    async def find_published(self, target: Target, outgoing: Outgoing) -> Receipt | NotFound:
        """Ask the attempt's container, or look among the post's comments.

        ABSENT means: sending the same container again is safe, since Instagram publishes it once.
        It says nothing about a new container. UNKNOWN when it cannot look.
        """
        try:
            if outgoing.piece.kind is PartKind.POST:
                return await self._find_post(target, outgoing)
            return await self._find_comment(target, outgoing)
        except NetworkError:
            # "Not sent" would be said of the look, and read as if said of the post.
            return NotFound.UNKNOWN

    async def _read_account(self, operation: str, user_id: str, token: str) -> Connection:
        account = await self._graph.profile(
            operation, user_id, token=token, fields="id,username,name"
        )
        remote_id = str(account.get("id") or user_id)
        handle = str(account.get("username") or remote_id)
        return Connection(
            remote_id=remote_id,
            handle=handle,
            display_name=str(account.get("name") or handle),
            credentials={"ig_user_id": remote_id, "access_token": token},
            limits=await self._limits(remote_id, token),
        )

    async def _limits(self, user_id: str, token: str) -> AccountLimits | None:
        """How many posts Instagram takes of the account in 24 hours; None when it does not tell."""
        with suppress(NetworkError, TypeError, ValueError, LookupError):
            told = await self._graph.get(
                "limits",
                *(user_id, "content_publishing_limit"),
                token=token,
                query={"fields": "config"},
                wait=self._permalink_wait,
            )
            config = told["data"][0]["config"]
            if int(config["quota_duration"]) == DAY and int(config["quota_total"]) > 0:
                return AccountLimits(posts_a_day=int(config["quota_total"]))
        return None

    async def _is_published(self, target: Target, container: str) -> bool:
        """What a second publishing answers is not documented, but the container tells."""
        with suppress(NetworkError):
            return await self._containers.state(target, container) == "PUBLISHED"
        return False

    async def _permalink(self, target: Target, media_id: str) -> str | None:
        with suppress(NetworkError):
            media = await self._graph.get(
                "permalink",
                media_id,
                token=token_of(target),
                query={"fields": "permalink,shortcode,timestamp"},
                wait=self._permalink_wait,
            )
            return str(media["permalink"]) if media.get("permalink") else None
        return None

    async def _find_post(self, target: Target, outgoing: Outgoing) -> Receipt | NotFound:
        container = str(outgoing.evidence["container"])
        state = await self._containers.state(target, container)
        if state in {"FINISHED", "EXPIRED"}:
            return NotFound.ABSENT
        if state not in {"PUBLISHED", "ERROR"}:
            return NotFound.UNKNOWN
        # ERROR proves nothing: Meta does not say that it is final. PUBLISHED does not name the
        # media, and the list may be behind it: so what is not found here is never absent.
        media = await self._graph.listing(
            "look",
            target.remote_id,
            "media",
            token=token_of(target),
            fields="id,caption,timestamp,permalink,media_type",
            limit=LOOK_LIMIT,
        )
        # From the container on: an earlier attempt may have published it.
        created_at = datetime.fromisoformat(str(outgoing.evidence["container_created_at"]))
        alike = _written_since(created_at, media.rows, "caption", outgoing)
        if len(alike) != 1:
            return NotFound.UNKNOWN
        return Receipt(remote_id=str(alike[0]["id"]), permalink=alike[0].get("permalink"))

    async def _find_comment(self, target: Target, outgoing: Outgoing) -> Receipt | NotFound:
        comments = await self._graph.listing(
            "look",
            root_id(outgoing),
            "comments",
            token=token_of(target),
            fields="id,text,username,timestamp,from",
            limit=LOOK_LIMIT,
        )
        alike = _written_since(outgoing.started_at, comments.rows, "text", outgoing)
        for comment in alike:
            author = mapping(comment.get("from")).get("username") or comment.get("username")
            if author == target.handle:
                return Receipt(remote_id=str(comment["id"]), permalink=None)
        return NotFound.ABSENT if comments.whole and not alike else NotFound.UNKNOWN


def _written_since(
    moment: datetime, rows: Sequence[Mapping[str, Any]], text_field: str, outgoing: Outgoing
) -> list[Mapping[str, Any]]:
    """The rows with the attempt's text that are not older than `moment`."""
    earliest = moment - CLOCK_TOLERANCE
    wanted = outgoing.evidence["fingerprint"]
    return [
        row
        for row in rows
        if fingerprint(str(row.get(text_field) or "")) == wanted
        and (written := graph_time(row.get("timestamp")))
        and written >= earliest
    ]


def _renewed(account: Connection, answer: Mapping[str, Any]) -> Connection:
    token = str(answer.get("access_token") or account.credentials["access_token"])
    seconds = answer.get("expires_in")
    lifetime = timedelta(seconds=seconds) if isinstance(seconds, int) else None
    return replace(
        account,
        credentials={**account.credentials, "access_token": token},
        expires_at=datetime.now(UTC) + lifetime if lifetime else None,
    )
