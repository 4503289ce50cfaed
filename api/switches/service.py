"""Switches set and shown: a workspace its own, an operator all."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.service import Caller
from api.problems import FieldProblem, InvalidRequest, NotFound
from api.switches.schemas import (
    CircuitShown,
    HeldShown,
    SwitchboardShown,
    SwitchSet,
    SwitchShown,
    SwitchWanted,
)
from domain.moderation import Act
from domain.networks import Network
from domain.publish_time import InvalidPublishTime, parse_instant
from domain.switches import HoldRules, Reach
from storage import accounts
from storage.database import Database
from storage.moderation import audit
from storage.moderation.audit import Actor
from storage.switches import board, circuits, turns
from storage.switches.board import Switch
from storage.switches.circuits import KnownCircuit


class SwitchService:
    """What a workspace may hold of its own."""

    def __init__(self, database: Database, rules: HoldRules) -> None:
        """`rules` name what the settings hold, whatever anybody switches."""
        self._database = database
        self._rules = rules

    async def read(self, caller: Caller) -> SwitchboardShown:
        """What concerns the caller's workspace; nothing of others'."""
        now = datetime.now(UTC)
        async with self._database.transaction() as session:
            owned = await board.owned_accounts(session, caller.workspace_id)
            switches = await board.standing(
                session,
                now,
                networks=list(Network),
                workspaces=[caller.workspace_id],
                accounts=owned,
            )
            known = await circuits.read(
                session, networks=list(Network), accounts=owned, only_disturbing=False
            )
            held = await turns.count_held(session, caller.workspace_id)
        return _shown(self._rules, switches, known, held, caller.workspace_id)

    async def set_workspace(self, caller: Caller, wanted: SwitchWanted) -> SwitchSet:
        """Hold the caller's workspace, or no longer. Raises InvalidRequest."""
        return await self._set(caller, Reach.WORKSPACE, caller.workspace_id, wanted, [])

    async def set_account(
        self, caller: Caller, account_id: UUID, wanted: SwitchWanted
    ) -> SwitchSet:
        """Hold one of its accounts, or no longer. Raises NotFound, InvalidRequest."""
        async with self._database.transaction() as session:
            account = await accounts.find(session, caller.workspace_id, account_id)
        if account is None:
            raise NotFound("account", account_id)
        return await self._set(caller, Reach.ACCOUNT, account_id, wanted, [account.network])

    async def _set(
        self,
        caller: Caller,
        reach: Reach,
        subject: UUID,
        wanted: SwitchWanted,
        networks: Collection[Network],
    ) -> SwitchSet:
        now = datetime.now(UTC)
        async with self._database.transaction() as session:
            by = f"{'API key' if caller.user_id is None else 'user'} {caller.actor_id}"
            await _switch(
                session, reach, str(subject), wanted, owner=caller.workspace_id, by=by, now=now
            )
            standing = await board.standing(
                session,
                now,
                networks=networks,
                workspaces=[caller.workspace_id],
                accounts=[subject] if reach is Reach.ACCOUNT else [],
            )
        shown = _switches_shown(self._rules, standing, networks, caller.workspace_id)
        return SwitchSet(held=bool(shown), switches=shown)


class OperatorSwitches:
    """What operators at the command line and admins may hold: everything."""

    def __init__(self, database: Database, rules: HoldRules) -> None:
        """`rules` name what the settings hold, whatever anybody switches."""
        self._database = database
        self._rules = rules

    async def read(self) -> SwitchboardShown:
        """All switches and circuits."""
        async with self._database.transaction() as session:
            switches = await board.standing(session, datetime.now(UTC), networks=list(Network))
            known = await circuits.read(session, networks=list(Network), only_disturbing=False)
            held = await turns.count_held(session, None)
        return _shown(self._rules, switches, known, held, None)

    async def set(self, by: Actor, reach: Reach, subject: str, wanted: SwitchWanted) -> None:
        """Hold a subject, or no longer: a network's name, an id, or nothing for everything.

        It stands in the audit log, whoever did it. Raises InvalidRequest.
        """
        async with self._database.transaction() as session:
            if not await board.is_known(session, reach, subject):
                raise _no_such_subject(reach, subject)
            held_by = by.name if by.user_id is None else f"admin {by.name}"
            now = datetime.now(UTC)
            await _switch(session, reach, subject, wanted, owner=None, by=held_by, now=now)
            await audit.record(
                session,
                by,
                Act.SET_SWITCH,
                subject_type=reach,
                subject_id=subject,
                reason=wanted.reason,
                after={"held": wanted.held, "until": wanted.until},
            )


async def _switch(
    session: AsyncSession,
    reach: Reach,
    subject: str,
    wanted: SwitchWanted,
    *,
    owner: UUID | None,
    by: str,
    now: datetime,
) -> None:
    if not wanted.held:
        await board.lift(session, reach, subject, owner_id=owner, lifted_by=by, now=now)
        return
    if wanted.reason is None:
        raise InvalidRequest(
            FieldProblem(
                field="reason",
                rule="missing",
                message="Nothing is held without a reason.",
                fix="Say why: whoever finds it held will read it.",
            )
        )
    await board.hold(
        session,
        reach,
        subject,
        owner_id=owner,
        reason=wanted.reason,
        held_by=by,
        now=now,
        until=_until(wanted.until, now),
    )


def _until(asked: str | None, now: datetime) -> datetime | None:
    if asked is None:
        return None
    try:
        until = parse_instant(asked)
    except InvalidPublishTime as error:
        raise InvalidRequest(
            FieldProblem(field="until", rule=error.rule, message=str(error), fix=error.fix)
        ) from error
    if until <= now:
        raise InvalidRequest(
            FieldProblem(
                field="until",
                rule="in_the_past",
                message="The hold would be over already.",
                fix="Choose a time in the future, or leave it out.",
            )
        )
    return until


def _no_such_subject(reach: Reach, subject: str) -> InvalidRequest:
    return InvalidRequest(
        FieldProblem(
            field="subject",
            rule="unknown",
            message=f"There is no {reach} {subject!r}.",
            fix=f"Name one of {', '.join(Network)}." if reach is Reach.NETWORK else "Use its id.",
        )
    )


def _shown(
    rules: HoldRules,
    switches: Sequence[Switch],
    known: Sequence[KnownCircuit],
    held: Mapping[Network, int],
    viewer: UUID | None,
) -> SwitchboardShown:
    return SwitchboardShown(
        switches=_switches_shown(rules, switches, list(Network), viewer),
        circuits=[CircuitShown.of(one) for one in known],
        held=[HeldShown(network=key, deliveries=number) for key, number in sorted(held.items())],
    )


def _switches_shown(
    rules: HoldRules, switches: Sequence[Switch], networks: Collection[Network], viewer: UUID | None
) -> list[SwitchShown]:
    """`viewer` is the workspace that looks; None for an operator."""
    floor = [one for one in networks if one in rules.held_networks]
    return [
        *map(SwitchShown.by_settings, floor),
        *(SwitchShown.of(one, liftable=one.owner_id == viewer) for one in switches),
    ]
