"""API processes as they run in production: `python -m api`, told everything by its environment."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from runtime.settings import Settings
from tests.free_port import free_port
from tests.running_sandbox import ROOT

START_LIMIT = 60
"""Seconds, on a busy machine."""


@asynccontextmanager
async def api_process(settings: Settings, more: Mapping[str, str]) -> AsyncIterator[str]:
    """A process over the same database; yields its address. `more` is environment."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "LOG_LEVEL": "WARNING",
        "DATABASE_URL": str(settings.database_url),
        "CREDENTIALS_KEYS": ",".join(_told(settings.credentials_keys)),
        "AUTH_SIGNING_KEYS": ",".join(_told(settings.auth_signing_keys)),
        "MEDIA_URL_KEY": settings.media_url_key.get_secret_value(),
        "STORAGE_BASE_PATH": str(settings.storage_base_path),
        "MAIL_PROVIDER": "off",
        "API_PORT": str(port),
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "api"), cwd=ROOT, env=environment, stdin=DEVNULL, stdout=DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        async with asyncio.timeout(START_LIMIT), httpx.AsyncClient() as http:
            while not await _answers(http, url):
                assert process.returncode is None, "the API did not start"
                await asyncio.sleep(0.1)
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _answers(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/healthz")).status_code == 200
    except httpx.TransportError:
        return False


def _told(secrets: tuple[object, ...]) -> list[str]:
    return [secret.get_secret_value() for secret in secrets]  # type: ignore[attr-defined]
