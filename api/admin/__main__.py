"""`python -m api.admin grant HANDLE_OR_EMAIL`: makes the first admin, and any other.

python -m api.admin grant ada
python -m api.admin grant ada@example.org --role moderator
python -m api.admin grant ada --role user
"""

import argparse
import asyncio
import getpass
import json
import sys
from collections.abc import Sequence

from api.admin.user_service import AdminUsers
from domain.roles import UserRole
from runtime.settings import InvalidSettings, load_settings
from storage.database import Database, DatabaseUnavailable
from storage.moderation.audit import Actor
from storage.users import users
from storage.users.users import User


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and print the user as one JSON line.

    2 for wrong arguments or settings, 1 when the database does not answer.
    """
    parser = argparse.ArgumentParser(prog="python -m api.admin")
    commands = parser.add_subparsers(required=True)
    grant = commands.add_parser("grant", help="say what a user may do to others' things")
    grant.add_argument("who", metavar="HANDLE_OR_EMAIL", help="a registered user")
    grant.add_argument("--role", choices=[str(role) for role in UserRole], default="admin")
    grant.add_argument("--by", default=getpass.getuser(), help="who says so")
    chosen = parser.parse_args(arguments)
    try:
        database_url = str(load_settings().database_url)
        actor = Actor(user_id=None, name=f"operator {chosen.by}")
        user = asyncio.run(_grant(database_url, actor, chosen.who, UserRole(chosen.role)))
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except DatabaseUnavailable:
        sys.stderr.write("The database at DATABASE_URL does not answer: start it, then repeat.\n")
        return 1
    if user is None:
        parser.error(f"HANDLE_OR_EMAIL: nobody is registered as {chosen.who!r}.")
    told = {"user_id": str(user.id), "handle": user.handle, "role": user.role}
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


async def _grant(database_url: str, actor: Actor, who: str, role: UserRole) -> User | None:
    database = Database(database_url, pool_size=1)
    try:
        async with database.transaction() as session:
            find = users.find_by_email if "@" in who else users.find_by_handle
            found = await find(session, who.lower())
        if found is None or found.email is None:
            return None
        return await AdminUsers(database).grant(actor, found.id, role, None)
    finally:
        await database.close()


if __name__ == "__main__":
    sys.exit(main())
