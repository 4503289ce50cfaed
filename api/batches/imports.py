"""From the records of a CSV file to rows of a batch: columns to fields, handles to accounts."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from api.auth.service import Caller
from api.batches.csv_file import Delimiter, Record, records_of
from api.batches.rows import RowWanted
from api.batches.schemas import UnusableRow, post_or_problems
from api.problems import FieldProblem
from domain.limits import RULES
from domain.networks import Network
from storage import accounts
from storage.accounts import Account, AccountStatus
from storage.database import Database

COLUMNS: Final = (
    "publish_at",
    "time_zone",
    "accounts",
    "text",
    "media",
    "link",
    "first_comment",
    "content_warning",
    "visibility",
    "language",
    "priority",
)
NEEDED: Final = ("accounts", "text")

_AS_THEY_ARE: Final = ("text", "language", "priority")
_OF_SOME: Final = ("link", "first_comment", "content_warning", "visibility")
"""Fields that not every network has."""
_BETWEEN: Final = re.compile(r"[;,\n]")
"""Separates accounts, or media ids, in one column."""
_PREFIX: Final = re.compile(rf"({'|'.join(Network)}):(.+)", re.IGNORECASE)


async def rows_of(
    database: Database, caller: Caller, content: bytes, delimiter: Delimiter | None
) -> list[RowWanted]:
    """The rows of the file. Raises InvalidRequest when it cannot be read as a whole."""
    records = records_of(content, delimiter, known=COLUMNS, needed=NEEDED)
    names = {name for record in records for name in _listed(record, "accounts")}
    ids = {account_id for name in names if (account_id := _id_of(name))}
    handles = {_handle_of(name) for name in names if not _id_of(name)}
    async with database.transaction() as session:
        found = await accounts.find_named(session, caller.workspace_id, ids, handles)
    named = _Named(found)
    return [_row(record, named) for record in records]


class _Named:
    """The workspace's accounts that the file names."""

    def __init__(self, found: Collection[Account]) -> None:
        self.networks = {account.id: account.network for account in found}
        self.by_handle: dict[str, list[Account]] = {}
        for account in found:
            if account.status is not AccountStatus.DISCONNECTED:
                self.by_handle.setdefault(account.handle.lower(), []).append(account)


def _row(record: Record, named: _Named) -> RowWanted:
    targets, problems = _targets(_listed(record, "accounts"), named)
    if record.surplus:
        problems.append(
            FieldProblem(
                field="row",
                rule="too_many_values",
                message="The row has more values than there are columns.",
                fix="Put values with separators in quotes.",
            )
        )
    wanted = post_or_problems(_fields(record, targets, named))
    if isinstance(wanted, UnusableRow):
        problems.extend(wanted.problems)
    if problems:
        wanted = UnusableRow(problems=problems)
    return RowWanted(wanted=wanted, line=record.line)


def _fields(record: Record, targets: Sequence[UUID], named: _Named) -> dict[str, Any]:
    values = record.values
    fields: dict[str, Any] = {name: values[name] for name in _AS_THEY_ARE if name in values}
    networks = {named.networks[target] for target in targets if target in named.networks}
    fields |= _where_they_are_taken(values, networks)
    fields["targets"] = targets
    fields["media"] = [{"media_id": media_id} for media_id in _listed(record, "media")]
    if "publish_at" in values:
        time, zone = values["publish_at"].strip(), values.get("time_zone", "").strip()
        fields["publish_at"] = {"wall_time": time, "time_zone": zone} if zone else time
    return fields


def _where_they_are_taken(
    values: Mapping[str, str], networks: Collection[Network]
) -> dict[str, Any]:
    """Fields that only some of the networks have: a variant for each of those.

    What none of them has stays in the base, and is refused there.
    """
    fields: dict[str, Any] = {}
    variants: dict[Network, dict[str, str]] = {}
    for name in _OF_SOME:
        if name not in values:
            continue
        taking = [network for network in networks if name in RULES[network].takes]
        if not taking or len(taking) == len(networks):
            fields[name] = values[name]
            continue
        for network in taking:
            variants.setdefault(network, {})[name] = values[name]
    return {**fields, "variants": variants}


def _targets(names: Iterable[str], named: _Named) -> tuple[list[UUID], list[FieldProblem]]:
    targets, problems = [], []
    for name in names:
        account_id = _id_of(name)
        if account_id is not None:
            targets.append(account_id)
            continue
        network = _PREFIX.fullmatch(name)
        found = [
            account
            for account in named.by_handle.get(_handle_of(name), ())
            if network is None or account.network == network[1].lower()
        ]
        if len(found) == 1:
            targets.append(found[0].id)
        else:
            problems.append(_ambiguous(name, found) if found else _unknown(name))
    return targets, problems


def _listed(record: Record, column: str) -> list[str]:
    listed = (item.strip() for item in _BETWEEN.split(record.values.get(column, "")))
    return [item for item in listed if item]


def _id_of(name: str) -> UUID | None:
    with suppress(ValueError):
        return UUID(name)
    return None


def _handle_of(name: str) -> str:
    """`x:@Bakery` and `bakery` name the same handle."""
    prefixed = _PREFIX.fullmatch(name)
    return (prefixed[2] if prefixed else name).strip().removeprefix("@").lower()


def _unknown(name: str) -> FieldProblem:
    return FieldProblem(
        field="targets",
        rule="unknown_account",
        message=f"There is no account {name[:64]!r} in this workspace.",
        fix="Use a handle or an id from GET /v1/accounts.",
    )


def _ambiguous(name: str, found: Sequence[Account]) -> FieldProblem:
    networks = ", ".join(f"{account.network}:{account.handle}" for account in found)
    return FieldProblem(
        field="targets",
        rule="ambiguous_account",
        message=f"{name[:64]!r} may be {networks}.",
        fix="Put the network in front, or use the account's id.",
    )
