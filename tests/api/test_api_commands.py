"""`python -m api` and `python -m api.workspaces`."""

import asyncio
import os
import sys

import httpx
import orjson
import pytest

from api.auth.scopes import Scope
from runtime.settings import Settings
from tests.free_port import free_port
from tests.running_sandbox import ROOT

pytestmark = pytest.mark.end_to_end


def environment(settings: Settings, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": str(settings.database_url),
        "CREDENTIALS_KEYS": settings.credentials_keys[0].get_secret_value(),
        "MEDIA_URL_KEY": "a key of the tests",
        "AUTH_SIGNING_KEYS": "a signing key of the tests that is long enough",
        "STORAGE_BASE_PATH": str(settings.storage_base_path),
        **more,
    }


async def start(*arguments: str, env: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *arguments),
        cwd=ROOT,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run(*arguments: str, env: dict[str, str]) -> tuple[int | None, str, str]:
    process = await start(*arguments, env=env)
    output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def test_a_workspace_is_made_by_a_command_and_its_key_works(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    code, output, errors = await run(
        "api.workspaces", "create", "Corner bakery", env=environment(settings)
    )
    assert code == 0, errors
    assert output.count("\n") == 1
    made = orjson.loads(output)
    headers = {"Authorization": f"Bearer {made['api_key']}"}
    shown = await client.get("/v1/workspace", headers=headers)
    assert shown.json()["id"] == made["workspace_id"]
    keys = await client.get("/v1/api-keys", headers=headers)
    assert set(keys.json()["items"][0]["scopes"]) == set(Scope)


@pytest.mark.parametrize("arguments", [[], ["create"], ["create", ""], ["create", "x" * 101]])
async def test_wrong_arguments_are_told(settings: Settings, arguments: list[str]) -> None:
    code, output, errors = await run("api.workspaces", *arguments, env=environment(settings))
    assert code == 2
    assert output == ""
    assert "usage:" in errors


async def test_a_database_that_is_away_is_told_in_a_line(settings: Settings) -> None:
    away = f"postgresql://postgres@127.0.0.1:{free_port()}/gone"
    env = environment(settings, DATABASE_URL=away)
    code, _, errors = await run("api.workspaces", "create", "Bakery", env=env)
    assert code == 1
    assert errors.count("\n") == 1
    assert "DATABASE_URL" in errors


@pytest.mark.parametrize("module", [("api",), ("api.workspaces", "create", "Bakery")])
async def test_settings_that_are_missing_are_named(module: tuple[str, ...]) -> None:
    code, _, errors = await run(*module, env={"PATH": os.environ["PATH"]})
    assert code == 2
    assert "DATABASE_URL: is not set" in errors
    assert "CREDENTIALS_KEYS: is not set" in errors
    assert "Traceback" not in errors


async def test_the_api_serves_until_it_is_told_to_stop(settings: Settings) -> None:
    port = free_port()
    process = await start("api", env=environment(settings, API_PORT=str(port)))
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            async with asyncio.timeout(60):
                while True:
                    try:
                        ready = await client.get("/readyz")
                        break
                    except httpx.TransportError:
                        assert process.returncode is None
                        await asyncio.sleep(0.1)
            assert ready.status_code == 200
            assert (await client.get("/v1/workspace")).status_code == 401
            assert (await client.get("/openapi.json")).status_code == 200
    finally:
        process.terminate()
        _, errors = await process.communicate()
    lines = [orjson.loads(line) for line in errors.splitlines()]
    (request,) = [line for line in lines if line.get("route") == "/v1/workspace"]
    assert request["service"] == "api"
    assert request["status"] == 401
    assert process.returncode in {0, -15}
