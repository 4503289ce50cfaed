"""Sends the mails that were decided on. What they say is in `jobs/letters.py`."""

from datetime import timedelta
from typing import Final

import structlog

from jobs import letters
from jobs.handling import Hopeless, Job
from jobs.letters import Letter
from mail.sender import Mail, MailRefused, MailSender
from storage import members
from storage.database import Database
from storage.mails import ADDRESS, KIND, MailKind
from storage.users import password_resets, users
from storage.users.mailed_tokens import MailedTokens, Purpose

log = structlog.get_logger("mail")

RESET_LASTS: Final = timedelta(hours=1)


class SendingMail:
    """Handles `JobKind.SEND_MAIL`.

    A process that dies after the server took the mail sends it again, under the same Message-ID.
    Links are made here and kept nowhere.
    """

    def __init__(
        self,
        *,
        database: Database,
        sender: MailSender | None,
        mailed_tokens: MailedTokens,
        links_base_url: str,
    ) -> None:
        """`links_base_url` is where links lead; without a `sender` mails are dropped."""
        self._database = database
        self._sender = sender
        self._mailed_tokens = mailed_tokens
        self._links_base_url = links_base_url

    async def handle(self, job: Job) -> None:
        """See JobHandler. Raises MailNotSent, to be tried again, and Hopeless."""
        kind = MailKind(job.payload[KIND])
        if self._sender is None:
            log.info("mail is off, nothing was sent", kind=kind)
            return
        letter = await self._letter(kind, job)
        if letter is None:
            log.info("nobody to write to any more", kind=kind)
            return
        mail = Mail(
            message_id=f"<job-{job.id}-{job.created_at.timestamp():.0f}@punctual>",
            to=letter.to,
            subject=letter.subject,
            text=letter.text,
        )
        try:
            await self._sender.send(mail)
        except MailRefused as error:
            raise Hopeless(str(error)) from error
        log.info("mail sent", kind=kind)

    async def _letter(self, kind: MailKind, job: Job) -> Letter | None:
        match kind:
            case MailKind.RESET_PASSWORD:
                return await self._reset_password(job)
            case MailKind.INVITATION:
                return await self._invitation(job)
            case MailKind.PASSWORD_CHANGED | MailKind.TOKEN_REUSED:
                return await self._warning(kind, job)
            case MailKind.SUSPENDED:
                return await self._suspended(job)

    async def _reset_password(self, job: Job) -> Letter | None:
        async with self._database.transaction() as session:
            user = await users.find_by_email(session, job.payload[ADDRESS])
            if user is None or user.email is None or user.suspended_at is not None:
                return None
            reset_id = await password_resets.allow(session, user.id, lifetime=RESET_LASTS)
        token = self._mailed_tokens.make(Purpose.RESET_PASSWORD, reset_id)
        return letters.reset_password(
            user.email, user.display_name, f"{self._links_base_url}/reset-password#{token}"
        )

    async def _invitation(self, job: Job) -> Letter | None:
        async with self._database.transaction() as session:
            offered = await members.find_invitation(session, job.subject_id)
        if offered is None:
            return None
        token = self._mailed_tokens.make(Purpose.ACCEPT_INVITATION, offered.id)
        return letters.invitation(
            offered.email,
            offered.workspace_name,
            offered.role,
            f"{self._links_base_url}/accept-invitation#{token}",
        )

    async def _suspended(self, job: Job) -> Letter | None:
        async with self._database.transaction() as session:
            user = await users.find(session, job.subject_id)
        if user is None or user.email is None or user.suspended_at is None:
            return None
        return letters.suspended(user.email, user.display_name, user.suspension_reason or "")

    async def _warning(self, kind: MailKind, job: Job) -> Letter | None:
        async with self._database.transaction() as session:
            user = await users.find(session, job.subject_id)
        if user is None or user.email is None:
            return None
        write = letters.password_changed if kind is MailKind.PASSWORD_CHANGED else letters.reused
        return write(user.email, user.display_name)
