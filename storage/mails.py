"""Mails that were decided on: what each is about is kept, what it says is made when it leaves."""

from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import new_id
from storage import jobs
from storage.jobs import JobKind

KIND: Final = "mail"
ADDRESS: Final = "address"
"""Names in the payload of the job."""


class MailKind(StrEnum):
    """What a mail is about, and whose id the job's subject is."""

    RESET_PASSWORD = "reset_password"  # noqa: S105  a kind of mail, no secret
    """A link to choose a new password; nobody's id, since nobody may have the address."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    """What to do if it was not you; a user's."""
    TOKEN_REUSED = "token_reused"  # noqa: S105
    """A session was ended, since its refresh token was in two hands; a user's."""
    SUSPENDED = "suspended"
    """Why nobody can sign in any more; a user's."""
    INVITATION = "invitation"
    """A link to become a member of a workspace; an invitation's."""


async def put(session: AsyncSession, kind: MailKind, *, subject_id: UUID) -> None:
    """Have a mail sent after the running transaction. No secret is kept with it."""
    await jobs.put(session, JobKind.SEND_MAIL, subject_id=subject_id, payload={KIND: kind.value})


async def put_reset(session: AsyncSession, address: str) -> None:
    """Have a link to choose a new password sent, if somebody signs in with that address.

    Whether anybody does is looked up when the mail is made: this takes as long in either case.
    """
    payload = {KIND: MailKind.RESET_PASSWORD.value, ADDRESS: address}
    await jobs.put(session, JobKind.SEND_MAIL, subject_id=new_id(), payload=payload)
