"""The same Idempotency-Key and body again: nothing new happens.

A workspace gets the first answer again, a user what was made with the key, as it is now.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Header
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from api.problems import FieldProblem, InvalidRequest, Problem
from domain.ids import new_id
from storage import idempotency
from storage.database import Database
from storage.idempotency import KeptAnswer, Made
from storage.posts import FirstAnswer


class IdempotencyKeyReused(Problem):
    """The key came with another body before."""

    def __init__(self) -> None:
        """See Problem."""
        super().__init__(
            "This Idempotency-Key was used for a different request before.",
            status=422,
            slug="idempotency-key-reused",
            title="Idempotency-Key used twice",
            errors=[
                FieldProblem(
                    field="Idempotency-Key",
                    rule="reused",
                    message="The same key came with another body.",
                    fix="Use a new key for a new request; repeat the body exactly to retry.",
                )
            ],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Once:
    """The Idempotency-Key of a request, and what was asked with it."""

    key: str
    fingerprint: bytes = field(repr=False)


class Undone(Exception):
    """What was asked was not done; an earlier request with the same Idempotency-Key may have."""


class KeyTaken(Undone):
    """Another request with the same Idempotency-Key was first; this one is rolled back."""


async def _header(
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=200,
            description="The same key and body again: nothing new is made.",
        ),
    ] = None,
) -> str | None:
    if idempotency_key is None or (idempotency_key.isascii() and idempotency_key.isprintable()):
        return idempotency_key
    raise InvalidRequest(
        FieldProblem(
            field="Idempotency-Key",
            rule="not_printable",
            message="The key has a character that is not printable ASCII.",
            fix="Use printable ASCII characters, such as those of a UUID.",
        )
    )


WithIdempotencyKey = Annotated[str | None, Depends(_header)]
"""Declares the header in a route; None when it was not sent."""


def fingerprint_of(asked: object) -> bytes:
    """The same for the same request, however its JSON was written."""
    return sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).digest()


def asked_once(key: str | None, operation: str, body: BaseModel) -> Once | None:
    """What a user asks with a key; None without one.

    One key is one request, whichever operation; feed posts keep keys of their own.
    """
    if key is None:
        return None
    asked = [operation, body.model_dump(mode="json", exclude_unset=True)]
    return Once(key=key, fingerprint=fingerprint_of(asked))


async def claim_id(session: AsyncSession, user_id: UUID, once: Once | None) -> tuple[UUID, bool]:
    """The id of what the user asks for, and whether it is to be made now.

    It was made before when another request with the key was first. Raises IdempotencyKeyReused.
    """
    new = new_id()
    if once is None:
        return new, True
    wanted = Made(id=new, fingerprint=once.fingerprint)
    made = await idempotency.first_made(session, user_id, once.key, wanted)
    if made.fingerprint != once.fingerprint:
        raise IdempotencyKeyReused
    return made.id, made is wanted


def first_answer(key: str, fingerprint: bytes, status: int, answer: dict[str, Any]) -> FirstAnswer:
    """What is kept in the transaction that did what was asked."""
    kept = KeptAnswer(fingerprint=fingerprint, status_code=status, answer=answer)
    return FirstAnswer(key=key, kept=kept)


async def once(
    database: Database,
    workspace_id: UUID,
    key: str,
    fingerprint: bytes,
    act: Callable[[], Awaitable[Mapping[str, Any]]],
) -> Mapping[str, Any]:
    """The answer of `act`, or the one that was given to this key before.

    It acts first and looks after it: a new key, which nearly every one is, costs no look-up. What
    `act` refuses may have been taken when it was asked for first. Raises IdempotencyKeyReused, and
    what `act` raises.
    """
    try:
        return await act()
    except (Problem, Undone):
        async with database.transaction() as session:
            kept = await idempotency.find(session, workspace_id, key)
        if kept is None:
            raise
        if kept.fingerprint != fingerprint:
            raise IdempotencyKeyReused from None
        return kept.answer
