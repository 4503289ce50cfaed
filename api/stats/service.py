"""Service levels, from what the deliveries themselves say."""

from datetime import datetime

from api.auth.service import Caller
from domain.networks import Network
from storage import service_level
from storage.database import Database
from storage.service_level import Lateness


class StatsService:
    """Measures how a workspace was served."""

    def __init__(self, database: Database) -> None:
        """Everything it reads is in that database."""
        self._database = database

    async def lateness(
        self, caller: Caller, *, since: datetime, until: datetime, network: Network | None
    ) -> list[Lateness]:
        """Of what was due from `since` to before `until`, UTC: together, and by network."""
        async with self._database.transaction() as session:
            return list(
                await service_level.measure_lateness(
                    session, caller.workspace_id, since=since, until=until, network=network
                )
            )
