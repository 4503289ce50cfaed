"""Posts taken in together: what is asked for while one transaction commits shares the next one.

Each is still accepted or refused by itself. What stands against one post is told to whoever asked
for it, and the others go on; when a statement fails over one of them, all are tried again one by
one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.service import Caller
from api.idempotency import KeyTaken, Once, first_answer
from api.posts.forecast import Forecast
from api.posts.planning import Named, draw_up, look_up
from api.posts.schemas import PostAccepted
from api.posts.wanted_schemas import PostWanted
from storage import posts
from storage.database import Database
from storage.group_commit import GroupCommit
from storage.posts import Accepted, FirstAnswer, NewPosts, Post

MOST: Final = 100
"""Posts of one transaction: checking more of them would keep it open for long."""

_AT_A_TIME: Final = 20
"""Posts checked before other requests get their turn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One post that somebody wants."""

    caller: Caller
    wanted: PostWanted
    once: Once | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A post that is kept."""

    post: PostAccepted
    answer: Mapping[str, Any] | None
    """The same as it is kept for whoever asks again; None without an Idempotency-Key."""


class Accepting:
    """Takes posts in. One for the whole process: what shares a transaction has to meet."""

    def __init__(self, database: Database, forecast: Forecast) -> None:
        """Everything it does is in that database; `forecast` says what will be late."""
        self._forecast = forecast
        self._together: GroupCommit[Asked, Taken] = GroupCommit(database, self._take, most=MOST)

    async def take(self, asked: Asked) -> Taken:
        """Accept a post; when this returns it is kept.

        Raises InvalidRequest, KeyTaken, DatabaseUnavailable.
        """
        return await self._together(asked)

    async def _take(
        self, session: AsyncSession, asked: Sequence[Asked]
    ) -> Sequence[Taken | Exception]:
        drawn_up = await _draw_up_each(session, asked)
        good = [
            (one, post) for one, post in zip(asked, drawn_up, strict=True) if isinstance(post, Post)
        ]
        warnings = await self._forecast.of_posts(session, [post for _, post in good])
        shown = [
            PostAccepted.of(post).model_copy(update={"warnings": told})
            for (_, post), told in zip(good, warnings, strict=True)
        ]
        new = [
            NewPosts(
                posts=[post],
                created_by=one.caller.actor_id,
                first_answer=_first_answer(one.once, answer),
            )
            for (one, post), answer in zip(good, shown, strict=True)
        ]
        written = await posts.accept(session, new) if new else []
        taken = (
            Taken(post=answer, answer=kept.answer) if isinstance(kept, Accepted) else KeyTaken()
            for answer, kept in zip(shown, written, strict=True)
        )
        return [next(taken) if isinstance(post, Post) else post for post in drawn_up]


async def _draw_up_each(session: AsyncSession, asked: Sequence[Asked]) -> list[Post | Exception]:
    """Each as it will stand, or what stands against it; what they name is looked up once."""
    now = datetime.now(UTC)
    named = await look_up(session, [(one.caller.workspace_id, one.wanted) for one in asked])
    drawn_up = []
    for number, one in enumerate(asked, start=1):
        drawn_up.append(_draw_up(one, named, now))
        if number % _AT_A_TIME == 0:
            await asyncio.sleep(0)
    return drawn_up


def _draw_up(asked: Asked, named: Mapping[UUID, Named], now: datetime) -> Post | Exception:
    owner = asked.caller.workspace_id
    try:
        return draw_up(owner, asked.wanted, named[owner], now=now)
    except Exception as error:  # noqa: BLE001  it belongs to the one who asked
        return error


def _first_answer(once: Once | None, answer: PostAccepted) -> FirstAnswer | None:
    if once is None:
        return None
    body = answer.model_dump(mode="json")
    return first_answer(once.key, once.fingerprint, HTTPStatus.CREATED, body)
