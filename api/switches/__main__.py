"""`python -m api.switches hold network x --reason "…"`: what only an operator may switch.

python -m api.switches list
python -m api.switches hold everything --reason "A release went wrong"
python -m api.switches hold network x --reason "Incident at X" --until 2027-03-01T09:00:00Z
python -m api.switches lift network x
"""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from api.problems import InvalidRequest
from api.switches.schemas import SwitchboardShown, SwitchWanted
from api.switches.service import OperatorSwitches
from domain.switches import HoldRules, Reach
from runtime.settings import InvalidSettings, load_settings
from storage.database import Database, DatabaseUnavailable
from storage.moderation.audit import Actor
from storage.switches.board import EVERYTHING


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and print the switchboard as one JSON line.

    2 for wrong arguments or settings, 1 when the database does not answer.
    """
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        settings = load_settings()
        wanted = _wanted(chosen)
        shown = asyncio.run(_run(str(settings.database_url), settings.hold_rules, chosen, wanted))
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except ValidationError as error:
        parser.error(f"{error.errors()[0]['loc'][0]}: {error.errors()[0]['msg']}")
    except InvalidRequest as error:
        parser.error("; ".join(f"{one.field}: {one.message} {one.fix}" for one in error.errors))
    except DatabaseUnavailable:
        sys.stderr.write("The database at DATABASE_URL does not answer: start it, then repeat.\n")
        return 1
    sys.stdout.write(shown.model_dump_json() + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m api.switches")
    commands = parser.add_subparsers(required=True, dest="command")
    commands.add_parser("list", help="show all switches and circuits")
    hold = commands.add_parser("hold", help="publish nothing there until it is lifted")
    lift = commands.add_parser("lift", help="let go of what was held")
    for command in (hold, lift):
        command.add_argument("reach", choices=[str(reach) for reach in Reach])
        command.add_argument(
            "subject", nargs="?", default=EVERYTHING, help="a network's name, or an id"
        )
        command.add_argument("--by", default=getpass.getuser(), help="who says so")
    hold.add_argument("--reason", required=True, help="why")
    hold.add_argument("--until", help="when it lifts itself: 2027-03-01T09:00:00Z")
    return parser


def _wanted(chosen: argparse.Namespace) -> SwitchWanted | None:
    match chosen.command:
        case "hold":
            return SwitchWanted(held=True, reason=chosen.reason, until=chosen.until)
        case "lift":
            return SwitchWanted(held=False)
        case _:
            return None


async def _run(
    database_url: str, rules: HoldRules, chosen: argparse.Namespace, wanted: SwitchWanted | None
) -> SwitchboardShown:
    database = Database(database_url, pool_size=1)
    switches = OperatorSwitches(database, rules)
    try:
        if wanted is not None:
            by = Actor(user_id=None, name=f"operator {chosen.by}")
            await switches.set(by, Reach(chosen.reach), chosen.subject, wanted)
        return await switches.read()
    finally:
        await database.close()


if __name__ == "__main__":
    sys.exit(main())
