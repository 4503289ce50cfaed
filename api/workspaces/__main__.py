"""`python -m api.workspaces create NAME`: a workspace with its first API key, as one JSON line."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from api.texts import Name
from api.workspaces.service import WorkspaceService
from runtime.settings import InvalidSettings, load_settings
from storage.database import Database, DatabaseUnavailable


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2 for wrong arguments or settings, 1 when the database does not answer."""
    parser = argparse.ArgumentParser(prog="python -m api.workspaces")
    commands = parser.add_subparsers(required=True)
    create = commands.add_parser("create", help="make a workspace and its first API key")
    create.add_argument("name", help="what people call the workspace")
    chosen = parser.parse_args(arguments)
    try:
        name = TypeAdapter[str](Name).validate_python(chosen.name)
        database_url = str(load_settings().database_url)
    except ValidationError as error:
        parser.error(f"NAME: {error.errors()[0]['msg']}")
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        made = asyncio.run(_create(database_url, name))
    except DatabaseUnavailable:
        sys.stderr.write("The database at DATABASE_URL does not answer: start it, then repeat.\n")
        return 1
    sys.stdout.write(json.dumps(made) + "\n")
    return 0


async def _create(database_url: str, name: str) -> dict[str, str]:
    database = Database(database_url, pool_size=1)
    try:
        workspace, key = await WorkspaceService(database).create(name)
    finally:
        await database.close()
    return {"workspace_id": str(workspace.id), "api_key": str(key)}


if __name__ == "__main__":
    sys.exit(main())
