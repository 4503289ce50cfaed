"""The sandbox's mail server in the tests' own process: real SMTP on a real port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sandbox.clock import Clock
from sandbox.journal import Journal
from sandbox.mails import Mails, ReceivedMail
from sandbox.smtp import SmtpServer
from tests.free_port import free_port
from tests.patience import PATIENCE


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """Takes letters."""

    port: int
    mails: Mails

    async def letter_to(self, address: str, *, count: int = 1) -> ReceivedMail:
        """The last letter to that address, once there are `count`."""
        async with asyncio.timeout(PATIENCE):
            while True:
                if len(found := self.to(address)) >= count:
                    return found[-1]
                await asyncio.sleep(0.01)

    def to(self, address: str) -> list[ReceivedMail]:
        """The letters to that address until now."""
        return [mail for mail in self.mails.received if address in mail.recipients]


@asynccontextmanager
async def running_mail_server() -> AsyncIterator[MailServer]:
    """Run one."""
    journal = Journal(None)
    mails, port = Mails(journal, Clock(journal)), free_port()
    server = SmtpServer(mails)
    await server.listen("127.0.0.1", port)
    try:
        yield MailServer(port=port, mails=mails)
    finally:
        await server.close()
