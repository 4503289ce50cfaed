"""`python -m stack`, whole, with the real servers."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pytest

from stack import up
from stack.children import ROOT
from stack.ports import variable
from tests.free_port import free_ports

SERVERS = ("--only", "postgres", "temporal")


@pytest.fixture
def environment(home_path: Path) -> dict[str, str]:
    """A data folder and ports of its own."""
    ports = {variable(name): str(port) for name, port in asdict(free_ports()).items()}
    return {**os.environ, **ports, "PUNCTUAL_HOME": str(home_path)}


async def _start(environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "stack", *SERVERS),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _until_up(process: asyncio.subprocess.Process) -> str:
    assert process.stdout
    assert process.stderr
    text = b""
    while b"password in" not in text:
        line = await process.stdout.readline()
        if not line:
            pytest.fail((text + await process.stderr.read()).decode())
        text += line
    return text.decode()


@pytest.mark.end_to_end
async def test_starts_refuses_a_second_and_stops_on_sigterm(
    environment: dict[str, str],
) -> None:
    process = await _start(environment)
    shown = await _until_up(process)
    assert re.search(r"^  postgres +ready in \d\.\d s$", shown, re.MULTILINE)
    assert re.search(r"^postgres +\| .*ready to accept connections$", shown, re.MULTILINE)
    assert f"http://127.0.0.1:{environment['PUNCTUAL_TEMPORAL_UI_PORT']}\n" in shown

    second = await _start(environment)
    out, err = await second.communicate()
    assert second.returncode == 1
    assert err.decode().startswith(f"punctual: another stack (process {process.pid}) runs on ")
    assert err.count(b"\n") == 1

    process.send_signal(signal.SIGTERM)
    out, err = await process.communicate()
    assert process.returncode == 0
    assert b"database system is shut down" in out
    assert err == b""


@pytest.mark.end_to_end
async def test_a_server_that_dies_ends_the_rest_with_its_name_and_last_lines(
    environment: dict[str, str],
) -> None:
    process = await _start(environment)
    shown = await _until_up(process)
    started = re.search(r"\[(\d+)\] LOG:  starting PostgreSQL", shown)
    assert started
    os.kill(int(started[1]), signal.SIGKILL)
    _, err = await process.communicate()
    lines = err.decode().splitlines()
    assert process.returncode == 1
    assert (
        lines[0]
        == "punctual: postgres was killed by SIGKILL; the rest was stopped. Its last lines:"
    )
    assert "ready to accept connections" in err.decode()


def test_the_program_says_what_is_wrong_in_one_line(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment["PUNCTUAL_API_PORT"] = "http"
    monkeypatch.setattr(os, "environ", environment)
    assert up.main([]) == 1
    expected = (
        "punctual: PUNCTUAL_API_PORT=http is not a port: set it to a number from 1 to 65535\n"
    )
    assert capsys.readouterr().err == expected
