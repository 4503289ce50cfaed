"""What every network adapter can do: the one seam between publishing and the networks."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol
from uuid import UUID

from domain.content import PartKind, Visibility
from domain.networks import Guarantee, Network
from domain.receipts import Receipt
from domain.rules import AccountLimits

Credentials = Mapping[str, str]
"""Secrets and ids of one account, as its adapter names them. Encrypted wherever it rests."""

Prepared = Mapping[str, Any]
"""JSON. What preparing left at the network: media ids, a container id, resolved mentions."""

Evidence = Mapping[str, Any]
"""JSON. What proves an attempt's fate later: a key, an rkey with its createdAt, a fingerprint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """What connecting an account found out about it."""

    remote_id: str
    """The network's own id of the profile or page."""
    handle: str
    display_name: str
    credentials: Credentials = field(repr=False)
    """To be kept; may differ from what was supplied (a session made from an app password)."""
    base_url: str | None = None
    """The server of this account, on networks that have many (Mastodon, Bluesky)."""
    expires_at: datetime | None = None
    """When the access token ends, UTC; None when it does not say."""
    limits: AccountLimits | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One connected account, ready to be spoken for."""

    account_id: UUID
    remote_id: str
    handle: str
    credentials: Credentials = field(repr=False)
    base_url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaFile:
    """One media item that a part carries."""

    media_id: UUID
    content_type: str
    size: int
    """Bytes."""
    width: int
    height: int
    alt_text: str
    public_url: str
    """Where the network may fetch it, for those that do not take bytes."""
    read: Callable[[], Awaitable[bytes]] = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One part of a delivery with its media at hand."""

    index: int
    kind: PartKind
    text: str = field(repr=False)
    media: tuple[MediaFile, ...] = ()
    link: str | None = None
    content_warning: str | None = None
    visibility: Visibility | None = None
    language: str | None = None


class NotFound(StrEnum):
    """What a look at the network found instead of a receipt."""

    ABSENT = "absent"
    """Looked where it would stand, and it does not stand there."""
    UNKNOWN = "unknown"
    """Could not look, or could not tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """One piece about to be sent, with all that was written down ahead of it."""

    attempt_id: UUID
    started_at: datetime
    """When this attempt was written down, UTC."""
    piece: Piece
    prepared: Prepared
    evidence: Evidence
    root: Receipt | None = None
    """The receipt of the delivery's first piece; None for the first piece itself."""
    parent: Receipt | None = None
    """The receipt of the piece this one answers."""


class NetworkAdapter(Protocol):
    """How to publish on one network.

    Every method raises NetworkError, classed by what to do. Only `send` may raise OutcomeUnknown:
    everything else is invisible to the public and may be repeated freely.
    """

    network: ClassVar[Network]
    guarantee: ClassVar[Guarantee]
    resend_window: ClassVar[timedelta | None]
    """How long after the first try the same evidence sent again publishes nothing new.

    None: not by resending.
    """

    async def connect(self, supplied: Credentials) -> Connection:
        """Try the supplied credentials and learn whose they are.

        Raises AccountDisconnected when the network refuses them, ContentRefused (detail names the
        missing field) when they are incomplete.
        """
        ...

    async def check(self, target: Target) -> Connection:
        """Ask the network whether the stored credentials still work, and who the account is now."""
        ...

    async def refresh(self, target: Target) -> Connection:
        """New credentials from the stored ones. Raises AccountDisconnected when there is no way."""
        ...

    def needs_preparation(self, piece: Piece) -> bool:
        """Whether `prepare` has anything to do for it."""
        ...

    async def prepare(self, target: Target, piece: Piece) -> Prepared:
        """Transfer media, create containers, wait until processed. Nothing becomes public."""
        ...

    def write_ahead(self, target: Target, piece: Piece, prepared: Prepared) -> Evidence:
        """What to keep before sending, so that the attempt's fate can be proven. No I/O.

        Called once for each attempt; no text and no token may be in it.
        """
        ...

    async def warm(self, target: Target, requests: int) -> None:
        """Open the connections that so many requests of one moment need. Never raises."""
        ...

    def send(self, target: Target, outgoing: Outgoing) -> Coroutine[Any, Any, Receipt]:
        """Make it public, when that is awaited: exactly one committing request.

        To be composed when this is called: then there is time, and at its second there is none.
        """
        ...

    async def locate(self, target: Target, receipt: Receipt) -> Receipt:
        """The receipt of a first part with its permalink, where the network tells it only later.

        Asked when nothing is urgent any more. Never raises NetworkError: what is public stays so.
        """
        ...

    async def find_published(self, target: Target, outgoing: Outgoing) -> Receipt | NotFound:
        """Look whether that attempt became public. Never publishes.

        For idempotent networks the caller sends again with the same evidence instead, when this
        answers ABSENT or UNKNOWN.
        """
        ...
