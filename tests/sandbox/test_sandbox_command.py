"""`python -m sandbox`: it says when it is ready, serves, and stops when told."""

import asyncio
import sys
from pathlib import Path

import httpx


async def test_command_serves_until_terminated(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sandbox",
        *("--port", "0", "--data", str(tmp_path), "--latency-ms", "1"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert line.startswith("Sandbox ready on http://127.0.0.1:")
    async with httpx.AsyncClient(base_url=line.split()[-1]) as http:
        assert (await http.get("/_sandbox/health")).json() == {"status": "ok"}
        order = {"network": "x", "handle": "acme"}
        assert (await http.post("/_sandbox/accounts", json=order)).status_code == 200
    process.terminate()
    output, errors = await process.communicate()
    assert (output, errors) == (b"", b"")
    assert (tmp_path / "journal.jsonl").stat().st_size > 0
