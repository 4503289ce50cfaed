"""Whether somebody knows a user's password, with a limit to guessing."""

import hmac
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.auth.problems import Suspended
from api.passwords.rules import normalised
from api.problems import Problem
from api.rate_limit import TooManyRequests
from cache.failure_limiter import FailureLimiter
from cache.rates import RateExceeded
from storage.database import Database
from storage.users import users
from storage.users.passwords import Passwords
from storage.users.users import User

_PROCESS_KEY: Final = secrets.token_bytes(32)
"""What was proven is remembered under it; without the process's memory it says nothing."""


class WrongPassword(Problem):
    """Not the password, or nobody has the address: the answer is the same, and takes as long."""

    def __init__(self) -> None:
        """See Problem."""
        super().__init__(
            "The address or the password is wrong. If it is forgotten, have a link mailed:"
            " POST /v1/auth/password/reset-mails.",
            status=401,
            slug="wrong-password",
            title="Not recognised",
            headers={"WWW-Authenticate": 'Bearer realm="punctual"'},
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Proven:
    """A user whose password was known a moment ago."""

    user: User
    password_hash: str = field(repr=False)

    async def require_unchanged(self, session: AsyncSession) -> None:
        """It is the password still, until the transaction is over. Raises WrongPassword.

        Without this, a sign-in that is under way would outlive a change of the password.
        """
        if not await users.has_password(session, self.user.id, self.password_hash):
            raise WrongPassword


class PasswordProof:
    """Checks passwords."""

    def __init__(
        self, *, database: Database, passwords: Passwords, failures: FailureLimiter | None
    ) -> None:
        """`failures` limits wrong ones for each account."""
        self._database = database
        self._passwords = passwords
        self._failures = failures

    async def of_address(self, email: str, password: str) -> Proven:
        """Who signs in like that. Raises WrongPassword, Suspended, TooManyRequests."""
        address = email.strip().lower()
        async with self._limited(address, password):
            async with self._database.transaction() as session:
                user = await users.find_by_email(session, address)
            return await self._of(user, password)

    async def of_user(self, user_id: UUID, password: str) -> Proven:
        """The user, whose password it is. Raises WrongPassword, Suspended, TooManyRequests."""
        async with self._database.transaction() as session:
            user = await users.find(session, user_id)
        async with self._limited((user and user.email) or str(user_id), password):
            return await self._of(user, password)

    async def _of(self, user: User | None, password: str) -> Proven:
        kept = user.password_hash if user else None
        password = normalised(password)
        fits = await self._passwords.fits(kept, password)
        if user is None or kept is None or not fits:
            raise WrongPassword
        if user.suspended_at is not None:
            raise Suspended
        if self._passwords.is_outdated(kept):
            kept = await self._renewed(user.id, kept, password)
        return Proven(user=user, password_hash=kept)

    async def _renewed(self, user_id: UUID, outdated: str, password: str) -> str:
        """The hash at today's cost, which is kept if nobody changed the password meanwhile."""
        renewed = await self._passwords.hash(password)
        async with self._database.transaction() as session:
            await users.set_password(session, user_id, renewed, in_place_of=outdated)
        return renewed

    @asynccontextmanager
    async def _limited(self, account: str, password: str) -> AsyncIterator[None]:
        if self._failures is None:
            yield
            return
        proof = f"{account}\n{password}".encode("utf-8", "surrogatepass")
        credential = hmac.digest(_PROCESS_KEY, proof, "sha256").hex()
        try:
            async with self._failures.attempt(account, credential, failure=WrongPassword):
                yield
        except RateExceeded as error:
            raise TooManyRequests(
                "Too many wrong passwords were sent for this account.",
                retry_after=error.retry_after,
            ) from error
