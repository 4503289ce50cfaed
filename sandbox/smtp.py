"""A mail server that takes every letter and delivers none: RFC 5321, as far as senders need it.

A reader whose address begins with `refused` does not exist (550); one that begins with `busy` has
no time now (451).
"""

import asyncio
import re
from typing import Final

from sandbox.mails import Mails

_LINE_LIMIT: Final = 2 * 1024
_SIZE_LIMIT: Final = 1024 * 1024
_IDLE_SECONDS: Final = 60.0
_PATH: Final = re.compile(r"(?:FROM|TO):\s*<(?P<address>[^<>\s]*)>(?P<more>.*)", re.IGNORECASE)
_GONE: Final = (
    ConnectionError,
    TimeoutError,
    asyncio.IncompleteReadError,
    asyncio.LimitOverrunError,
)
_NO_SUCH_READER, _NOT_NOW = "550 5.1.1 No such mailbox", "451 4.3.0 Try again later"


class SmtpServer:
    """Listens until closed."""

    def __init__(self, mails: Mails) -> None:
        self._mails = mails
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Future[None]] = set()

    async def listen(self, host: str, port: int) -> None:
        self._server = await asyncio.start_server(self._serve, host, port, limit=_LINE_LIMIT)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = asyncio.ensure_future(_Conversation(self._mails, reader, writer).hold())
        self._connections.add(conversation)
        try:
            await conversation
        except _GONE:
            pass  # whoever goes away in the middle of a letter has not sent it
        finally:
            self._connections.discard(conversation)
            writer.close()


class _Conversation:
    """One sender's connection."""

    def __init__(
        self, mails: Mails, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._mails = mails
        self._reader = reader
        self._writer = writer
        self._sender: str | None = None
        self._recipients: list[str] = []

    async def hold(self) -> None:
        await self._say("220 sandbox.test ESMTP")
        while True:
            line = (await self._line()).decode("utf-8", "replace").rstrip("\r\n")
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO":
                    self._forget()
                    await self._say("250-sandbox.test", f"250-SIZE {_SIZE_LIMIT}", "250 8BITMIME")
                case "HELO" | "RSET":
                    self._forget()
                    await self._say("250 2.0.0 OK")
                case "NOOP":
                    await self._say("250 2.0.0 OK")
                case "MAIL":
                    await self._say(self._begin(rest))
                case "RCPT":
                    await self._say(self._address(rest))
                case "DATA":
                    await self._take()
                case "QUIT":
                    await self._say("221 2.0.0 Bye")
                    return
                case _:
                    await self._say("502 5.5.1 Not known here")

    def _forget(self) -> None:
        self._sender, self._recipients = None, []

    def _begin(self, rest: str) -> str:
        path = _PATH.fullmatch(rest)
        if path is None:
            return "501 5.5.4 MAIL FROM:<address>"
        self._sender, self._recipients = path["address"], []
        return "250 2.1.0 OK"

    def _address(self, rest: str) -> str:
        path = _PATH.fullmatch(rest)
        if path is None or not path["address"]:
            return "501 5.5.4 RCPT TO:<address>"
        if self._sender is None:
            return "503 5.5.1 MAIL first"
        if path["address"].startswith("refused"):
            return _NO_SUCH_READER
        if path["address"].startswith("busy"):
            return _NOT_NOW
        self._recipients.append(path["address"])
        return "250 2.1.5 OK"

    async def _take(self) -> None:
        if self._sender is None or not self._recipients:
            await self._say("503 5.5.1 RCPT first")
            return
        await self._say("354 End with a dot on a line of its own")
        lines, size = [], 0
        while (line := await self._line()) != b".\r\n":
            size += len(line)
            if size <= _SIZE_LIMIT:
                lines.append(line[1:] if line.startswith(b".") else line)
        if size > _SIZE_LIMIT:
            await self._say("552 5.3.4 Too large")
        else:
            self._mails.take(self._sender, self._recipients, b"".join(lines))
            await self._say("250 2.0.0 Taken")
        self._forget()

    async def _line(self) -> bytes:
        async with asyncio.timeout(_IDLE_SECONDS):
            return await self._reader.readuntil(b"\n")

    async def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self._writer.drain()
