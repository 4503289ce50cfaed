"""Holds publishing, as the command `python -m api.switches` does, by people with a role."""

from api.admin.switch_schemas import AnySwitchWanted
from api.switches.schemas import SwitchboardShown, SwitchWanted
from api.switches.service import OperatorSwitches
from domain.moderation import Act
from domain.switches import HoldRules, Reach
from storage.database import Database
from storage.moderation import audit
from storage.moderation.audit import Actor


class AdminSwitches:
    """Sets any switch, with its entry in the audit log."""

    def __init__(self, database: Database, rules: HoldRules) -> None:
        """`rules` name what the settings hold, whatever anybody switches."""
        self._database = database
        self._switches = OperatorSwitches(database, rules)

    async def read(self) -> SwitchboardShown:
        """All switches and circuits, and how much is held."""
        return await self._switches.read()

    async def set(self, by: Actor, wanted: AnySwitchWanted) -> SwitchboardShown:
        """Hold a subject, or no longer. Raises InvalidRequest."""
        switch = SwitchWanted(held=wanted.held, reason=wanted.reason, until=wanted.until)
        async with self._database.transaction() as session:
            await self._switches.set_within(
                session, Reach(wanted.reach), wanted.subject, switch, by=f"admin {by.name}"
            )
            await audit.record(
                session,
                by,
                Act.SET_SWITCH,
                subject_type=wanted.reach,
                subject_id=wanted.subject,
                reason=wanted.reason,
                after={"held": wanted.held, "until": wanted.until},
            )
        return await self.read()
