"""Pictures that are shown in sizes: asked for, made, read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.pictures import PictureStatus
from storage import jobs
from storage.jobs import JobKind
from storage.tables import MediaRow, PictureRow

FAILURE_AT_MOST: Final = 200
"""Characters of a reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureSize:
    """One size, in the media store under `size_key`."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    bytes: int
    sha256: str
    """Of the bytes, in hexadecimal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A media item that is shown in sizes."""

    media_id: UUID
    status: PictureStatus
    failure: str | None
    """Why it has no sizes, for its owner to read."""
    sizes: Mapping[str, PictureSize]
    """By name, once it is ready."""
    alt_text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Original:
    """What sizes are made of."""

    storage_key: str
    user_id: UUID | None
    """Whose it is; null when it is a workspace's."""


def size_key(media_id: UUID, name: str) -> str:
    """Where the media store keeps that size: the same each time it is made."""
    return f"pictures/{media_id}/{name}"


async def ask_for(session: AsyncSession, media_ids: Collection[UUID]) -> None:
    """Have sizes made of the media items after the commit, unless somebody asked before."""
    if not media_ids:
        return
    statement = (
        insert(PictureRow)
        .values(
            [
                {"media_id": media_id, "status": PictureStatus.PROCESSING.value}
                for media_id in sorted(media_ids)
            ]
        )
        .on_conflict_do_nothing()
        .returning(PictureRow.media_id)
    )
    new = (await session.scalars(statement)).all()
    await jobs.put_many(session, JobKind.MAKE_IMAGES, [(media_id, {}) for media_id in new])


async def find_unmade(session: AsyncSession, media_id: UUID) -> Original | None:
    """What its sizes are to be made of; None when they are there, or nobody needs them."""
    query = (
        select(MediaRow.storage_key, MediaRow.user_id)
        .join(PictureRow, PictureRow.media_id == MediaRow.id)
        .where(MediaRow.id == media_id, PictureRow.status == PictureStatus.PROCESSING)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else Original(storage_key=row.storage_key, user_id=row.user_id)


async def mark_ready(
    session: AsyncSession, media_id: UUID, sizes: Mapping[str, PictureSize]
) -> bool:
    """The sizes are in the media store, every one; False when nobody needs them any more."""
    told = {
        name: {"width": one.width, "height": one.height, "bytes": one.bytes, "sha256": one.sha256}
        for name, one in sizes.items()
    }
    return await _settle(session, media_id, status=PictureStatus.READY, sizes=told)


async def mark_failed(session: AsyncSession, media_id: UUID, failure: str) -> None:
    """No further try would make them; `failure` says why to the picture's owner."""
    await _settle(session, media_id, status=PictureStatus.FAILED, failure=failure[:FAILURE_AT_MOST])


async def find(session: AsyncSession, media_id: UUID) -> Picture | None:
    """The picture of that media item, whosever it is: for links that carry their own proof."""
    query = (
        select(PictureRow, MediaRow.alt_text)
        .join(MediaRow, MediaRow.id == PictureRow.media_id)
        .where(PictureRow.media_id == media_id)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else as_picture(*row)


def as_picture(row: PictureRow, alt_text: str) -> Picture:
    """The picture that a row tells of, with the alt text of its media item."""
    return Picture(
        media_id=row.media_id,
        status=PictureStatus(row.status),
        failure=row.failure,
        sizes={name: PictureSize(**told) for name, told in row.sizes.items()},
        alt_text=alt_text,
    )


async def _settle(
    session: AsyncSession, media_id: UUID, *, status: PictureStatus, **changes: Any
) -> bool:
    settled = await session.scalars(
        update(PictureRow)
        .where(PictureRow.media_id == media_id, PictureRow.status == PictureStatus.PROCESSING)
        .values(status=status.value, made_at=func.now(), **changes)
        .returning(PictureRow.media_id)
    )
    return settled.one_or_none() is not None
