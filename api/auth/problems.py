"""Why somebody is not let in."""

from api.auth.scopes import Scope
from api.problems import Problem
from domain.roles import WorkspaceRole


class Unauthorized(Problem):
    """Nothing that counts was presented; the answer does not tell unknown and wrong apart."""

    def __init__(self, detail: str) -> None:
        """`detail` says what to do."""
        super().__init__(
            detail,
            status=401,
            slug="unauthorized",
            title="Not recognised",
            headers={"WWW-Authenticate": 'Bearer realm="punctual"'},
        )


class TokenNotGood(Problem):
    """An access token that was made here and counts no more: no guess, so no failure to count."""

    def __init__(self, detail: str, *, slug: str) -> None:
        """`detail` says what to do; `slug` is token-expired or session-ended."""
        super().__init__(
            detail,
            status=401,
            slug=slug,
            title="Not signed in any more",
            headers={"WWW-Authenticate": 'Bearer realm="punctual", error="invalid_token"'},
        )


class Suspended(Problem):
    """A user who was shut out."""

    def __init__(self) -> None:
        """The reason is told by mail and not to whoever holds a token."""
        super().__init__(
            "This user is suspended. Write to the operator to have it looked at again.",
            status=403,
            slug="suspended",
            title="Suspended",
        )


class Forbidden(Problem):
    """Somebody known, without the permission."""

    def __init__(self, scope: Scope, *, role: WorkspaceRole | None = None) -> None:
        """`scope` is what is lacking; `role` is a member's, None for an API key."""
        super().__init__(
            f"This API key lacks the scope {scope}. Make one that has it."
            if role is None
            else f"The role {role} lacks the scope {scope}. Ask an owner of the workspace.",
            status=403,
            slug="missing-scope",
            title="Not allowed",
        )
