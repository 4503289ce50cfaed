"""Mails by SMTP, to whatever server the settings name."""

from datetime import timedelta
from email.message import EmailMessage
from email.utils import formatdate
from enum import StrEnum

import aiosmtplib

from mail.sender import Mail, MailNotSent, MailRefused


class SmtpSecurity(StrEnum):
    """How the connection is kept from others."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class SmtpSender:
    """Opens a connection for each mail: they are few."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        security: SmtpSecurity,
        username: str | None = None,
        password: str | None = None,
        timeout: timedelta = timedelta(seconds=20),
    ) -> None:
        """`sender` stands in From: an address, or `Name <address>`."""
        self._host = host
        self._port = port
        self._sender = sender
        self._security = security
        self._username = username
        self._password = password
        self._timeout = timeout.total_seconds()

    async def send(self, mail: Mail) -> None:
        """See MailSender. An answer of 5xx refuses it, everything else is for later."""
        try:
            await aiosmtplib.send(
                self._message(mail),
                hostname=self._host,
                port=self._port,
                username=self._username,
                password=self._password,
                use_tls=self._security is SmtpSecurity.TLS,
                start_tls=self._security is SmtpSecurity.STARTTLS,
                timeout=self._timeout,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [each.code for each in error.recipients]
            raise _as_told(max(codes, default=0)) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _as_told(error.code) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise MailNotSent(type(error).__name__) from None

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = formatdate()
        message["Message-ID"] = mail.message_id
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        return message


def _as_told(code: int) -> MailNotSent | MailRefused:
    """Without the server's words, which may quote the letter."""
    told = f"The mail server answered {code}."
    return MailRefused(told) if 500 <= code < 600 else MailNotSent(told)
