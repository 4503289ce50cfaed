"""What the database itself saw: every change of a status, and every claim."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import DeliveryStatus

OBSERVE = """
    CREATE TABLE observed_moves (
        id bigint GENERATED ALWAYS AS IDENTITY, delivery_id uuid, before text, after text
    );
    CREATE TABLE observed_claims (
        id bigint GENERATED ALWAYS AS IDENTITY, delivery_id uuid, revision int, current int,
        status text
    );
    CREATE FUNCTION observe_move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO observed_moves (delivery_id, before, after)
        VALUES (NEW.id, OLD.status, NEW.status);
        RETURN NULL;
    END $$;
    CREATE FUNCTION observe_claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO observed_claims (delivery_id, revision, current, status)
        SELECT NEW.delivery_id, NEW.revision, posts.revision, deliveries.status
        FROM deliveries JOIN posts ON posts.id = deliveries.post_id
        WHERE deliveries.id = NEW.delivery_id;
        RETURN NULL;
    END $$;
    CREATE TRIGGER observe_move AFTER UPDATE OF status ON deliveries FOR EACH ROW
        WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION observe_move();
    CREATE TRIGGER observe_claim AFTER INSERT ON attempts FOR EACH ROW
        EXECUTE FUNCTION observe_claim();
"""


@dataclass(frozen=True, kw_only=True)
class Move:
    """One change of a delivery's status."""

    delivery_id: UUID
    before: DeliveryStatus
    after: DeliveryStatus


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One attempt as it was written ahead."""

    delivery_id: UUID
    revision: int
    current: int
    """The post's revision at that moment."""
    status: DeliveryStatus


async def take_moves(session: AsyncSession) -> Sequence[Move]:
    """Everything since the last time, in order."""
    rows = await session.execute(
        text(
            "WITH taken AS (DELETE FROM observed_moves RETURNING id, delivery_id, before, after)"
            " SELECT delivery_id, before, after FROM taken ORDER BY id"
        )
    )
    return [
        Move(
            delivery_id=row.delivery_id,
            before=DeliveryStatus(row.before),
            after=DeliveryStatus(row.after),
        )
        for row in rows
    ]


async def take_claims(session: AsyncSession) -> Sequence[Claim]:
    """Everything since the last time, in order."""
    rows = await session.execute(
        text(
            "WITH taken AS (DELETE FROM observed_claims"
            " RETURNING id, delivery_id, revision, current, status)"
            " SELECT delivery_id, revision, current, status FROM taken ORDER BY id"
        )
    )
    return [
        Claim(
            delivery_id=row.delivery_id,
            revision=row.revision,
            current=row.current,
            status=DeliveryStatus(row.status),
        )
        for row in rows
    ]
