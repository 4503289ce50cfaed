"""Everybody who appears in the authorisation matrix, and what their requests carry."""

from datetime import timedelta
from uuid import UUID

import httpx

from api.auth.key_text import new_key_text
from api.auth.scopes import ALL_SCOPES, Scope
from domain.roles import UserRole, WorkspaceRole
from runtime.resources import Resources
from storage import members, workspaces
from storage.users import sessions, users
from storage.users.access_tokens import AccessTokens
from storage.users.known_sessions import SessionChange
from storage.users.sessions import EndReason
from storage.workspaces import NewApiKey
from tests.api.authorisation_entries import Actor, Entry
from tests.api.conftest import NewPerson, Person
from tests.api.feed_actors import told

_ROLES = {
    Actor.VIEWER: WorkspaceRole.VIEWER,
    Actor.EDITOR: WorkspaceRole.EDITOR,
    Actor.MANAGER: WorkspaceRole.ADMIN,
}

_HANDLES = {
    Actor.OWNER: "ada",
    Actor.STRANGER: "grace",
    Actor.FELLOW: "barbara",
    Actor.VIEWER: "vera",
    Actor.EDITOR: "edith",
    Actor.MANAGER: "margaret",
}


class Cast:
    """Ada owns everything that is asked for; the others are who they are."""

    def __init__(self, client: httpx.AsyncClient, resources: Resources, sign_up: NewPerson) -> None:
        """`client` speaks to the API over `resources`."""
        self.client = client
        self.resources = resources
        self.people: dict[Actor, Person] = {}
        self.workspace_id = UUID(int=0)
        self._rival_id = UUID(int=0)
        self.sign_up = sign_up
        self._keys: dict[tuple[UUID, frozenset[Scope]], str] = {}
        self._revoked = ""
        self._ended: dict[UUID, str] = {}

    async def come_in(self) -> None:
        """Sign up, and make two workspaces."""
        for actor, handle in _HANDLES.items():
            self.people[actor] = await self.sign_up(handle)
        self.people[Actor.MODERATOR] = await self.sign_up("judge", role=UserRole.MODERATOR)
        self.people[Actor.ADMIN] = await self.sign_up("root", role=UserRole.ADMIN)
        self.workspace_id = await self._make_workspace(Actor.OWNER, "Corner bakery of Ada")
        self._rival_id = await self._make_workspace(Actor.STRANGER, "Rival bakery")
        async with self.resources.database.transaction() as session:
            for actor, role in _ROLES.items():
                await members.add(session, self.workspace_id, self.people[actor].user_id, role)
        self._revoked = await self._make_key(self.workspace_id, ALL_SCOPES)
        prefix = self._revoked.split("_")[1]
        stored = await self.resources.callers.key(prefix)
        assert stored is not None
        async with self.resources.database.transaction() as session:
            await workspaces.revoke_key(session, self.workspace_id, stored.key.id)
        for actor in (Actor.OWNER, Actor.ADMIN):
            self._ended[self.people[actor].user_id] = await self._end_a_session(self.people[actor])

    async def headers(self, actor: Actor, entry: Entry) -> dict[str, str]:
        """What that actor's requests carry."""
        if actor is Actor.NOBODY:
            return {}
        if key := await self._key_of(actor, entry):
            return {"Authorization": f"Bearer {key}"}
        place = self._rival_id if actor is Actor.RIVAL else self.workspace_id
        token = self._token_of(actor, entry)
        return {"Authorization": f"Bearer {token}", "X-Workspace": str(place)}

    async def _key_of(self, actor: Actor, entry: Entry) -> str | None:
        own = self.workspace_id
        match actor:
            case Actor.KEY if entry.scope:
                return await self._key(own, frozenset({entry.scope, *entry.gives}))
            case Actor.KEY:
                return await self._key(own, ALL_SCOPES)
            case Actor.LACKING_KEY:
                return await self._key(own, ALL_SCOPES - {entry.scope})
            case Actor.RIVAL_KEY:
                return await self._key(self._rival_id, ALL_SCOPES)
            case Actor.REVOKED_KEY:
                return self._revoked
        return None

    def _token_of(self, actor: Actor, entry: Entry) -> str:
        person = self.people[Actor.OWNER if entry.role is None else Actor.ADMIN]
        match actor:
            case Actor.EXPIRED:
                return self._expired(person)
            case Actor.ENDED:
                return self._ended[person.user_id]
            case Actor.SUSPENDED:
                return person.access_token
            case Actor.RIVAL | Actor.OUTSIDER:
                return self.people[Actor.STRANGER].access_token
        return self.people[actor].access_token

    async def suspend(self) -> None:
        """Shut the owner and the admin out."""
        async with self.resources.database.transaction() as session:
            for actor in (Actor.OWNER, Actor.ADMIN):
                await users.suspend(session, self.people[actor].user_id, reason="Tests.")
        for actor in (Actor.OWNER, Actor.ADMIN):
            changed = SessionChange(user_id=self.people[actor].user_id, session_id=None)
            self.resources.signing_in.known_sessions.changed(changed)

    async def session_of(self, person: Person) -> tuple[UUID, str, str]:
        """Another session of theirs: its id, its access token and its refresh token."""
        signing_in = self.resources.signing_in
        refresh_token = signing_in.refresh_tokens.new()
        async with self.resources.database.transaction() as session:
            session_id = await sessions.begin(
                session,
                person.user_id,
                fingerprint=signing_in.refresh_tokens.fingerprint(refresh_token),
                device="matrix",
                address="127.0.0.1",
                lifetime=timedelta(days=1),
            )
        token = signing_in.access_tokens.issue(
            user_id=person.user_id, session_id=session_id, role=UserRole.USER
        )
        return session_id, token, refresh_token

    def _expired(self, person: Person) -> str:
        keys = [key.get_secret_value() for key in self.resources.settings.auth_signing_keys]
        past = AccessTokens(keys, lifetime=timedelta(seconds=-1))
        return past.issue(user_id=person.user_id, session_id=person.session_id, role=UserRole.ADMIN)

    async def _end_a_session(self, person: Person) -> str:
        session_id, token, _ = await self.session_of(person)
        async with self.resources.database.transaction() as session:
            await sessions.end(session, person.user_id, session_id, reason=EndReason.REVOKED)
        return token

    async def _make_workspace(self, owner: Actor, name: str) -> UUID:
        made = await self.client.post(
            "/v1/workspaces", json={"name": name}, headers=self.people[owner].headers
        )
        return UUID(told(made, 201)["workspace_id"])

    async def _key(self, workspace_id: UUID, scopes: frozenset[Scope]) -> str:
        if (workspace_id, scopes) not in self._keys:
            self._keys[workspace_id, scopes] = await self._make_key(workspace_id, scopes)
        return self._keys[workspace_id, scopes]

    async def _make_key(self, workspace_id: UUID, scopes: frozenset[Scope]) -> str:
        text = new_key_text()
        new = NewApiKey(
            name="Matrix",
            prefix=text.prefix,
            secret_hash=text.secret_hash,
            scopes=frozenset(str(scope) for scope in scopes),
        )
        async with self.resources.database.transaction() as session:
            await workspaces.create_key(session, workspace_id, new)
        return str(text)
