"""Holds publishing, as the command `python -m api.switches` does, by people with a role."""

from api.admin.switch_schemas import AnySwitchWanted
from api.switches.schemas import SwitchboardShown, SwitchWanted
from api.switches.service import OperatorSwitches
from domain.switches import HoldRules, Reach
from storage.database import Database
from storage.moderation.audit import Actor


class AdminSwitches:
    """Sets any switch, and shows all."""

    def __init__(self, database: Database, rules: HoldRules) -> None:
        """`rules` name what the settings hold, whatever anybody switches."""
        self._switches = OperatorSwitches(database, rules)

    async def read(self) -> SwitchboardShown:
        """All switches and circuits, and how much is held."""
        return await self._switches.read()

    async def set(self, by: Actor, wanted: AnySwitchWanted) -> SwitchboardShown:
        """Hold a subject, or no longer. Raises InvalidRequest."""
        switch = SwitchWanted(held=wanted.held, reason=wanted.reason, until=wanted.until)
        await self._switches.set(by, Reach(wanted.reach), wanted.subject, switch)
        return await self.read()
