"""Everything a worker needs to know of one delivery, read in one go."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.content import Content, PartKind
from domain.deliveries import DeliveryStatus
from domain.networks import Network
from domain.policies import AmbiguityPolicy
from domain.receipts import Receipt
from storage.contents import from_json
from storage.tables import (
    AccountRow,
    AttemptRow,
    DeliveryRow,
    MediaRow,
    PostRevisionRow,
    PostRow,
    WorkspaceRow,
)
from storage.unnested import is_among


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountAccess:
    """How to speak for the account; the credentials are still encrypted."""

    account_id: UUID
    remote_id: str
    handle: str
    base_url: str | None
    status: str
    credentials: bytes = field(repr=False)
    credentials_version: int
    expires_at: datetime | None
    """When they end, UTC; None when the network does not say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenAttempt:
    """A try whose fate was never written down."""

    attempt_id: UUID
    part: int
    revision: int
    evidence: Mapping[str, Any]
    started_at: datetime
    """When its request left, or was to leave, UTC."""
    lookups: int
    resends: int = 0
    departure_id: UUID | None = None
    """Set when it was claimed ahead of its second, with others."""
    error: Mapping[str, Any] | None = None
    """What the send was answered, when that left its fate open: {type, message, evidence}."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredMedia:
    """An uploaded file and where its bytes are."""

    media_id: UUID
    storage_key: str
    content_type: str
    size: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryState:
    """One delivery with its content, account and attempts."""

    delivery_id: UUID
    root_id: UUID
    post_id: UUID
    workspace_id: UUID
    network: Network
    priority: int
    """1 (first) to 5; the post's."""
    ambiguity_policy: AmbiguityPolicy
    """The workspace's."""
    status: DeliveryStatus
    revision: int
    publish_at: datetime
    """UTC."""
    content: Content = field(repr=False)
    account: AccountAccess
    media: Mapping[UUID, StoredMedia]
    prepared: Mapping[int, Mapping[str, Any]]
    """By part; only what was prepared from this revision."""
    receipts: Mapping[int, Receipt]
    """By part: what is public already."""
    open_attempt: OpenAttempt | None
    tries: Mapping[int, int]
    """By part: the attempts that are over and count."""
    first_tries: Mapping[int, datetime]
    """By part: when the earliest attempt began, retried deliveries included."""
    doubtful: frozenset[int]
    """Parts with an earlier attempt that was not answered, and closed by looking for it."""

    @property
    def next_part(self) -> int:
        """The first part without a receipt."""
        indexes = (part.index for part in self.content.parts())
        return next((index for index in indexes if index not in self.receipts), 0)

    def is_comment(self, part: int) -> bool:
        """Whether that part only hangs under the post."""
        return self.content.parts()[part].kind is PartKind.COMMENT

    def with_prepared(self, part: int, prepared: Mapping[str, Any]) -> "DeliveryState":
        """The same, with that part prepared."""
        return replace(self, prepared={**self.prepared, part: prepared})

    def with_receipt(self, part: int, receipt: Receipt) -> "DeliveryState":
        """The same, one part further."""
        return replace(self, receipts={**self.receipts, part: receipt})


async def load(session: AsyncSession, delivery_id: UUID) -> DeliveryState:
    """Read a delivery's state. Raises LookupError when there is no such delivery with a time."""
    found = (await load_many(session, [delivery_id])).get(delivery_id)
    if found is None:
        raise LookupError(f"there is no delivery {delivery_id} with a publish time")
    return found


async def load_many(
    session: AsyncSession, delivery_ids: Collection[UUID]
) -> dict[UUID, DeliveryState]:
    """Read many; those that do not exist, or have no publish time yet, are missing."""
    query = (
        select(
            DeliveryRow,
            AccountRow,
            PostRevisionRow.content,
            PostRow.priority,
            WorkspaceRow.ambiguity_policy,
        )
        .join(PostRow, PostRow.id == DeliveryRow.post_id)
        .join(AccountRow, AccountRow.id == DeliveryRow.account_id)
        .join(WorkspaceRow, WorkspaceRow.id == DeliveryRow.workspace_id)
        .join(
            PostRevisionRow,
            (PostRevisionRow.post_id == DeliveryRow.post_id)
            & (PostRevisionRow.revision == DeliveryRow.revision),
        )
        .where(is_among(DeliveryRow.id, delivery_ids), DeliveryRow.publish_at.is_not(None))
        .execution_options(populate_existing=True)
    )
    rows = (await session.execute(query)).all()
    contents = {
        delivery.id: from_json(stored).for_network(delivery.network)
        for delivery, _, stored, _, _ in rows
    }
    attempts = await _attempts(session, {delivery.root_id for delivery, *_ in rows})
    media = await _media(session, contents.values())
    return {
        delivery.id: _state(
            delivery,
            account,
            contents[delivery.id],
            priority,
            ambiguity_policy,
            attempts[delivery.root_id],
            media,
        )
        for delivery, account, _, priority, ambiguity_policy in rows
    }


