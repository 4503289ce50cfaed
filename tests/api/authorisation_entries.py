"""Who may send which request: the words that the authorisation matrix is written in.

An entry says of one operation who may call it and with which request. Names in braces, in paths and
bodies alike, are objects of the one who owns everything (`authorisation_world.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from api.auth.scopes import Scope
from domain.roles import UserRole


class Actor(StrEnum):
    """Somebody who sends a request."""

    NOBODY = "no token"
    EXPIRED = "an expired token"
    ENDED = "an ended session"
    SUSPENDED = "the same person, suspended"
    OWNER = "the owner"
    STRANGER = "another user"
    FELLOW = "somebody in the same conversation"
    OUTSIDER = "another user, in the owner's workspace"
    RIVAL = "another user, in a workspace of theirs"
    RIVAL_KEY = "another workspace's key"
    VIEWER = "a viewer"
    EDITOR = "an editor"
    MANAGER = "an admin of the workspace"
    KEY = "a key that may do that alone"
    LACKING_KEY = "a key that may do all but that"
    REVOKED_KEY = "a revoked key"
    MODERATOR = "a moderator"
    ADMIN = "an admin"


Refusals = Mapping[Actor, int]
"""Who is turned away, and with which status."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """The request, the same whoever sends it."""

    where: Mapping[str, str] = field(default_factory=dict)
    """Objects that stand in the path, where they are not called like its parameter."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    body: str | None = None
    """CSV."""
    form: bool = False
    """Whether a picture is sent as browsers send forms."""
    picture: bool = False
    """Whether a picture is all that is sent."""
    answers: int | None = None
    """What it comes to when it is let in; None is any success."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One operation."""

    wanted: Wanted
    refused: Refusals
    let_in: tuple[Actor, ...]
    """Whom it is for. The first of them has to succeed."""
    sees_own: tuple[Actor, ...] = ()
    """Who is answered too, and reads nothing of the owner's."""
    scope: Scope | None = None
    gives: tuple[Scope, ...] = ()
    """What somebody else may do then: a key has to have that itself."""
    role: UserRole | None = None

    def but(self, refused: Refusals) -> "Entry":
        """The same, with other or more refusals."""
        return replace(self, refused={**self.refused, **refused})


Table = Mapping[str, Entry]
"""By `METHOD path`, in an order in which all of it can be done: what takes away stands last."""

_WITHOUT_A_SESSION = {Actor.EXPIRED: 401, Actor.ENDED: 401, Actor.SUSPENDED: 403}

_LOOKING = {Scope.POSTS_READ, Scope.ACCOUNTS_READ, Scope.MEDIA_READ, Scope.MEMBERS_READ}
_MAY: Mapping[Actor, set[Scope]] = {
    Actor.VIEWER: _LOOKING,
    Actor.EDITOR: _LOOKING | {Scope.POSTS_WRITE, Scope.MEDIA_WRITE},
    Actor.MANAGER: set(Scope),
}


def public(**wanted: Any) -> Entry:
    """For everybody; a token makes no difference."""
    return Entry(wanted=Wanted(**wanted), refused={}, let_in=(Actor.NOBODY, Actor.OWNER))


def greeted(**wanted: Any) -> Entry:
    """For everybody; who sends a token has to send a good one."""
    return Entry(
        wanted=Wanted(**wanted),
        refused=_WITHOUT_A_SESSION,
        let_in=(Actor.NOBODY, Actor.STRANGER, Actor.OWNER),
    )


def signed_in(**wanted: Any) -> Entry:
    """For people who signed in: what each has there is their own."""
    return Entry(
        wanted=Wanted(**wanted),
        refused={**_WITHOUT_A_SESSION, Actor.NOBODY: 401, Actor.KEY: 401},
        let_in=(Actor.OWNER,),
        sees_own=(Actor.STRANGER,),
    )


def owned(**wanted: Any) -> Entry:
    """For people who signed in, and there for one of them alone."""
    entry = replace(signed_in(**wanted), sees_own=())
    return entry.but({Actor.STRANGER: 404})


def in_workspace(scope: Scope | None, *, gives: tuple[Scope, ...] = (), **wanted: Any) -> Entry:
    """For members and keys of a workspace with that permission; what is there is its own."""
    may = {actor for actor, scopes in _MAY.items() if scope is None or scope in scopes}
    lacking = set() if scope is None else {*(_MAY.keys() - may), Actor.LACKING_KEY}
    return Entry(
        wanted=Wanted(**wanted),
        refused={
            **_WITHOUT_A_SESSION,
            Actor.NOBODY: 401,
            Actor.REVOKED_KEY: 401,
            Actor.OUTSIDER: 404,
            **dict.fromkeys(sorted(lacking), 403),
        },
        let_in=(Actor.OWNER, *sorted(may), Actor.KEY),
        sees_own=(Actor.RIVAL, Actor.RIVAL_KEY),
        scope=scope,
        gives=gives,
    )


def of_workspace(scope: Scope, **wanted: Any) -> Entry:
    """The same for one thing that the workspace has: in others it is not there."""
    return elsewhere(404, in_workspace(scope, **wanted))


def elsewhere(status: int, entry: Entry) -> Entry:
    """The same, and refused like that in workspaces that do not have what the request names."""
    there = {Actor.RIVAL: status, Actor.RIVAL_KEY: status}
    return replace(entry, sees_own=()).but(there)


def staffed(role: UserRole, **wanted: Any) -> Entry:
    """For moderators, or only for admins; not there for people without a role."""
    refused = {
        **_WITHOUT_A_SESSION,
        Actor.NOBODY: 401,
        Actor.KEY: 401,
        Actor.STRANGER: 404,
        Actor.OWNER: 404,
    }
    if role is UserRole.ADMIN:
        refused[Actor.MODERATOR] = 403
    let_in = (Actor.ADMIN,) if role is UserRole.ADMIN else (Actor.ADMIN, Actor.MODERATOR)
    return Entry(wanted=Wanted(**wanted), refused=refused, let_in=let_in, role=role)
