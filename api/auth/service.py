"""Recognises callers by their API key."""

from dataclasses import dataclass
from uuid import UUID

from api.auth.key_text import parse_key_text
from api.auth.scopes import Scope
from api.problems import Problem
from storage import workspaces
from storage.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who sent the request."""

    workspace_id: UUID
    key_id: UUID
    scopes: frozenset[str]

    def may(self, scope: Scope) -> bool:
        """Whether its key has that permission."""
        return scope in self.scopes


class Unauthorized(Problem):
    """No key, or none that counts; the answer does not tell unknown and wrong apart."""

    def __init__(self, detail: str) -> None:
        """`detail` says what to do."""
        super().__init__(
            detail,
            status=401,
            slug="unauthorized",
            title="Not recognised",
            headers={"WWW-Authenticate": 'Bearer realm="punctual"'},
        )


class Forbidden(Problem):
    """A good key without the permission."""

    def __init__(self, scope: Scope) -> None:
        """`scope` is what the key lacks."""
        super().__init__(
            f"This API key lacks the scope {scope}. Make one that has it.",
            status=403,
            slug="missing-scope",
            title="Not allowed",
        )


async def recognise(database: Database, token: str) -> Caller:
    """The caller of that bearer token. Raises Unauthorized."""
    presented = parse_key_text(token)
    if presented is None:
        raise Unauthorized("This is not an API key: one looks like pk_<prefix>_<secret>.")
    async with database.transaction() as session:
        stored = await workspaces.find_key_by_prefix(session, presented.prefix)
        fits = presented.fits(stored.secret_hash if stored else None)
        if stored is None or not fits:
            raise Unauthorized("There is no such API key.")
        if stored.key.revoked_at is not None:
            raise Unauthorized("This API key was revoked. Use another one.")
        if stored.use_to_note:
            await workspaces.note_use(session, stored.key.id)
    return Caller(
        workspace_id=stored.key.workspace_id, key_id=stored.key.id, scopes=stored.key.scopes
    )
