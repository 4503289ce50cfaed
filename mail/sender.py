"""What a mail is, and what may become of it."""

from dataclasses import dataclass, field
from typing import Protocol


class MailNotSent(Exception):
    """Nobody took it, for now: try again later."""


class MailRefused(Exception):
    """It will not be taken, however often it is tried: no such address, or no permission."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """One letter to one reader."""

    message_id: str
    """The same for the same letter sent twice, so that programs show it once."""
    to: str
    subject: str
    text: str = field(repr=False)
    """Plain text. It may hold a link that nobody else should read."""


class MailSender(Protocol):
    """Carries mails."""

    async def send(self, mail: Mail) -> None:
        """Hand it over. Raises MailNotSent, MailRefused."""
        ...
