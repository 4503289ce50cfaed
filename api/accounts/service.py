"""Connecting, checking, disconnecting accounts. No transaction is open while a network is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts.network_problems import asking_failed, connecting_failed
from api.auth.service import Caller
from api.pagination import PageRequest
from api.problems import Conflict, FieldProblem, InvalidRequest, NotFound, Unavailable
from domain.networks import Network
from networks.errors import AccountBlocked, AccountDisconnected, CredentialsExpired, NetworkError
from networks.protocol import Connection, NetworkAdapter, Target
from storage import accounts, connections
from storage.account_access import AccountStore, FreshCredentials
from storage.accounts import Account, AccountStatus, EncryptedCredentials
from storage.connections import Profile
from storage.database import Database
from storage.feed import pages
from storage.vault import CredentialsUnreadable, TokenVault

log = structlog.get_logger(__name__)


class AccountService:
    """What a workspace does with its accounts."""

    def __init__(
        self, database: Database, vault: TokenVault, adapters: Mapping[Network, NetworkAdapter]
    ) -> None:
        """`adapters` are the networks that this installation speaks to."""
        self._database = database
        self._vault = vault
        self._adapters = adapters

    async def connect(
        self, caller: Caller, network: Network, supplied: Mapping[str, str]
    ) -> tuple[Account, bool]:
        """Try the credentials and keep them; the flag tells whether the account is new.

        Raises Problem when the network refuses them or cannot be asked.
        """
        adapter = self._adapter(network)
        try:
            connection = await adapter.connect(supplied)
        except NetworkError as error:
            raise connecting_failed(error) from error
        async with self._database.transaction() as session:
            profile = _profile(connection)
            if network is Network.FEED:
                profile = await _page(session, caller.workspace_id, profile)
            account, is_new = await connections.connect(
                session,
                caller.workspace_id,
                network,
                profile,
                credentials=self._vault.encrypt(connection.credentials),
                expires_at=connection.expires_at,
            )
        log.info("account connected", account_id=str(account.id), network=network, new=is_new)
        return account, is_new

    async def list_page(
        self,
        caller: Caller,
        wanted: PageRequest,
        *,
        network: Network | None,
        status: AccountStatus | None,
    ) -> Sequence[Account]:
        """The workspace's accounts, newest first."""
        async with self._database.transaction() as session:
            return await accounts.list_page(
                session,
                caller.workspace_id,
                network=network,
                status=status,
                before=wanted.before,
                limit=wanted.fetch,
            )

    async def read(self, caller: Caller, account_id: UUID) -> Account:
        """One account. Raises NotFound."""
        async with self._database.transaction() as session:
            found = await accounts.find(session, caller.workspace_id, account_id)
        if found is None:
            raise NotFound("account", account_id)
        return found

    async def check(self, caller: Caller, account_id: UUID) -> Account:
        """Ask the network whether the credentials still work, and keep the answer.

        Raises Problem when the network cannot be asked.
        """
        kept = await self._kept(caller, account_id)
        try:
            profile = await self._ask(caller, kept)
        except AccountDisconnected as error:
            await self._mark(account_id, AccountStatus.RECONNECT, error.detail)
        except AccountBlocked as error:
            await self._mark(account_id, AccountStatus.BLOCKED, error.detail)
        except CredentialsUnreadable:
            log.exception("credentials cannot be decrypted", account_id=str(account_id))
            reason = "The stored credentials cannot be read. Connect the account again."
            await self._mark(account_id, AccountStatus.RECONNECT, reason)
        except NetworkError as error:
            raise asking_failed(error) from error
        else:
            async with self._database.transaction() as session:
                await connections.record_check(session, account_id, profile)
        return await self.read(caller, account_id)

    async def disconnect(self, caller: Caller, account_id: UUID, *, force: bool) -> None:
        """Forget the credentials. Raises Conflict while posts wait for it, unless forced."""
        async with self._database.transaction() as session:
            account = await accounts.lock(session, caller.workspace_id, account_id)
            if account is None:
                raise NotFound("account", account_id)
            waiting = await accounts.count_waiting(session, account_id)
            if waiting and not force:
                raise _still_needed(waiting)
            await connections.disconnect(session, account_id)
        log.info("account disconnected", account_id=str(account_id), waiting=waiting)

    async def _kept(self, caller: Caller, account_id: UUID) -> EncryptedCredentials:
        async with self._database.transaction() as session:
            kept = await accounts.find_credentials(session, caller.workspace_id, account_id)
        if kept is None:
            raise NotFound("account", account_id)
        if kept.account.status is AccountStatus.DISCONNECTED:
            raise Conflict(
                "This account was disconnected. Connect it again with POST /v1/accounts.",
                slug="account-disconnected",
                title="The account is disconnected",
            )
        return kept

    async def _ask(self, caller: Caller, kept: EncryptedCredentials) -> Profile:
        """Who the account is now; expired credentials are refreshed once on the way."""
        adapter = self._adapter(kept.account.network)
        try:
            return _profile(await adapter.check(self._target(kept)))
        except CredentialsExpired:
            await self._refresh(adapter, kept)
        renewed = await self._kept(caller, kept.account.id)
        return _profile(await adapter.check(self._target(renewed)))

    async def _refresh(self, adapter: NetworkAdapter, kept: EncryptedCredentials) -> None:
        """Under the workers' lease: a refresh token used twice at once is lost for both."""
        store = AccountStore(self._database)
        if not await store.begin_refresh(kept.account.id, kept.version):
            raise Unavailable("The account's access is being renewed right now.")
        fresh: FreshCredentials | None = None
        try:
            connection = await adapter.refresh(self._target(kept))
            fresh = FreshCredentials(
                self._vault.encrypt(connection.credentials), connection.expires_at
            )
        finally:
            await store.finish_refresh(kept.account.id, kept.version, fresh)

    def _target(self, kept: EncryptedCredentials) -> Target:
        account = kept.account
        return Target(
            account_id=account.id,
            remote_id=account.remote_id,
            handle=account.handle,
            credentials=self._vault.decrypt(kept.credentials),
            base_url=account.base_url,
        )

    async def _mark(self, account_id: UUID, status: AccountStatus, reason: str) -> None:
        async with self._database.transaction() as session:
            await accounts.mark_status(session, account_id, status, reason)

    def _adapter(self, network: Network) -> NetworkAdapter:
        adapter = self._adapters.get(network)
        if adapter is None:
            raise InvalidRequest(
                FieldProblem(
                    field="network",
                    rule="network_not_available",
                    message=f"This installation does not publish on {network}.",
                    fix=f"Use one of {', '.join(sorted(self._adapters))}.",
                )
            )
        return adapter


