"""Mails that were decided on: sent after the commit, tried again, given up; no secret is kept."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from domain.ids import new_id
from jobs.handling import Hopeless, Job, JobKind
from jobs.mail import SendingMail
from mail.sender import MailNotSent, MailSender
from mail.smtp import SmtpSecurity, SmtpSender
from runtime.resources import Resources
from storage import mails
from storage.database import Database
from storage.mails import MailKind
from storage.tables import JobRow, PasswordResetRow
from storage.users import users
from storage.users.users import User
from tests.mail_server import MailServer, running_mail_server
from tests.patience import PATIENCE


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    """Takes this test's mails."""
    async with running_mail_server() as server:
        yield server


def handler(resources: Resources, sender: MailSender | None) -> SendingMail:
    return SendingMail(
        database=resources.database,
        sender=sender,
        mailed_tokens=resources.signing_in.mailed_tokens,
        links_base_url="https://app.example.org",
    )


def smtp(server: MailServer) -> SmtpSender:
    return SmtpSender(
        host="127.0.0.1",
        port=server.port,
        sender="no-reply@punctual.test",
        security=SmtpSecurity.NONE,
    )


async def user_at(database: Database, email: str) -> User:
    async with database.transaction() as session:
        user = await users.create(
            session, handle="ada", display_name="Ada", email=email, password_hash="x"
        )
    assert user is not None
    return user


async def decided(database: Database) -> Job:
    """The job that was put."""
    async with database.transaction() as session:
        row = (await session.scalars(select(JobRow))).one()
    return Job(
        id=row.id,
        kind=JobKind(row.kind),
        subject_id=row.subject_id,
        payload=row.payload,
        tries=1,
        created_at=row.created_at,
    )


async def test_a_reset_link_leads_to_the_app_and_is_kept_nowhere(
    resources: Resources, database: Database, mail_server: MailServer
) -> None:
    await user_at(database, "ada@example.org")
    async with database.transaction() as session:
        await mails.put_reset(session, "ada@example.org")
    job = await decided(database)
    await handler(resources, smtp(mail_server)).handle(job)
    (mail,) = mail_server.to("ada@example.org")
    token = mail.text.partition("https://app.example.org/reset-password#")[2].split()[0]
    async with database.transaction() as session:
        resets = (await session.scalars(select(PasswordResetRow))).all()
    kept = " ".join(str(vars(row)) for row in resets) + str(job)
    assert len(resets) == 1
    assert token not in kept


async def test_the_same_job_twice_is_the_same_letter(
    resources: Resources, database: Database, mail_server: MailServer
) -> None:
    user = await user_at(database, "ada@example.org")
    async with database.transaction() as session:
        await mails.put(session, MailKind.TOKEN_REUSED, subject_id=user.id)
    job = await decided(database)
    for _ in range(2):
        await handler(resources, smtp(mail_server)).handle(job)
    one, two = mail_server.to("ada@example.org")
    assert one.message_id == two.message_id
    assert one.subject == "A session of yours was ended"


async def test_a_server_that_is_busy_is_tried_again(
    resources: Resources, database: Database, mail_server: MailServer
) -> None:
    user = await user_at(database, "busy@example.org")
    async with database.transaction() as session:
        await mails.put(session, MailKind.PASSWORD_CHANGED, subject_id=user.id)
    with pytest.raises(MailNotSent):
        await handler(resources, smtp(mail_server)).handle(await decided(database))


async def test_an_address_that_is_not_there_is_given_up(
    resources: Resources, database: Database, mail_server: MailServer
) -> None:
    user = await user_at(database, "refused@example.org")
    async with database.transaction() as session:
        await mails.put(session, MailKind.PASSWORD_CHANGED, subject_id=user.id)
    with pytest.raises(Hopeless, match="550"):
        await handler(resources, smtp(mail_server)).handle(await decided(database))


async def test_what_nobody_can_read_any_more_is_done_with(
    resources: Resources, database: Database, mail_server: MailServer
) -> None:
    for kind in (MailKind.INVITATION, MailKind.PASSWORD_CHANGED, MailKind.TOKEN_REUSED):
        async with database.transaction() as session:
            await mails.put(session, kind, subject_id=new_id())
        job = await decided(database)
        await handler(resources, smtp(mail_server)).handle(job)
        async with database.transaction() as session:
            await session.delete(await session.get_one(JobRow, job.id))
    assert mail_server.mails.received == []


async def test_without_a_sender_nothing_is_sent(resources: Resources, database: Database) -> None:
    user = await user_at(database, "ada@example.org")
    async with database.transaction() as session:
        await mails.put(session, MailKind.PASSWORD_CHANGED, subject_id=user.id)
    async with asyncio.timeout(PATIENCE):
        await handler(resources, None).handle(await decided(database))
