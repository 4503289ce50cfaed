"""Posts that an account sent, written straight into the tables."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, update

from domain.deliveries import DeliveryStatus
from domain.ids import new_id
from storage.database import Database
from storage.tables import AttemptRow, DeliveryRow
from tests.api.test_posts_actors import Author


async def sent(author: Author, database: Database, account: str, *moments: datetime) -> None:
    """One post at each of these moments, published."""
    for moment in moments:
        post = await author.draft(account)
        delivery_id = UUID(post["deliveries"][0]["id"])
        async with database.transaction() as session:
            await session.execute(
                update(DeliveryRow)
                .where(DeliveryRow.id == delivery_id)
                .values(status=DeliveryStatus.PUBLISHED, publish_at=moment, sent_at=moment)
            )
            await session.execute(
                insert(AttemptRow).values(
                    id=new_id(),
                    delivery_id=delivery_id,
                    root_id=delivery_id,
                    account_id=UUID(account),
                    part=0,
                    number=1,
                    revision=1,
                    evidence={},
                    started_at=moment,
                    outcome="published",
                )
            )
