"""Pieces as the publishing side hands them to an adapter."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from domain.content import PartKind
from domain.receipts import Receipt
from networks.protocol import MediaFile, NetworkAdapter, Outgoing, Piece, Prepared, Target


def a_piece(text: str, *media: MediaFile, **fields: Any) -> Piece:
    """A first piece with that text and media."""
    return Piece(index=0, kind=PartKind.POST, text=text, media=media, **fields)


def written_down(
    adapter: NetworkAdapter,
    target: Target,
    piece: Piece,
    prepared: Prepared,
    *,
    root: Receipt | None = None,
    parent: Receipt | None = None,
) -> Outgoing:
    """The attempt to send it, written down this moment."""
    return Outgoing(
        attempt_id=uuid4(),
        started_at=datetime.now(UTC),
        piece=piece,
        prepared=prepared,
        evidence=adapter.write_ahead(target, piece, prepared),
        root=root,
        parent=parent,
    )


async def made_ready(
    adapter: NetworkAdapter,
    target: Target,
    piece: Piece,
    *,
    root: Receipt | None = None,
    parent: Receipt | None = None,
) -> Outgoing:
    """The same, prepared at the network first when there is something to prepare."""
    is_needed = adapter.needs_preparation(piece)
    prepared = await adapter.prepare(target, piece) if is_needed else {}
    return written_down(adapter, target, piece, prepared, root=root, parent=parent)
