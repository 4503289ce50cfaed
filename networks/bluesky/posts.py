"""Posts on Bluesky (AT Protocol): text with links, mentions and tags, images, threads."""

import secrets
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any, ClassVar

from domain.networks import Guarantee, Network
from domain.receipts import Receipt
from networks.bluesky.facets import handles_in
from networks.bluesky.preparation import BlueskyPreparation
from networks.bluesky.record import COLLECTION, is_same, post_record
from networks.bluesky.refusals import RECORD_NOT_FOUND, SWAP_REFUSED, dialect
from networks.bluesky.sessions import BlueskySessions, Session
from networks.bluesky.tid import TidClock
from networks.errors import (
    AccountDisconnected,
    Answer,
    ContentRefused,
    CredentialsExpired,
    NotSent,
    OutcomeUnknown,
    TryLater,
)
from networks.exchange import (
    Clock,
    disconnected,
    is_from_elsewhere,
    refused_credential,
    required_credential,
    utc_now,
)
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


class BlueskyPosts:
    """Publishes on Bluesky under a record key of our own: the same record put again is one post."""

    network: ClassVar[Network] = Network.BLUESKY
    guarantee: ClassVar[Guarantee] = Guarantee.IDEMPOTENT_SEND
    resend_window: ClassVar[timedelta | None] = timedelta(days=365)

    def __init__(
        self,
        http: HttpClient,
        *,
        base_url: str = "https://bsky.social",
        permalink_template: str = "https://bsky.app/profile/{handle}/post/{rkey}",
        upload_timeout: timedelta = timedelta(seconds=60),
        now: Clock = utc_now,
        random_bits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        """`base_url` is the server of accounts that name none."""
        self._http = http
        self._base_url = _without_path(base_url)
        self._permalink_template = permalink_template
        self._now = now
        self._tids = TidClock(now, random_bits)
        self._bluesky = dialect(now)
        self._sessions = BlueskySessions(http, self._bluesky)
        self._preparation = BlueskyPreparation(http, self._bluesky, upload_timeout=upload_timeout)

    async def connect(self, supplied: Credentials) -> Connection:
        """Log in. Takes identifier, app_password and optionally service_url."""
        identifier = required_credential(self.network, supplied, "identifier").removeprefix("@")
        password = required_credential(self.network, supplied, "app_password")
        service = await self._service(supplied)
        try:
            session = await self._sessions.open(service, identifier, password)
        except CredentialsExpired as error:
            detail = "Bluesky refuses credentials.identifier or credentials.app_password."
            raise disconnected(error, detail) from error
        except (ContentRefused, TryLater) as error:
            if is_from_elsewhere(error):
                reason = "does not answer like a Bluesky server"
                raise refused_credential(self.network, "service_url", reason) from error
            raise
        return _connection(service, identifier, password, session)

    async def check(self, target: Target) -> Connection:
        """Ask the server whose session this is."""
        stored, service = target.credentials, self._service_of(target)
        session = await self._sessions.read(service, stored["access_jwt"], stored["refresh_jwt"])
        return _connection(service, stored["identifier"], stored["app_password"], session)

    async def refresh(self, target: Target) -> Connection:
        """Renew the session; when that is refused, log in anew with the app password."""
        stored, service = target.credentials, self._service_of(target)
        identifier, password = stored["identifier"], stored["app_password"]
        try:
            session = await self._sessions.renew(service, stored["refresh_jwt"])
        except (CredentialsExpired, ContentRefused):
            try:
                session = await self._sessions.open(service, identifier, password)
            except CredentialsExpired as error:
                detail = "Bluesky refuses the app password by now. Connect the account again."
                raise disconnected(error, detail) from error
        if session.did != target.remote_id:
            detail = "The identifier now belongs to another Bluesky account. Connect it again."
            raise AccountDisconnected(self.network, detail, answer=Answer(operation="refresh"))
        return _connection(service, identifier, password, session)

    def needs_preparation(self, piece: Piece) -> bool:
        """Images are uploaded and mentioned handles looked up ahead."""
        return bool(piece.media) or bool(handles_in(piece.text))

    async def prepare(self, target: Target, piece: Piece) -> Prepared:
        """Upload the images (`blobs`) and look up the mentions (`dids`, by handle)."""
        service, token = self._service_of(target), target.credentials["access_jwt"]
        return {
            "blobs": [
                await self._preparation.upload(service, token, media) for media in piece.media
            ],
            "dids": await self._preparation.dids(service, token, handles_in(piece.text)),
        }

    def write_ahead(self, target: Target, piece: Piece, prepared: Prepared) -> Evidence:
        """The key and the time that make this attempt's record what it is."""
        del target, piece, prepared
        created_at = self._now().astimezone(UTC).isoformat(timespec="milliseconds")
        return {"rkey": self._tids.next(), "created_at": created_at.replace("+00:00", "Z")}

    async def warm(self, target: Target, requests: int) -> None:
        """Open the connections that so many requests of one moment need."""
        await self._http.warm(target.base_url or self._base_url, requests)

    def send(self, target: Target, outgoing: Outgoing) -> Coroutine[Any, Any, Receipt]:
        """putRecord that only creates; a record like it that is there already counts as sent."""
        request = self._http.request(
            "POST",
            f"{self._service_of(target)}/xrpc/com.atproto.repo.putRecord",
            bearer=target.credentials["access_jwt"],
            json={
                "repo": target.remote_id,
                "collection": COLLECTION,
                "rkey": outgoing.evidence["rkey"],
                "record": post_record(outgoing),
                "swapRecord": None,
            },
        )
        return self._published(target, outgoing, request)

    async def _published(self, target: Target, outgoing: Outgoing, request: Request) -> Receipt:
        withheld = (outgoing.piece.text, *target.credentials.values())
        try:
            reference, wait_until = await self._bluesky.commit(
                "publish",
                request,
                lambda response: (_reference(response), self._bluesky.spent(response)),
                withheld=withheld,
            )
        except ContentRefused as error:
            if error.answer.code != SWAP_REFUSED:
                raise
            return await self._receipt_of_what_stands(target, outgoing, error.answer)
        return replace(self._receipt(target, outgoing, reference), wait_until=wait_until)

    async def locate(self, target: Target, receipt: Receipt) -> Receipt:  # noqa: ARG002
        """The same: the answer to the send names the permalink."""
        return receipt

    async def find_published(self, target: Target, outgoing: Outgoing) -> Receipt | NotFound:
        """getRecord under the attempt's key: the server answers for what it holds at once."""
        # Without a token: records are public, and so an expired session does not blind us.
        request = self._http.request(
            "GET",
            f"{self._service_of(target)}/xrpc/com.atproto.repo.getRecord",
            query={
                "repo": target.remote_id,
                "collection": COLLECTION,
                "rkey": outgoing.evidence["rkey"],
            },
        )

        def read(response: Response) -> Receipt | NotFound:
            if not is_same(response.object["value"], outgoing):
                return NotFound.UNKNOWN
            return self._receipt(target, outgoing, _reference(response))

        try:
            return await self._bluesky.look("lookup", request, read, withheld=())
        except ContentRefused as error:
            if error.answer.code == RECORD_NOT_FOUND:
                return NotFound.ABSENT
            raise

    async def _receipt_of_what_stands(
        self, target: Target, outgoing: Outgoing, answer: Answer
    ) -> Receipt:
        """Our own post when it stands under the key already. Raises OutcomeUnknown otherwise."""
        detail = "Bluesky has a post under the key of this one, and it could not be compared."
        try:
            found = await self.find_published(target, outgoing)
        except NotSent as error:
            raise OutcomeUnknown(self.network, detail, answer=answer) from error
        if isinstance(found, NotFound):
            raise OutcomeUnknown(self.network, detail, answer=answer)
        return found

    async def _service(self, supplied: Credentials) -> str:
        """The server to log in at. Raises ContentRefused when it may not be talked to."""
        told = supplied.get("service_url", "").strip()
        if not told:
            return self._base_url
        service = _without_path(told if "://" in told else f"https://{told}")
        try:
            await self._http.require_public(service)
        except ValueError as error:
            raise refused_credential(
                self.network, "service_url", f"cannot be used: {error}"
            ) from error
        return service

    def _service_of(self, target: Target) -> str:
        return target.base_url or self._base_url

    def _receipt(self, target: Target, outgoing: Outgoing, reference: tuple[str, str]) -> Receipt:
        uri, cid = reference
        permalink = self._permalink_template.format(
            handle=target.handle, rkey=outgoing.evidence["rkey"]
        )
        return Receipt(remote_id=uri, permalink=permalink, details={"cid": cid})


def _connection(service: str, identifier: str, password: str, session: Session) -> Connection:
    return Connection(
        remote_id=session.did,
        handle=session.handle,
        display_name=session.handle,
        credentials={
            "identifier": identifier,
            "app_password": password,
            "access_jwt": session.access_jwt,
            "refresh_jwt": session.refresh_jwt,
            "did": session.did,
        },
        base_url=service,
        expires_at=session.expires_at,
    )


def _reference(response: Response) -> tuple[str, str]:
    """The URI and the CID of a record."""
    return str(response.object["uri"]), str(response.object["cid"])


def _without_path(url: str) -> str:
    """The server's address in the form that `/xrpc/…` is put behind."""
    return url.rstrip("/").removesuffix("/xrpc")
