"""What an account may send, as far as is known here."""

from datetime import UTC, datetime
from uuid import UUID

from api.accounts.schemas import CapacityShown
from api.auth.service import Caller
from api.problems import NotFound
from storage import accounts, forecast
from storage.database import Database
from storage.quotas import Quotas


class AccountCapacity:
    """Looks ahead for one account."""

    def __init__(self, database: Database, quotas: Quotas) -> None:
        """`quotas` are those of this installation."""
        self._database = database
        self._quotas = quotas

    async def read(self, caller: Caller, account_id: UUID, at: datetime | None) -> CapacityShown:
        """At that moment, or now: a moment that is past means now. Raises NotFound."""
        now = datetime.now(UTC)
        moment = max(at, now) if at else now
        async with self._database.transaction() as session:
            account = await accounts.find(session, caller.workspace_id, account_id)
            if account is None:
                raise NotFound("account", account_id)
            left = await forecast.capacity(session, account, self._quotas, at=moment, now=now)
        return CapacityShown.of(account_id, moment, left)