def _profile(connection: Connection) -> Profile:
    return Profile(
        remote_id=connection.remote_id,
        handle=connection.handle,
        display_name=connection.display_name,
        base_url=connection.base_url,
        limits=connection.limits,
    )


async def _page(session: AsyncSession, workspace_id: UUID, wanted: Profile) -> Profile:
    """The user that a feed account speaks for. Raises Conflict for somebody else's handle."""
    user_id = await pages.claim(
        session, workspace_id, handle=wanted.handle, display_name=wanted.display_name
    )
    if user_id is None:
        raise _handle_taken()
    return replace(wanted, remote_id=str(user_id))


def _handle_taken() -> Conflict:
    message = "Somebody else has this handle on the feed."
    return Conflict(
        message,
        slug="handle-taken",
        title="The handle is taken",
        errors=[
            FieldProblem(
                field="credentials.handle",
                rule="handle_taken",
                message=message,
                fix="Choose another one.",
            )
        ],
    )


def _still_needed(waiting: int) -> Conflict:
    return Conflict(
        f"{waiting} scheduled {'delivery waits' if waiting == 1 else 'deliveries wait'} for this"
        " account. Cancel or move those posts first, or repeat with ?force=true: then they fail"
        " when their time comes.",
        slug="account-in-use",
        title="Posts wait for this account",
        errors=[
            FieldProblem(
                field="force",
                rule="posts_waiting",
                message="Scheduled posts still wait for this account.",
                fix="Cancel or move them, or send force=true.",
                actual=waiting,
            )
        ],
    )
