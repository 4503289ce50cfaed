"""Mails over real SMTP."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from mail.sender import Mail, MailNotSent, MailRefused
from mail.smtp import SmtpSecurity, SmtpSender
from tests.free_port import free_port
from tests.mail_server import MailServer, running_mail_server


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    """A mail server of this test alone."""
    async with running_mail_server() as running:
        yield running


def sender_to(port: int) -> SmtpSender:
    return SmtpSender(
        host="127.0.0.1",
        port=port,
        sender="Punctual <no-reply@punctual.test>",
        security=SmtpSecurity.NONE,
        timeout=timedelta(seconds=5),
    )


def letter(to: str, text: str = "Hello.\n") -> Mail:
    return Mail(message_id="<job-1@punctual>", to=to, subject="Grüße für Ada", text=text)


async def test_a_mail_arrives_as_it_was_written(server: MailServer) -> None:
    text = "Hello Ada,\n\n.a line that begins with a dot\nä ö ü 🙂\n\nhttps://example.org/#token\n"
    await sender_to(server.port).send(letter("ada@example.org", text))
    (received,) = server.mails.received
    assert received.recipients == ["ada@example.org"]
    assert received.sender == "no-reply@punctual.test"
    assert received.subject == "Grüße für Ada"
    assert received.text == text
    assert received.message_id == "<job-1@punctual>"


async def test_an_address_that_is_not_there_refuses_for_good(server: MailServer) -> None:
    with pytest.raises(MailRefused, match="550"):
        await sender_to(server.port).send(letter("refused@example.org"))
    assert server.mails.received == []


async def test_a_busy_server_is_for_later(server: MailServer) -> None:
    with pytest.raises(MailNotSent, match="451"):
        await sender_to(server.port).send(letter("busy@example.org"))


async def test_no_server_at_all_is_for_later() -> None:
    with pytest.raises(MailNotSent):
        await sender_to(free_port()).send(letter("ada@example.org"))


async def test_a_server_without_the_security_that_is_asked_for_gets_nothing(
    server: MailServer,
) -> None:
    strict = SmtpSender(
        host="127.0.0.1",
        port=server.port,
        sender="no-reply@punctual.test",
        security=SmtpSecurity.STARTTLS,
        timeout=timedelta(seconds=5),
    )
    with pytest.raises((MailNotSent, MailRefused)):
        await strict.send(letter("ada@example.org"))
    assert server.mails.received == []


def test_a_mail_does_not_show_its_text_in_logs() -> None:
    assert "token" not in repr(letter("ada@example.org", "https://example.org/#token"))
