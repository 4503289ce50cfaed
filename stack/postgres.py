"""PostgreSQL's data folder: how it is made, and what a crash leaves in it."""

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGTERM

from stack.binaries import POSTGRES_MAJOR
from stack.children import run_to_end
from stack.errors import BinaryMissing
from stack.home import write_private
from stack.leftovers import birth_of, end_processes
from stack.system_users import ensure_exists, open_way

SUPERUSER = "postgres"
DATABASE = "punctual"


@dataclass(frozen=True, kw_only=True)
class PostgresData:
    """A data folder, and the programs in `binaries` that make and serve it."""

    folder: Path
    binaries: Path
    password: str = field(repr=False)
    user: str | None
    """The system user that it belongs to; None is us."""
    say: Callable[[str], None]

    def command(self, *, host: str, port: int) -> tuple[str, ...]:
        """The server, in the foreground."""
        settings = {
            "listen_addresses": host,
            "port": str(port),
            "unix_socket_directories": "",  # a home may be too long a path for one
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
        }
        chosen = (f"--{name}={value}" for name, value in settings.items())
        return (str(self.binaries / "postgres"), "-D", str(self.folder), *chosen)

    async def prepare(self) -> None:
        """Make the data folder on the first start; clear a crash's traces on later ones.

        Raises BinaryMissing, ChildFailed.
        """
        if self.user is not None:
            await ensure_exists(self.user)
            opened = open_way(folders=(self.folder,), programs=self.binaries.parent)
            if opened:
                names = ", ".join(map(str, opened[:3]))
                self.say(f"  PostgreSQL cannot run as root: {self.user} may now pass {names} (o+x)")
        await self._require_version()
        if not self.folder.exists():
            await self._make_folder()
        await asyncio.to_thread(self._clear_crash)

    async def ready(self) -> bool:
        """Whether the server takes connections: it writes so into its pid file."""
        try:
            lines = self._pid_file.read_text().splitlines()
        except OSError:
            return False
        return lines[7:8] == ["ready   "]

    async def _require_version(self) -> None:
        answer = await self._run("postgres", "--version")
        version = answer.split("(PostgreSQL)")[-1].split()[0]
        if int(version.partition(".")[0]) < POSTGRES_MAJOR:
            raise BinaryMissing(
                f"{self.binaries}/postgres is version {version}, and Punctual needs "
                f"{POSTGRES_MAJOR}: put a newer one on PATH"
            )

    async def _make_folder(self) -> None:
        # Under another name until it is whole: an interrupted first start leaves nothing half-made.
        draft = self.folder.with_name("postgres.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password_file = self.folder.with_name("postgres.password")
        write_private(password_file, self.password)
        try:
            if self.user is not None:
                shutil.chown(draft, self.user)
                shutil.chown(password_file, self.user)
            await self._run(
                "initdb",
                *("--pgdata", str(draft), "--username", SUPERUSER, "--pwfile", str(password_file)),
                *("--auth", "scram-sha-256", "--encoding", "UTF8"),
                # The same order and letter case on every machine, whatever locales it has.
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
            )
            create = f"CREATE DATABASE {DATABASE};"
            await self._run("postgres", "--single", "-D", str(draft), "postgres", stdin=create)
        finally:
            password_file.unlink()
        draft.rename(self.folder)

    async def _run(self, program: str, *arguments: str, stdin: str = "") -> str:
        command = (str(self.binaries / program), *arguments)
        return await run_to_end("postgres", command, user=self.user, stdin=stdin)

    def _clear_crash(self) -> None:
        """End an orphaned server; remove the pid file of a dead one.

        PostgreSQL refuses to start when the number in that file belongs to any process by now,
        as it often does in a restarted container.
        """
        server = self._server_in_pid_file()
        if Path("/proc/self").exists():
            alive = _processes_in(self.folder)
            end_processes([(pid, SIGINT if pid == server else SIGTERM) for pid in alive])
        elif server is not None and birth_of(server) is not None:
            return  # cannot tell whose it is: PostgreSQL decides
        self._pid_file.unlink(missing_ok=True)

    @property
    def _pid_file(self) -> Path:
        return self.folder / "postmaster.pid"

    def _server_in_pid_file(self) -> int | None:
        try:
            return int(self._pid_file.read_text().split(maxsplit=1)[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None


def _processes_in(folder: Path) -> list[int]:
    """The PostgreSQL processes that work in that data folder."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):  # it is gone, or another user's and so not this folder's
            if (process / "comm").read_text() == "postgres\n" and (
                (process / "cwd").readlink() == folder
            ):
                found.append(int(process.name))
    return found
