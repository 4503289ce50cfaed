"""Who may come in: by the role of the signed-in user."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends

from api.auth.dependencies import WithUser
from api.auth.service import SignedIn
from api.problems import Problem
from domain.roles import UserRole
from storage.moderation.audit import Actor

_RANKS: Final = (UserRole.USER, UserRole.MODERATOR, UserRole.ADMIN)


class NotHere(Problem):
    """What people without a role are told, wherever they look."""

    def __init__(self) -> None:
        """The same as for a path that does not exist, in effect."""
        super().__init__("There is nothing here.", status=404, slug="not-found", title="Not found")


class MissingRole(Problem):
    """A moderator, where an admin is needed."""

    def __init__(self, role: UserRole) -> None:
        """`role` is what is lacking."""
        super().__init__(
            f"This needs the role {role}. Ask somebody who has it.",
            status=403,
            slug="missing-role",
            title="Not allowed",
        )


def require_role(role: UserRole) -> Callable[[SignedIn], Awaitable[SignedIn]]:
    """A dependency: the signed-in user, who has that role or a higher one.

    Raises what `signed_in` raises; NotHere for users without any role, from whom these rooms are
    hidden; MissingRole for moderators who would have to be admins.
    """

    async def permitted(known: WithUser) -> SignedIn:
        if known.role is UserRole.USER:
            raise NotHere
        if _RANKS.index(known.role) < _RANKS.index(role):
            raise MissingRole(role)
        return known

    return permitted


Moderator = Annotated[SignedIn, Depends(require_role(UserRole.MODERATOR))]
"""Declares a moderator or an admin in a route."""

Admin = Annotated[SignedIn, Depends(require_role(UserRole.ADMIN))]
"""Declares an admin in a route."""


def actor_of(known: SignedIn) -> Actor:
    """As the audit log names them."""
    return Actor(user_id=known.user_id, name=known.handle)
