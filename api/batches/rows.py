"""Rows of a bulk request or a file: each checked by every rule that a single post is checked by."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.service import Caller
from api.batches.schemas import UnusableRow
from api.posts.planning import Named, draw_up, look_up
from api.posts.wanted_schemas import PostWanted
from api.problems import FieldProblem, InvalidRequest
from storage.posts import Post

_AT_A_TIME: Final = 20
"""Rows checked before other requests get their turn: checking is computing, and takes a while."""


_NOTHING_NAMED: Final = Named(accounts={}, media={})

_FIELD: Final = re.compile(r"[.\[]")
_VARIANT: Final = re.compile(r"^variants\.[a-z]+\.")


@dataclass(frozen=True, kw_only=True, slots=True)
class RowWanted:
    """One row as it was read."""

    wanted: PostWanted | UnusableRow
    line: int | None = None
    """Of a CSV file: where the row begins."""

    def problems_of(self, found: Sequence[FieldProblem]) -> Sequence[FieldProblem]:
        """What was found, by the row's own names: of a file, those are its columns."""
        if self.line is None:
            return found
        return [replace(problem, field=_column_of(problem)) for problem in found]

    def place(self, index: int, field: str) -> str:
        """Where a field of this row is in the whole request."""
        if self.line is None:
            return f"posts[{index}].{field}"
        return f"line {self.line}, {field}"


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedRow:
    """A row, and the post that it makes or what stands against it."""

    row: RowWanted
    post: Post | None
    problems: Sequence[FieldProblem] = ()


async def check_rows(
    session: AsyncSession,
    caller: Caller,
    rows: Sequence[RowWanted],
    *,
    now: datetime,
    batch_id: UUID,
) -> list[CheckedRow]:
    """Every row by itself; accounts and media are looked up once for all."""
    owner = caller.workspace_id
    usable = [(owner, row.wanted) for row in rows if isinstance(row.wanted, PostWanted)]
    named = (await look_up(session, usable)).get(owner, _NOTHING_NAMED)
    checked = []
    for number, row in enumerate(rows):
        if number % _AT_A_TIME == 0:
            await asyncio.sleep(0)
        checked.append(_checked(caller, row, named, now, batch_id))
    return checked


def _checked(
    caller: Caller, row: RowWanted, named: Named, now: datetime, batch_id: UUID
) -> CheckedRow:
    wanted = row.wanted
    if isinstance(wanted, UnusableRow):
        return CheckedRow(row=row, post=None, problems=row.problems_of(wanted.problems))
    try:
        post = draw_up(caller.workspace_id, wanted, named, now=now, batch_id=batch_id)
    except InvalidRequest as error:
        return CheckedRow(row=row, post=None, problems=row.problems_of(error.errors))
    return CheckedRow(row=row, post=post)


def _column_of(problem: FieldProblem) -> str:
    """The column that a post's field comes from."""
    if problem.field == "publish_at.time_zone" or problem.rule == "unknown_zone":
        return "time_zone"
    field = _FIELD.split(_VARIANT.sub("", problem.field))[0]
    return "accounts" if field == "targets" else field


def places_of(checked: Sequence[CheckedRow], *, limit: int) -> list[FieldProblem]:
    """What stands against the rows, with places in the whole request; the first `limit`."""
    found = [
        replace(problem, field=one.row.place(index, problem.field))
        for index, one in enumerate(checked)
        for problem in one.problems
    ]
    return found[:limit]
