"""`python -m api.accounts rotate`: encrypt every account's credentials with the newest key.

Put a new key in front of CREDENTIALS_KEYS, restart, run this, then take the old key away.
"""

import argparse
import asyncio
import sys
from uuid import UUID

from runtime.resources import open_resources
from runtime.settings import InvalidSettings, load_settings
from storage.account_access import AccountStore

BATCH = 200


async def rotate() -> None:
    """All accounts, some at a time; harmless to repeat, and while workers run."""
    async with open_resources(load_settings()) as resources:
        store = AccountStore(resources.database)
        last: UUID | None = None
        while True:
            last = await store.encrypt_again(
                after=last, limit=BATCH, encrypt=resources.vault.rotate
            )
            if last is None:
                return


def main() -> int:
    """0 when every account was done; 2 when the settings are not usable."""
    parser = argparse.ArgumentParser(prog="python -m api.accounts", description=__doc__)
    parser.add_argument("command", choices=["rotate"])
    parser.parse_args()
    try:
        asyncio.run(rotate())
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("Every account's credentials are encrypted with the newest key.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
