"""The data folder: one owner at a time, secrets made once, files that only their owner reads."""

import asyncio
import fcntl
import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from stack.errors import AlreadyRunning, HomeNotUsable
from stack.home import Home

NOBODYS_PID = str(2**22 + 1)
"""Above the highest that Linux gives."""


def test_secrets_are_made_once_and_are_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    made = home.secrets()
    assert home.secrets() == made
    assert Home(tmp_path / "other").secrets() != made
    assert stat.S_IMODE(home.secrets_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
    assert made.database_password not in repr(made)


def test_a_folder_made_before_anybody_could_sign_in_gets_a_signing_key(tmp_path: Path) -> None:
    home = Home(tmp_path)
    made = home.secrets()
    kept = json.loads(home.secrets_file.read_text())
    del kept["auth_signing_key"]
    home.secrets_file.write_text(json.dumps(kept))
    added = home.secrets()
    assert replace(added, auth_signing_key=made.auth_signing_key) == made
    assert len(added.auth_signing_key) >= 32
    assert home.secrets() == added


def test_lost_secrets_are_not_replaced_while_data_needs_them(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.postgres.mkdir()
    with pytest.raises(HomeNotUsable, match=r"secrets\.json is missing, and the data beside it"):
        home.secrets()


def test_damaged_secrets_are_not_replaced(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.secrets_file.write_text('{"database_password": "half')
    with pytest.raises(HomeNotUsable, match=r"secrets\.json is damaged"):
        home.secrets()


def test_the_api_key_is_kept_privately(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.api_key is None
    home.api_key = "key"
    assert Home(tmp_path).api_key == "key"
    assert stat.S_IMODE((tmp_path / "api-key").stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeNotUsable, match=r"cannot use .*: Not a directory; set PUNCTUAL_HOME"):
        Home(tmp_path / "file" / "home")


async def test_a_second_owner_is_refused_with_the_firsts_pid(tmp_path: Path) -> None:
    home = Home(tmp_path)
    async with home.locked():
        with pytest.raises(AlreadyRunning, match=rf"\(process {os.getpid()}\) runs on"):
            async with Home(tmp_path).locked():
                pass
    async with home.locked():
        pass


async def test_waits_for_the_leash_of_a_dead_owner(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(NOBODYS_PID)
        at_work = await asyncio.create_subprocess_exec("sleep", "0.3", pass_fds=(lock.fileno(),))
    async with home.locked():
        assert await at_work.wait() == 0
