"""Speaking for an account: its credentials opened, and refreshed by one worker at a time."""

from datetime import datetime, timedelta

import structlog

from domain.networks import Network
from networks.errors import AccountDisconnected, AccountRemoved, Answer, NetworkError, TryLater
from networks.protocol import Connection, NetworkAdapter, Target
from storage.account_access import AccountStore, FreshCredentials
from storage.delivery_state import AccountAccess
from storage.vault import TokenVault

log = structlog.get_logger(__name__)

EXPIRY_MARGIN = timedelta(minutes=1)
"""Credentials that end sooner than this after they are needed are renewed before."""


class Accounts:
    """Turns stored accounts into targets."""

    def __init__(self, store: AccountStore, vault: TokenVault) -> None:
        """`vault` opens what `store` reads."""
        self._store = store
        self._vault = vault

    def target(self, network: Network, account: AccountAccess) -> Target:
        """Ready to be spoken for. Raises AccountDisconnected when only the user can repair it."""
        if account.status == "disconnected":
            raise AccountRemoved(
                network,
                f"The account {account.handle} was disconnected here while posts waited for it.",
                answer=Answer(operation="account"),
            )
        if account.status != "connected":
            raise AccountDisconnected(
                network,
                f"The account {account.handle} has to be connected again.",
                answer=Answer(operation="account"),
            )
        return Target(
            account_id=account.account_id,
            remote_id=account.remote_id,
            handle=account.handle,
            credentials=self._vault.decrypt(account.credentials),
            base_url=account.base_url,
        )

    async def renewed(
        self, adapter: NetworkAdapter, account: AccountAccess, needed_at: datetime
    ) -> AccountAccess:
        """The account with credentials that last: refused at the second, they would cost it.

        Where they cannot be renewed they stay, and what the network says to the send counts.
        """
        if account.expires_at is None or account.expires_at > needed_at + EXPIRY_MARGIN:
            return account
        try:
            await self.refresh(adapter, account)
        except NetworkError as error:
            log.info("not renewed ahead", account_id=str(account.account_id), error=str(error))
        return await self._store.read(account.account_id)

    async def refresh(self, adapter: NetworkAdapter, account: AccountAccess) -> bool:
        """Replace expired credentials; False while another worker is about to.

        Raises NetworkError when the network gives none.
        """
        version = account.credentials_version
        if not await self._store.begin_refresh(account.account_id, version):
            return (await self._store.read(account.account_id)).credentials_version != version
        fresh: FreshCredentials | None = None
        try:
            connection = await adapter.refresh(self.target(adapter.network, account))
            fresh = self._seal(adapter.network, connection)
            log.info("credentials refreshed", account_id=str(account.account_id))
        finally:
            await self._store.finish_refresh(account.account_id, version, fresh)
        return True

    async def mark(self, account: AccountAccess, status: str, error: NetworkError) -> None:
        """Say that the account cannot be used until a person repairs it.

        What was said of credentials that were replaced meanwhile says nothing of the new ones.
        """
        if not await self.has_fresh(account):
            await self._store.mark(account.account_id, status, error.detail)

    async def has_fresh(self, account: AccountAccess) -> bool:
        """Whether there are newer credentials than these: refreshed, or connected again."""
        now = await self._store.read(account.account_id)
        return now.credentials_version != account.credentials_version

    def _seal(self, network: Network, connection: Connection) -> FreshCredentials:
        if not connection.credentials or not all(connection.credentials.values()):
            # An empty token over a good one would cut the account off for nothing.
            raise TryLater(
                network,
                "The network answered a refresh with an empty token.",
                answer=Answer(operation="refresh"),
            )
        return FreshCredentials(
            credentials=self._vault.encrypt(connection.credentials),
            expires_at=connection.expires_at,
        )
