"""The data folder: who may use it now, and the secrets that were made for it."""

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet

from stack.errors import AlreadyRunning, HomeNotUsable
from stack.leftovers import END_SECONDS, birth_of

TAKEOVER_SECONDS = END_SECONDS + 10.0
"""How long the last supervisor's leash may take to end what that one left."""
POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """Made on the first start and kept; nothing has a default."""

    database_password: str = field(repr=False)
    credentials_key: str = field(repr=False)
    """A Fernet key."""
    media_url_key: str = field(repr=False)
    auth_signing_key: str = field(repr=False)

    @classmethod
    def new(cls) -> Self:
        """Fresh random secrets."""
        return cls(
            database_password=secrets.token_urlsafe(32),
            credentials_key=Fernet.generate_key().decode(),
            media_url_key=secrets.token_urlsafe(32),
            auth_signing_key=secrets.token_urlsafe(32),
        )


class Home:
    """The folder that everything of one embedded stack lives in."""

    def __init__(self, path: Path) -> None:
        """Raises HomeNotUsable when the folder cannot be made or written."""
        self.path = path.expanduser().resolve()
        with self._usable():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.temporal, self.media, self.sandbox):
                folder.mkdir(mode=0o700, exist_ok=True)
            probe = self.path / "writable"
            probe.write_text("yes")
            probe.unlink()

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data; made by initdb."""
        return self.path / "postgres"

    @property
    def temporal(self) -> Path:
        """Temporal's database."""
        return self.path / "temporal"

    @property
    def media(self) -> Path:
        """Uploaded media."""
        return self.path / "media"

    @property
    def sandbox(self) -> Path:
        """What the sandbox networks published."""
        return self.path / "sandbox"

    @property
    def secrets_file(self) -> Path:
        """What `secrets()` keeps."""
        return self.path / "secrets.json"

    @property
    def process_record(self) -> Path:
        """Which processes run on this folder's behalf."""
        return self.path / "processes.json"

    @contextlib.asynccontextmanager
    async def locked(self) -> AsyncIterator[int]:
        """Hold the folder for this process alone; yields the lock's descriptor.

        Raises AlreadyRunning, HomeNotUsable.
        """
        with self._usable():
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            await self._take(lock)
            os.truncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            yield lock
        finally:
            os.close(lock)

    def secrets(self) -> Secrets:
        """This folder's secrets, made on first use.

        Raises HomeNotUsable when they are lost or unreadable while there is data that needs them.
        """
        file = self.secrets_file
        with self._usable():
            if file.exists():
                return self._read_secrets(file)
            if self.postgres.exists():
                raise HomeNotUsable(
                    f"{file} is missing, and the data beside it needs it: "
                    f"put it back, or start afresh with `rm -r {self.path}`"
                )
            made = Secrets.new()
            write_private(file, json.dumps(asdict(made), indent=2))
            return made

    @property
    def api_key(self) -> str | None:
        """The demo workspace's API key, if it was made yet."""
        file = self.path / "api-key"
        with self._usable():
            return file.read_text().strip() or None if file.exists() else None

    @api_key.setter
    def api_key(self, key: str) -> None:
        with self._usable():
            write_private(self.path / "api-key", f"{key}\n")

    async def _take(self, lock: int) -> None:
        deadline = time.monotonic() + TAKEOVER_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = int(os.pread(lock, 20, 0) or b"0")
                leash_is_at_work = holder == 0 or birth_of(holder) is None
                if not leash_is_at_work or time.monotonic() > deadline:
                    raise AlreadyRunning(
                        f"another stack (process {holder}) runs on {self.path}: stop it, "
                        "or set PUNCTUAL_HOME and the PUNCTUAL_*_PORT variables for a second one"
                    ) from None
                await asyncio.sleep(POLL_SECONDS)
            else:
                return

    def _read_secrets(self, file: Path) -> Secrets:
        try:
            kept = json.loads(file.read_text())
            if "auth_signing_key" not in kept:  # a folder made before anybody could sign in
                kept["auth_signing_key"] = secrets.token_urlsafe(32)
                write_private(file, json.dumps(kept, indent=2))
            return Secrets(**kept)
        except (ValueError, TypeError) as error:
            raise HomeNotUsable(
                f"{file} is damaged: put it back from a backup, "
                f"or start afresh with `rm -r {self.path}`"
            ) from error

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise HomeNotUsable(
                f"cannot use {self.path}: {error.strerror}; "
                "set PUNCTUAL_HOME to a folder that you can write to"
            ) from error


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    draft.replace(file)
