"""Letters that the sandbox's mail server took, as long as the sandbox's data is kept."""

from dataclasses import asdict, dataclass
from email import policy
from email.parser import BytesParser
from typing import Any

from sandbox.clock import Clock, rfc3339
from sandbox.journal import Event, Journal

_PARSER = BytesParser(policy=policy.default)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedMail:
    """One letter."""

    number: int
    sender: str
    recipients: list[str]
    subject: str
    message_id: str
    text: str
    received_at: str


class Mails:
    """Every letter, in the order in which they came."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self.clear()
        journal.on("mail", self._apply)

    def clear(self) -> None:
        self.received: list[ReceivedMail] = []

    def take(self, sender: str, recipients: list[str], content: bytes) -> None:
        """Keep a letter as it came over the wire."""
        message = _PARSER.parsebytes(content)
        body = message.get_body(preferencelist=("plain", "html"))
        mail = ReceivedMail(
            number=len(self.received) + 1,
            sender=sender,
            recipients=recipients,
            subject=str(message["Subject"] or ""),
            message_id=str(message["Message-ID"] or ""),
            text="" if body is None else str(body.get_content()).replace("\r\n", "\n"),
            received_at=rfc3339(self._clock.now()),
        )
        self._journal.record("mail", asdict(mail))

    def told(self, recipient: str | None) -> list[dict[str, Any]]:
        """The letters, oldest first; only one reader's when asked."""
        return [
            asdict(mail)
            for mail in self.received
            if recipient is None or recipient in mail.recipients
        ]

    def _apply(self, event: Event) -> None:
        self.received.append(ReceivedMail(**event))
