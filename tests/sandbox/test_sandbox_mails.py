"""The sandbox's mail server, and the page that shows what it took."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from smtplib import SMTP, SMTPRecipientsRefused

import httpx
import pytest

from tests.free_port import free_port
from tests.patience import PATIENCE
from tests.running_sandbox import ROOT, START_LIMIT


@dataclass(frozen=True, kw_only=True)
class MailingSandbox:
    """A sandbox with a mail server."""

    url: str
    smtp_port: int

    def send(self, to: str, text: str, subject: str = "Hello") -> None:
        """By Python's own client, which is not the one that the product uses."""
        with SMTP("127.0.0.1", self.smtp_port, timeout=PATIENCE) as client:
            message = f"Subject: {subject}\r\nMessage-ID: <1@tests>\r\n\r\n{text}\r\n"
            client.sendmail("no-reply@punctual.test", [to], message.encode())


@asynccontextmanager
async def mailing_sandbox(data: Path) -> AsyncIterator[MailingSandbox]:
    port, smtp_port = free_port(), free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "--port", str(port)),
        *("--smtp-port", str(smtp_port), "--data", str(data)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        said = await asyncio.wait_for(process.stdout.readline(), START_LIMIT)
        assert said.startswith(b"Sandbox ready")
        yield MailingSandbox(url=f"http://127.0.0.1:{port}", smtp_port=smtp_port)
    finally:
        process.terminate()
        await process.communicate()


async def test_mails_are_told_shown_and_survive_a_restart(tmp_path: Path) -> None:
    async with httpx.AsyncClient() as http:
        async with mailing_sandbox(tmp_path) as sandbox:
            text = "Open https://app.example.org/reset-password#abc\r\n..two dots\r\n<b>bold</b>"
            await asyncio.to_thread(sandbox.send, "ada@example.org", text)
            await asyncio.to_thread(sandbox.send, "grace@example.org", "Another.")
        async with mailing_sandbox(tmp_path) as sandbox:
            told = (await http.get(f"{sandbox.url}/_sandbox/mails")).json()
            hers = await http.get(
                f"{sandbox.url}/_sandbox/mails", params={"recipient": "grace@example.org"}
            )
            page = (await http.get(f"{sandbox.url}/pages/mails")).text
            index = (await http.get(f"{sandbox.url}/pages/")).text
    assert [mail["recipients"] for mail in told] == [["ada@example.org"], ["grace@example.org"]]
    assert told[0]["text"].splitlines()[1] == "..two dots"
    assert hers.json() == told[1:]
    assert "href='https://app.example.org/reset-password#abc'" in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "/pages/mails" in index


async def test_some_readers_are_not_there_and_others_busy(tmp_path: Path) -> None:
    async with mailing_sandbox(tmp_path) as sandbox:
        for to, code in (("refused@example.org", 550), ("busy@example.org", 451)):
            with pytest.raises(SMTPRecipientsRefused) as refused:
                await asyncio.to_thread(sandbox.send, to, "Hello.")
            assert refused.value.recipients[to][0] == code


async def test_nonsense_is_answered_and_a_flood_of_it_ends_the_connection(tmp_path: Path) -> None:
    async with mailing_sandbox(tmp_path) as sandbox:
        reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.smtp_port)
        async with asyncio.timeout(PATIENCE):
            assert (await reader.readline()).startswith(b"220")
            for line, code in (
                (b"GET / HTTP/1.1", b"502"),
                (b"DATA", b"503"),
                (b"RCPT TO:<ada@example.org>", b"503"),
                (b"MAIL FROM: nobody", b"501"),
                (b"NOOP", b"250"),
            ):
                writer.write(line + b"\r\n")
                assert (await reader.readline()).startswith(code), line
            writer.write(b"x" * 100_000)
            with suppress(ConnectionResetError):  # of what it had not read yet
                assert await reader.read() == b""
        writer.close()
        await asyncio.to_thread(sandbox.send, "ada@example.org", "Still here.")