def _state(
    delivery: DeliveryRow,
    account: AccountRow,
    content: Content,
    priority: int,
    ambiguity_policy: AmbiguityPolicy,
    attempts: list[AttemptRow],
    media: Mapping[UUID, MediaRow],
) -> DeliveryState:
    if delivery.publish_at is None:
        raise LookupError(f"delivery {delivery.id} belongs to a draft")
    return DeliveryState(
        delivery_id=delivery.id,
        root_id=delivery.root_id,
        post_id=delivery.post_id,
        workspace_id=delivery.workspace_id,
        network=delivery.network,
        priority=priority,
        ambiguity_policy=ambiguity_policy,
        status=delivery.status,
        revision=delivery.revision,
        publish_at=delivery.publish_at,
        content=content,
        account=AccountAccess(
            account_id=account.id,
            remote_id=account.remote_id,
            handle=account.handle,
            base_url=account.base_url,
            status=account.status,
            credentials=account.credentials,
            credentials_version=account.credentials_version,
            expires_at=account.expires_at,
        ),
        media={
            item.media_id: _stored(media[item.media_id])
            for item in content.attachments()
            if item.media_id in media and media[item.media_id].workspace_id == delivery.workspace_id
        },
        prepared=_prepared(delivery),
        receipts=_receipts(attempts),
        open_attempt=_open(attempts),
        tries=_tries(attempts, delivery.id),
        first_tries=_first_tries(attempts),
        doubtful=frozenset(row.part for row in attempts if _is_doubtful(row)),
    )


async def _attempts(
    session: AsyncSession, root_ids: Collection[UUID]
) -> defaultdict[UUID, list[AttemptRow]]:
    query = (
        select(AttemptRow)
        .where(is_among(AttemptRow.root_id, root_ids))
        .order_by(AttemptRow.part, AttemptRow.started_at)
        .execution_options(populate_existing=True)
    )
    found: defaultdict[UUID, list[AttemptRow]] = defaultdict(list)
    for row in await session.scalars(query):
        found[row.root_id].append(row)
    return found


async def _media(session: AsyncSession, contents: Iterable[Content]) -> dict[UUID, MediaRow]:
    wanted = {item.media_id for content in contents for item in content.attachments()}
    if not wanted:
        return {}
    rows = await session.scalars(select(MediaRow).where(is_among(MediaRow.id, wanted)))
    return {row.id: row for row in rows}


def _stored(row: MediaRow) -> StoredMedia:
    return StoredMedia(
        media_id=row.id,
        storage_key=row.storage_key,
        content_type=row.content_type,
        size=row.size,
        width=row.width,
        height=row.height,
    )


def _prepared(delivery: DeliveryRow) -> dict[int, Mapping[str, Any]]:
    if delivery.prepared_revision != delivery.revision:
        return {}
    return {int(part): prepared for part, prepared in (delivery.prepared or {}).items()}


def _receipts(attempts: list[AttemptRow]) -> dict[int, Receipt]:
    return {
        row.part: Receipt(
            remote_id=row.remote_id, permalink=row.permalink, details=row.details or {}
        )
        for row in attempts
        if row.outcome == "published" and row.remote_id is not None
    }


def _open(attempts: list[AttemptRow]) -> OpenAttempt | None:
    for row in attempts:
        if row.outcome is None:
            return OpenAttempt(
                attempt_id=row.id,
                part=row.part,
                revision=row.revision,
                evidence=row.evidence,
                started_at=row.started_at,
                lookups=row.lookups,
                resends=row.resends,
                departure_id=row.departure_id,
                error=row.error,
            )
    return None


def _tries(attempts: list[AttemptRow], delivery_id: UUID) -> dict[int, int]:
    counted: dict[int, int] = {}
    for row in attempts:
        if row.outcome and row.counted and row.delivery_id == delivery_id:
            counted[row.part] = counted.get(row.part, 0) + 1
    return counted


def _is_doubtful(row: AttemptRow) -> bool:
    return row.outcome == "unconfirmed" or (row.outcome is not None and row.lookups > 0)


def _first_tries(attempts: list[AttemptRow]) -> dict[int, datetime]:
    earliest: dict[int, datetime] = {}
    for row in attempts:
        earliest[row.part] = min(row.started_at, earliest.get(row.part, row.started_at))
    return earliest
