"""What can be done with a workspace and its API keys."""

from collections.abc import Sequence
from uuid import UUID

from api.auth.key_text import KeyText, new_key_text
from api.auth.scopes import ALL_SCOPES, Scope
from api.auth.service import Caller
from api.pagination import PageRequest
from api.problems import FieldProblem, NotFound, Problem
from domain.lateness import LateChoice
from domain.policies import AmbiguityPolicy
from storage import workspaces
from storage.database import Database
from storage.workspaces import ApiKey, NewApiKey, Workspace


class WorkspaceService:
    """Reads and changes the caller's workspace."""

    def __init__(self, database: Database) -> None:
        """`database` is where workspaces are kept."""
        self._database = database

    async def create(self, name: str) -> tuple[Workspace, KeyText]:
        """A new workspace with its first key, which may do everything."""
        text = new_key_text()
        async with self._database.transaction() as session:
            workspace = await workspaces.create_workspace(session, name)
            first = _new_key("First key", text, ALL_SCOPES)
            await workspaces.create_key(session, workspace.id, first)
        return workspace, text

    async def read(self, caller: Caller) -> Workspace:
        """The caller's workspace."""
        async with self._database.transaction() as session:
            found = await workspaces.find_workspace(session, caller.workspace_id)
        if found is None:
            raise NotFound("workspace", caller.workspace_id)
        return found

    async def change(
        self,
        caller: Caller,
        *,
        name: str | None,
        ambiguity_policy: AmbiguityPolicy | None,
        late: LateChoice,
    ) -> Workspace:
        """Change what is given of the caller's workspace."""
        async with self._database.transaction() as session:
            return await workspaces.change_workspace(
                session,
                caller.workspace_id,
                name=name,
                ambiguity_policy=ambiguity_policy,
                late=late,
            )

    async def create_key(
        self, caller: Caller, name: str, scopes: frozenset[Scope]
    ) -> tuple[ApiKey, KeyText]:
        """A new key for the caller's workspace. Raises Problem: nobody gives what they lack."""
        if lacking := sorted(scope for scope in scopes if not caller.may(scope)):
            raise _cannot_give(lacking)
        text = new_key_text()
        async with self._database.transaction() as session:
            key = await workspaces.create_key(
                session, caller.workspace_id, _new_key(name, text, scopes)
            )
        return key, text

    async def list_keys(self, caller: Caller, wanted: PageRequest) -> Sequence[ApiKey]:
        """The workspace's keys, newest first."""
        async with self._database.transaction() as session:
            return await workspaces.list_keys(
                session, caller.workspace_id, before=wanted.before, limit=wanted.fetch
            )

    async def revoke_key(self, caller: Caller, key_id: UUID) -> None:
        """Make a key worthless, from its next request on. Raises NotFound."""
        async with self._database.transaction() as session:
            if not await workspaces.revoke_key(session, caller.workspace_id, key_id):
                raise NotFound("API key", key_id)


def _new_key(name: str, text: KeyText, scopes: frozenset[Scope]) -> NewApiKey:
    return NewApiKey(
        name=name,
        prefix=text.prefix,
        secret_hash=text.secret_hash,
        scopes=frozenset(str(scope) for scope in scopes),
    )


def _cannot_give(lacking: Sequence[Scope]) -> Problem:
    listed = ", ".join(lacking)
    return Problem(
        f"The calling key lacks {listed}, so it cannot give them to another.",
        status=403,
        slug="missing-scope",
        title="Not allowed",
        errors=[
            FieldProblem(
                field="scopes",
                rule="scope_not_held",
                message=f"The calling key lacks {listed}.",
                fix="Leave them out, or call with a key that has them.",
            )
        ],
    )
