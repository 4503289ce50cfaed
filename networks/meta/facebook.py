"""Facebook Pages: text, link, photo, album up to ten, first comment (Graph API v25)."""

from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import orjson

from domain.content import PartKind
from domain.networks import Guarantee, Network
from domain.receipts import Receipt
from networks.errors import Answer, ContentRefused, CredentialsExpired, NetworkError
from networks.http_client import FilePart, HttpClient
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
from networks.protocol import (
    Connection,
    Credentials,
    Evidence,
    MediaFile,
    NotFound,
    Outgoing,
    Piece,
    Prepared,
    Target,
)

LOOK_LIMIT = 100
"""Rows a look reads: Graph's largest page. An attempt's window of posts holds fewer."""


class FacebookPages:
    """Publishes on Facebook Pages. Credentials: `page_id`, `access_token` (a page token)."""

    network: ClassVar[Network] = Network.FACEBOOK
    guarantee: ClassVar[Guarantee] = Guarantee.SEARCHABLE
    resend_window: ClassVar[timedelta | None] = None

    def __init__(
        self,
        http: HttpClient,
        *,
        base_url: str,
        permalink_wait: timedelta = timedelta(seconds=5),
    ) -> None:
        """`base_url` holds the version; `permalink_wait` bounds the look-up after publishing."""
        self._graph = Graph(http, network=self.network, base_url=base_url.rstrip("/"))
        self._permalink_wait = permalink_wait

    async def connect(self, supplied: Credentials) -> Connection:
        """Read the page with the supplied token.

        Raises ContentRefused naming a missing field, AccountDisconnected when Facebook refuses.
        """
        page_id, token = self._graph.required(supplied, "page_id", "access_token")
        try:
            return await self._read_page("connect", page_id, token)
        except CredentialsExpired as expired:
            raise self._graph.disconnected("connect", expired.detail) from None

    async def check(self, target: Target) -> Connection:
        """Read the page with the stored token. Raises AccountDisconnected, CredentialsExpired."""
        return await self._read_page("check", target.remote_id, token_of(target))

    async def refresh(self, target: Target) -> Connection:
        """Raises AccountDisconnected: a page token lives until it is revoked, and none follows."""
        raise self._graph.disconnected(
            "refresh",
            f"The access to the Facebook page {target.handle} ended and cannot be renewed. "
            "Connect the page again with a new page access token.",
        )

    def needs_preparation(self, piece: Piece) -> bool:
        """Whether there are photos to upload."""
        return piece.kind is PartKind.POST and bool(piece.media)

    async def prepare(self, target: Target, piece: Piece) -> Prepared:
        """Upload each photo unpublished.

        A single photo goes this way too, and not as `POST /photos` with a message: so the
        committing request is small, carries no bytes, is the same for one photo and for ten, and
        the photo's id proves later which post is ours.

        Raises ContentRefused for photos together with a link, of which Facebook shows only one.
        """
        if piece.link:
            raise ContentRefused(
                self.network,
                "A Facebook post shows photos or a link, not both. Remove the photos, or put the "
                "link into the text.",
                answer=Answer(operation="prepare"),
            )
        return {"photos": [await self._upload(target, photo) for photo in piece.media]}

    def write_ahead(self, target: Target, piece: Piece, prepared: Prepared) -> Evidence:
        """Where it would stand, a fingerprint of the text, the ids of the uploaded photos."""
        return {
            "page": target.remote_id,
            "fingerprint": fingerprint(piece.text),
            "attachments": len(piece.media),
            "photos": list(prepared.get("photos", ())),
        }

    async def warm(self, target: Target, requests: int) -> None:  # noqa: ARG002
        """Open the connections that so many requests of one moment need."""
        await self._graph.warm(requests)

    def send(self, target: Target, outgoing: Outgoing) -> Coroutine[Any, Any, Receipt]:
        """Publish the post on the page's feed, or the comment below the post."""
        return self._published(self._composed(target, outgoing))

    def _composed(self, target: Target, outgoing: Outgoing) -> Commit:
        piece = outgoing.piece
        if piece.kind is not PartKind.POST:
            return self._graph.compose(
                "comment",
                root_id(outgoing),
                "comments",
                token=token_of(target),
                form={"message": piece.text},
            )
        form = {"message": piece.text} if piece.text else {}
        if photos := outgoing.prepared.get("photos"):
            form["attached_media"] = orjson.dumps([{"media_fbid": id_} for id_ in photos]).decode()
        elif piece.link:
            form["link"] = piece.link
        return self._graph.compose(
            "publish", target.remote_id, "feed", token=token_of(target), form=form
        )

    async def _published(self, commit: Commit) -> Receipt:
        made = await self._graph.commit(commit)
        return Receipt(remote_id=made.id, permalink=None, wait_until=made.wait_until)

    async def locate(self, target: Target, receipt: Receipt) -> Receipt:
        """Ask for the permalink; Facebook's answer to the post does not name it."""
        return replace(receipt, permalink=await self._permalink(target, receipt.remote_id))

    async def find_published(self, target: Target, outgoing: Outgoing) -> Receipt | NotFound:
        """Look among the page's newest posts or the post's comments. UNKNOWN if it cannot look."""
        try:
            if outgoing.piece.kind is PartKind.POST:
                return await self._find_post(target, outgoing)
            return await self._find_comment(target, outgoing)
        except NetworkError:
            # "Not sent" would be said of the look, and read as if said of the post.
            return NotFound.UNKNOWN

    async def _read_page(self, operation: str, page_id: str, token: str) -> Connection:
        page = await self._graph.profile(operation, page_id, token=token, fields="id,name,username")
        remote_id = str(page.get("id") or page_id)
        return Connection(
            remote_id=remote_id,
            handle=str(page.get("username") or remote_id),
            display_name=str(page.get("name") or remote_id),
            credentials={"page_id": remote_id, "access_token": token},
        )

    async def _upload(self, target: Target, photo: MediaFile) -> str:
        extension = photo.content_type.rpartition("/")[2]
        source = FilePart(
            field="source",
            file_name=f"{photo.media_id}.{extension}",
            content_type=photo.content_type,
            content=await photo.read(),
        )
        form = {"published": "false"}
        if photo.alt_text:
            form["alt_text_custom"] = photo.alt_text
        return await self._graph.create(
            "upload", target.remote_id, "photos", token=token_of(target), form=form, files=(source,)
        )

    async def _permalink(self, target: Target, post_id: str) -> str:
        with suppress(NetworkError):
            post = await self._graph.get(
                "permalink",
                post_id,
                token=token_of(target),
                query={"fields": "permalink_url"},
                wait=self._permalink_wait,
            )
            if permalink := post.get("permalink_url"):
                return str(permalink)
        return f"https://www.facebook.com/{post_id}"

    async def _find_post(self, target: Target, outgoing: Outgoing) -> Receipt | NotFound:
        earliest = outgoing.started_at - CLOCK_TOLERANCE
        posts = await self._graph.listing(
            "look",
            target.remote_id,
            "published_posts",
            token=token_of(target),
            fields="id,message,created_time,permalink_url,attachments{target,subattachments}",
            limit=LOOK_LIMIT,
            since=str(int(earliest.timestamp())),
        )
        recent = [
            post
            for post in posts.rows
            if (made := graph_time(post.get("created_time"))) and made >= earliest
        ]
        photos = set(outgoing.evidence["photos"])
        if ours := [post for post in recent if photos and photos == _attached(post)]:
            return _receipt(ours[0])
        alike = [post for post in recent if _is_like(post, outgoing.evidence)]
        if len(alike) == 1 and outgoing.piece.text.strip():
            return _receipt(alike[0])
        return NotFound.ABSENT if posts.whole and not alike else NotFound.UNKNOWN

    async def _find_comment(self, target: Target, outgoing: Outgoing) -> Receipt | NotFound:
        comments = await self._graph.listing(
            "look",
            root_id(outgoing),
            "comments",
            token=token_of(target),
            fields="id,message,from",
            limit=LOOK_LIMIT,
        )
        wanted = outgoing.evidence["fingerprint"]
        alike = [one for one in comments.rows if fingerprint(str(one.get("message"))) == wanted]
        for comment in alike:
            if mapping(comment.get("from")).get("id") == target.remote_id:
                return Receipt(remote_id=str(comment["id"]), permalink=None)
        # Without `from` Facebook hides who wrote it, so it could be ours.
        hidden = any("from" not in comment for comment in alike)
        return NotFound.ABSENT if comments.whole and not hidden else NotFound.UNKNOWN


def _receipt(post: Mapping[str, Any]) -> Receipt:
    post_id = str(post["id"])
    permalink = post.get("permalink_url") or f"https://www.facebook.com/{post_id}"
    return Receipt(remote_id=post_id, permalink=str(permalink))


def _is_like(post: Mapping[str, Any], evidence: Evidence) -> bool:
    """Same text, and as many photos. Without photos any number: a link gets a preview."""
    if fingerprint(str(post.get("message") or "")) != evidence["fingerprint"]:
        return False
    return evidence["attachments"] in {0, len(_attachments(post))}


def _attachments(post: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The photos of a post: an album holds them one level deeper."""
    found: list[Mapping[str, Any]] = []
    for attachment in mapping(post.get("attachments")).get("data", ()):
        inner = mapping(attachment.get("subattachments")).get("data")
        found.extend(inner or [attachment])
    return found


def _attached(post: Mapping[str, Any]) -> set[str]:
    return {str(mapping(item.get("target")).get("id")) for item in _attachments(post)}
