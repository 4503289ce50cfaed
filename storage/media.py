"""Facts about uploaded files; the bytes are in the media store."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    Uuid,
    cast,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.ext.asyncio import AsyncSession

from domain.content import MediaFacts
from domain.deliveries import PostStatus
from storage import pictures
from storage.tables import MediaRow, PostRevisionRow, PostRow
from storage.unnested import is_among, unnested

_NOT_OUT_YET: Final = (PostStatus.DRAFT, PostStatus.SCHEDULED, PostStatus.PUBLISHING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Media:
    """One uploaded file."""

    id: UUID
    workspace_id: UUID | None
    """Whose it is; null when it is a user's."""
    user_id: UUID | None
    storage_key: str
    file_name: str
    """As the user's machine named it; says nothing about the content."""
    content_type: str
    """Found in the bytes."""
    sha256: bytes
    size: int
    """Bytes."""
    width: int
    """Pixels, after EXIF orientation."""
    height: int
    """Pixels, after EXIF orientation."""
    alt_text: str
    created_at: datetime

    def facts(self) -> MediaFacts:
        """What the networks' rules ask about it."""
        return MediaFacts(
            media_id=self.id,
            content_type=self.content_type,
            size=self.size,
            width=self.width,
            height=self.height,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class NewMedia:
    """A file that is in the media store already, about to be known."""

    id: UUID
    storage_key: str
    file_name: str
    content_type: str
    sha256: bytes
    size: int
    width: int
    height: int
    alt_text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """How large a picture is, as it is seen."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""


async def create(session: AsyncSession, workspace_id: UUID, new: NewMedia) -> Media:
    """Make an uploaded file known."""
    created = await session.scalars(
        insert(MediaRow)
        .values(
            id=new.id,
            workspace_id=workspace_id,
            storage_key=new.storage_key,
            file_name=new.file_name,
            content_type=new.content_type,
            sha256=new.sha256,
            size=new.size,
            width=new.width,
            height=new.height,
            alt_text=new.alt_text,
        )
        .returning(MediaRow)
    )
    return _media(created.one())


async def find(session: AsyncSession, workspace_id: UUID, media_id: UUID) -> Media | None:
    """The media item of that id, if it is the workspace's."""
    row = await session.scalar(_owned(workspace_id, media_id))
    return None if row is None else _media(row)


async def lock(session: AsyncSession, workspace_id: UUID, media_id: UUID) -> Media | None:
    """The same, held until the transaction ends: see `find_to_use`."""
    row = await session.scalar(_owned(workspace_id, media_id).with_for_update())
    return None if row is None else _media(row)


async def find_any(session: AsyncSession, media_id: UUID) -> Media | None:
    """The media item of that id in whatever workspace: for links that carry their own proof."""
    row = await session.get(MediaRow, media_id)
    return None if row is None else _media(row)


async def find_to_use(
    session: AsyncSession, wanted: Collection[tuple[UUID, UUID]]
) -> Sequence[Media]:
    """Of workspaces and ids, the items that are theirs: not deleted until the transaction ends."""
    asked = unnested(
        "wanted",
        workspace_id=(Uuid(), [workspace_id for workspace_id, _ in wanted]),
        id=(Uuid(), [media_id for _, media_id in wanted]),
    )
    query = (
        select(MediaRow)
        .join(asked, (MediaRow.id == asked.c.id) & (MediaRow.workspace_id == asked.c.workspace_id))
        .order_by(MediaRow.id)  # one order of locking for all
        .with_for_update(read=True, key_share=True, of=MediaRow)
    )
    return [_media(row) for row in await session.scalars(query)]


async def create_of_user(session: AsyncSession, user_id: UUID, new: NewMedia) -> Media:
    """Make a user's uploaded file known, and have the sizes made that others see of it."""
    created = await session.scalars(
        insert(MediaRow).values(user_id=user_id, **asdict(new)).returning(MediaRow)
    )
    media = _media(created.one())
    await pictures.ask_for(session, [media.id])
    return media


async def lock_of_user(session: AsyncSession, user_id: UUID, media_id: UUID) -> Media | None:
    """The media item of that id, if it is the user's, held until the transaction ends."""
    query = (
        select(MediaRow)
        .where(MediaRow.user_id == user_id, MediaRow.id == media_id)
        .with_for_update()
    )
    row = await session.scalar(query)
    return None if row is None else _media(row)


async def find_of_user_to_use(
    session: AsyncSession, user_id: UUID, media_ids: Collection[UUID]
) -> dict[UUID, Media]:
    """Those of the ids that are the user's, kept from deletion until the transaction ends."""
    query = (
        select(MediaRow)
        .where(MediaRow.user_id == user_id, MediaRow.id.in_(media_ids))
        .order_by(MediaRow.id)  # one order of locking for all
        .with_for_update(read=True, key_share=True)
    )
    return {row.id: _media(row) for row in await session.scalars(query)}


async def shapes(session: AsyncSession, media_ids: Collection[UUID]) -> dict[UUID, Shape]:
    """How large these are, whosever they are: one statement, and none when there are none."""
    if not media_ids:
        return {}
    query = select(MediaRow.id, MediaRow.width, MediaRow.height).where(
        is_among(MediaRow.id, media_ids)
    )
    return {
        media_id: Shape(width=width, height=height)
        for media_id, width, height in await session.execute(query)
    }


async def list_of_user(
    session: AsyncSession, user_id: UUID, *, before: UUID | None, limit: int
) -> Sequence[Media]:
    """A user's media, newest first."""
    return await _list(session, MediaRow.user_id == user_id, before, limit)


async def list_page(
    session: AsyncSession, workspace_id: UUID, *, before: UUID | None, limit: int
) -> Sequence[Media]:
    """A workspace's media, newest first."""
    return await _list(session, MediaRow.workspace_id == workspace_id, before, limit)


async def describe(
    session: AsyncSession, workspace_id: UUID, media_id: UUID, alt_text: str
) -> Media | None:
    """Give a media item another alt text."""
    described = await session.scalars(
        update(MediaRow)
        .where(MediaRow.workspace_id == workspace_id, MediaRow.id == media_id)
        .values(alt_text=alt_text)
        .returning(MediaRow)
    )
    row = described.one_or_none()
    return None if row is None else _media(row)


async def forget(session: AsyncSession, media_id: UUID) -> None:
    """Remove the row; the file itself is the media store's."""
    await session.execute(delete(MediaRow).where(MediaRow.id == media_id))


async def count_posts_using(session: AsyncSession, workspace_id: UUID, media_id: UUID) -> int:
    """How many posts that are not out yet, drafts included, carry the media item."""
    somewhere = func.jsonb_path_exists(
        PostRevisionRow.content,
        cast("$.**.media_id ? (@ == $wanted)", JSONPATH),
        func.jsonb_build_object("wanted", cast(str(media_id), Text)),
    )
    query = (
        select(func.count())
        .select_from(PostRow)
        .join(
            PostRevisionRow,
            (PostRevisionRow.post_id == PostRow.id)
            & (PostRevisionRow.revision == PostRow.revision),
        )
        .where(PostRow.workspace_id == workspace_id, PostRow.status.in_(_NOT_OUT_YET), somewhere)
    )
    return (await session.scalar(query)) or 0


async def _list(
    session: AsyncSession, owned: ColumnElement[bool], before: UUID | None, limit: int
) -> list[Media]:
    query = select(MediaRow).where(owned).order_by(MediaRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(MediaRow.id < before)
    return [_media(row) for row in await session.scalars(query)]


def _owned(workspace_id: UUID, media_id: UUID) -> Select[MediaRow]:
    return select(MediaRow).where(MediaRow.workspace_id == workspace_id, MediaRow.id == media_id)


def _media(row: MediaRow) -> Media:
    return Media(
        id=row.id,
        workspace_id=row.workspace_id,
        user_id=row.user_id,
        storage_key=row.storage_key,
        file_name=row.file_name,
        content_type=row.content_type,
        sha256=row.sha256,
        size=row.size,
        width=row.width,
        height=row.height,
        alt_text=row.alt_text,
        created_at=row.created_at,
    )
