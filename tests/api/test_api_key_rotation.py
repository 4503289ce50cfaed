"""`python -m api.accounts rotate`."""

import httpx
import pytest
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import select

from runtime.settings import Settings
from storage.account_access import AccountStore
from storage.database import Database
from storage.tables import AccountRow
from storage.vault import TokenVault
from tests.conftest import Tenant


async def _encrypted(database: Database) -> list[bytes]:
    async with database.transaction() as session:
        return list((await session.scalars(select(AccountRow.credentials))).all())


async def test_after_a_rotation_the_old_key_opens_nothing_and_the_new_one_everything(
    client: httpx.AsyncClient, workspace: Tenant, database: Database, settings: Settings
) -> None:
    for handle in ("bakery", "mill", "dairy"):
        body = {"network": "feed", "credentials": {"handle": handle}}
        connected = await client.post("/v1/accounts", json=body, headers=workspace.headers)
        assert connected.status_code == 201, connected.text
    old = settings.credentials_keys[0].get_secret_value()
    new = Fernet.generate_key().decode()
    both = TokenVault([new, old])
    last = None
    store = AccountStore(database)
    while True:
        last = await store.encrypt_again(after=last, limit=2, encrypt=both.rotate)
        if last is None:
            break
    for credentials in await _encrypted(database):
        assert Fernet(new).decrypt(credentials)
        with pytest.raises(InvalidToken):
            Fernet(old).decrypt(credentials)
