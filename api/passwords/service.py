"""Changing a password, and choosing a new one by mail."""

from api.auth.service import SignedIn
from api.passwords.proof import PasswordProof, WrongPassword
from api.passwords.rules import require_unlike_user
from api.problems import FieldProblem, InvalidRequest, Unavailable
from api.rate_limit import admit
from runtime.signing_in import SigningIn
from storage import mails
from storage.database import Database
from storage.mails import MailKind
from storage.users import password_resets, sessions, users
from storage.users.known_sessions import SessionChange
from storage.users.mailed_tokens import Purpose
from storage.users.sessions import EndReason
from storage.users.users import User


class PasswordService:
    """Sets passwords; whoever else is signed in as the user is signed out."""

    def __init__(
        self, database: Database, signing_in: SigningIn, proof: PasswordProof, *, mails_go_out: bool
    ) -> None:
        """`proof` checks passwords; `mails_go_out` is whether anybody carries mails."""
        self._database = database
        self._proof = proof
        self._passwords = signing_in.passwords
        self._mailed_tokens = signing_in.mailed_tokens
        self._known_sessions = signing_in.known_sessions
        self._reset_mails = signing_in.limits.reset_mails
        self._mails_go_out = mails_go_out

    async def change(self, user: SignedIn, *, current: str, new: str) -> None:
        """Set a new password; all other sessions end.

        Raises WrongPassword, InvalidRequest, TooManyRequests.
        """
        proven = await self._proof.of_user(user.user_id, current)
        _require_good(new, proven.user)
        password_hash = await self._passwords.hash(new)
        async with self._database.transaction() as session:
            if not await users.set_password(
                session, user.user_id, password_hash, in_place_of=proven.password_hash
            ):
                raise WrongPassword
            await sessions.end_all(
                session, user.user_id, reason=EndReason.NEW_PASSWORD, but=user.session_id
            )
            await password_resets.withdraw_all(session, user.user_id)
            await mails.put(session, MailKind.PASSWORD_CHANGED, subject_id=user.user_id)
        self._known_sessions.changed(SessionChange(user_id=user.user_id, session_id=None))

    async def mail_reset(self, email: str) -> None:
        """Have a link mailed, if somebody signs in with that address, and tell nobody whether.

        Raises TooManyRequests, Unavailable when no mails go out.
        """
        if not self._mails_go_out:
            raise Unavailable(
                "This installation sends no mail. Ask its operator for a new password.",
                slug="mail-off",
                retry_after=3600,
            )
        await admit(self._reset_mails, email, what="reset mails to one address")
        async with self._database.transaction() as session:
            await mails.put_reset(session, email)

    async def reset(self, token: str, new: str) -> None:
        """Set a new password by a mailed token, once; all sessions end. Raises InvalidRequest."""
        reset_id = self._mailed_tokens.read(Purpose.RESET_PASSWORD, token)
        async with self._database.transaction() as session:
            user_id = reset_id and await password_resets.find_open(session, reset_id)
            user = user_id and await users.find(session, user_id)
        if not (reset_id and user):
            raise _no_such_permission()
        _require_good(new, user)
        password_hash = await self._passwords.hash(new)
        async with self._database.transaction() as session:
            if await password_resets.use(session, reset_id) is None:
                raise _no_such_permission()
            await users.set_password(session, user.id, password_hash)
            await sessions.end_all(session, user.id, reason=EndReason.NEW_PASSWORD)
            await password_resets.withdraw_all(session, user.id)
            await mails.put(session, MailKind.PASSWORD_CHANGED, subject_id=user.id)
        self._known_sessions.changed(SessionChange(user_id=user.id, session_id=None))


def _require_good(new: str, user: User) -> None:
    require_unlike_user(new, user.handle, user.email or user.handle, field="new_password")


def _no_such_permission() -> InvalidRequest:
    return InvalidRequest(
        FieldProblem(
            field="token",
            rule="not_good",
            message="This is no token that was mailed, or it was used, or is too old.",
            fix="Have a new link mailed: POST /v1/auth/password/reset-mails.",
        )
    )
