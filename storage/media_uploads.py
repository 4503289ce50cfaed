"""Uploads that were announced, on their way past the API into the media store."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from storage import jobs
from storage.jobs import JobKind
from storage.tables import MediaUploadRow

AFTERWARDS: Final = timedelta(minutes=15)
"""How long after its time what is left of an upload is removed: one that began in time may last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Whose it will be: a workspace's or a user's, one of both."""

    workspace_id: UUID | None = None
    user_id: UUID | None = None

    @property
    def id(self) -> UUID:
        """Whichever it is."""
        found = self.workspace_id or self.user_id
        if found is None:
            raise ValueError("an upload belongs to a workspace or to a user")
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Announced:
    """What is said of a file before it is sent."""

    file_name: str
    content_type: str
    size: int
    """Bytes."""
    sha256: bytes | None
    alt_text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaUpload:
    """An upload, from its announcement until it is forgotten."""

    id: UUID
    owner: Owner
    announced: Announced
    expires_at: datetime
    media_id: UUID | None
    """What became of it; None until it is complete."""

    @property
    def storage_key(self) -> str:
        """Where the media store gets it. No media item is ever read from there."""
        return incoming_key(self.id)


def incoming_key(upload_id: UUID) -> str:
    """Where the media store gets an upload."""
    return f"incoming/{upload_id}"


async def create(
    session: AsyncSession, owner: Owner, announced: Announced, *, expires_at: datetime
) -> MediaUpload:
    """Expect a file until then; what is left of it is removed some time later."""
    upload_id = new_id()
    created = await session.scalars(
        insert(MediaUploadRow)
        .values(
            id=upload_id,
            workspace_id=owner.workspace_id,
            user_id=owner.user_id,
            file_name=announced.file_name,
            content_type=announced.content_type,
            size=announced.size,
            sha256=announced.sha256,
            alt_text=announced.alt_text,
            expires_at=expires_at,
        )
        .returning(MediaUploadRow)
    )
    await jobs.put(
        session,
        JobKind.FORGET_UPLOAD,
        subject_id=upload_id,
        payload={},
        run_at=expires_at + AFTERWARDS,
    )
    return _upload(created.one())


async def count_open(session: AsyncSession, owner: Owner) -> int:
    """How many of the owner's are expected and have not become media items."""
    query = (
        select(func.count())
        .select_from(MediaUploadRow)
        .where(_owned(owner), MediaUploadRow.media_id.is_(None))
    )
    return await session.scalar(query) or 0


async def find(session: AsyncSession, owner: Owner, upload_id: UUID) -> MediaUpload | None:
    """The upload of that id, if it is the owner's."""
    query = select(MediaUploadRow).where(MediaUploadRow.id == upload_id, _owned(owner))
    row = (await session.scalars(query)).one_or_none()
    return None if row is None else _upload(row)


async def find_any(session: AsyncSession, upload_id: UUID) -> MediaUpload | None:
    """The upload of that id, whosever it is: for links that carry their own proof."""
    row = await session.get(MediaUploadRow, upload_id)
    return None if row is None else _upload(row)


async def lock(session: AsyncSession, upload_id: UUID) -> MediaUpload | None:
    """The upload of that id, kept as it is until the transaction ends."""
    query = select(MediaUploadRow).where(MediaUploadRow.id == upload_id).with_for_update()
    row = (await session.scalars(query)).one_or_none()
    return None if row is None else _upload(row)


async def complete(session: AsyncSession, upload_id: UUID, media_id: UUID) -> None:
    """It became that media item."""
    await session.execute(
        update(MediaUploadRow).where(MediaUploadRow.id == upload_id).values(media_id=media_id)
    )


async def forget(session: AsyncSession, upload_id: UUID) -> None:
    """Expect it no more."""
    await session.execute(delete(MediaUploadRow).where(MediaUploadRow.id == upload_id))


def _owned(owner: Owner) -> ColumnElement[bool]:
    if owner.workspace_id is not None:
        return MediaUploadRow.workspace_id == owner.workspace_id
    return MediaUploadRow.user_id == owner.id


def _upload(row: MediaUploadRow) -> MediaUpload:
    return MediaUpload(
        id=row.id,
        owner=Owner(workspace_id=row.workspace_id, user_id=row.user_id),
        announced=Announced(
            file_name=row.file_name,
            content_type=row.content_type,
            size=row.size,
            sha256=row.sha256,
            alt_text=row.alt_text,
        ),
        expires_at=row.expires_at,
        media_id=row.media_id,
    )
