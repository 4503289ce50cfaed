"""The signed-in user's profile."""

from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from api.auth.service import SignedIn
from api.problems import Conflict, FieldProblem, NotFound
from api.users.schemas import ProfileChange
from storage.database import Database
from storage.users import users
from storage.users.users import User


class UserService:
    """Reads and changes the signed-in user."""

    def __init__(self, database: Database) -> None:
        """`database` is where users are kept."""
        self._database = database

    async def read(self, user: SignedIn) -> User:
        """The user, as they are now."""
        async with self._database.transaction() as session:
            found = await users.find(session, user.user_id)
        if found is None:
            raise NotFound("user", user.user_id, place="here")
        return found

    async def change(self, user: SignedIn, wanted: ProfileChange) -> User:
        """Change what was sent. Raises Conflict for a taken handle, NotFound for no such image."""
        changes: dict[str, Any] = {
            name: value
            for name, value in wanted.model_dump(exclude_unset=True).items()
            if value is not None or name == "avatar_media_id"
        }
        picture: UUID | None = changes.get("avatar_media_id")
        try:
            async with self._database.transaction() as session:
                if picture and not await users.owns_media(session, user.user_id, picture):
                    raise NotFound("media item", picture, place="among yours")
                return await users.change(session, user.user_id, **changes)
        except IntegrityError:
            raise _handle_taken() from None


def _handle_taken() -> Conflict:
    taken = FieldProblem(
        field="handle",
        rule="taken",
        message="Somebody has this handle.",
        fix="Choose another one.",
    )
    return Conflict("Somebody has this handle.", slug="taken", title="Taken", errors=[taken])
