"""The parts of the embedded stack, as data, in the order in which they start."""

import json
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT
from typing import Self
from urllib.parse import quote

from contracts import search_attributes
from runtime.settings import Settings
from stack import binaries
from stack.children import Child
from stack.errors import ChildFailed, UnknownChild
from stack.home import Home, Secrets
from stack.ports import HOST, Ports
from stack.postgres import DATABASE, SUPERUSER, PostgresData
from stack.readiness import http_answers, temporal_serves
from stack.system_users import postgres_user
from stack.terminal import Terminal

WORKSPACE = "Demo"
NAMESPACE = "default"


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the parts answer."""

    api: str
    api_docs: str
    temporal_ui: str
    sandbox: str
    sandbox_mails: str
    smtp_port: int
    temporal: str
    database: str = field(repr=False)
    """A connection URL, password included."""

    @classmethod
    def of(cls, ports: Ports, secrets: Secrets) -> Self:
        """The addresses at those ports."""
        password = quote(secrets.database_password, safe="")
        return cls(
            api=f"http://{HOST}:{ports.api}",
            api_docs=f"http://{HOST}:{ports.api}/docs",
            temporal_ui=f"http://{HOST}:{ports.temporal_ui}",
            sandbox=f"http://{HOST}:{ports.sandbox}",
            sandbox_mails=f"http://{HOST}:{ports.sandbox}/pages/mails",
            smtp_port=ports.sandbox_smtp,
            temporal=f"{HOST}:{ports.temporal}",
            database=f"postgresql://{SUPERUSER}:{password}@{HOST}:{ports.postgres}/{DATABASE}",
        )


def settings_environment(*, home: Home, addresses: Addresses, secrets: Secrets) -> dict[str, str]:
    """The environment that our own processes read their settings from."""
    return {
        "LOG_FORMAT": "console",
        "DATABASE_URL": addresses.database,
        "TEMPORAL_ADDRESS": addresses.temporal,
        "TEMPORAL_NAMESPACE": NAMESPACE,
        "CREDENTIALS_KEYS": secrets.credentials_key,
        "MEDIA_URL_KEY": secrets.media_url_key,
        "AUTH_SIGNING_KEYS": secrets.auth_signing_key,
        "MAIL_PROVIDER": "smtp",
        "MAIL_FROM": "Punctual <no-reply@punctual.test>",
        "SMTP_HOST": HOST,
        "SMTP_PORT": str(addresses.smtp_port),
        "SMTP_SECURITY": "none",
        "API_HOST": HOST,
        "PUBLIC_BASE_URL": addresses.api,
        "STORAGE_PROVIDER": "local",
        "STORAGE_BASE_PATH": str(home.media),
        "ALLOW_PRIVATE_ADDRESSES": "true",
        "FACEBOOK_BASE_URL": f"{addresses.sandbox}/facebook/v25.0",
        "INSTAGRAM_BASE_URL": f"{addresses.sandbox}/instagram/v25.0",
        "X_BASE_URL": f"{addresses.sandbox}/x/2",
        "X_PERMALINK_TEMPLATE": f"{addresses.sandbox}/x/{{handle}}/status/{{id}}",
        "BLUESKY_BASE_URL": f"{addresses.sandbox}/bluesky",
        "BLUESKY_PERMALINK_TEMPLATE": (
            f"{addresses.sandbox}/bluesky/profile/{{handle}}/post/{{rkey}}"
        ),
        "GRACEFUL_SHUTDOWN_SECONDS": "10",
    }


def settings_in(environment: Mapping[str, str]) -> dict[str, str]:
    """What that environment says about our settings, but for the ports that are ours to give."""
    fields = Settings.model_fields.items()
    names = {str(each.validation_alias or name).upper() for name, each in fields}
    names -= {"API_PORT", "WORKER_HEALTH_PORT"}
    return {name: environment[name] for name in sorted(names) if environment.get(name)}


@dataclass(frozen=True, kw_only=True)
class EmbeddedParts:
    """Every part of one stack."""

    home: Home
    ports: Ports
    secrets: Secrets
    settings: Mapping[str, str] = field(repr=False)
    terminal: Terminal

    def children(self, only: Collection[str] | None) -> list[Child]:
        """The parts called `only`, or all of them, first to last.

        Raises BinaryMissing, UnknownChild.
        """
        parts = {
            "postgres": self._postgres,
            "temporal": self._temporal,
            "migrations": self._migrations,
            "workspace": self._workspace,
            "sandbox": self._sandbox,
            "api": self._api,
            "worker": self._worker,
        }
        chosen = set(parts if only is None else only)
        if unknown := chosen - parts.keys():
            raise UnknownChild(
                f"no part is called {', '.join(sorted(unknown))}: there are {', '.join(parts)}"
            )
        if self.home.api_key is not None:
            chosen.discard("workspace")
        return [make() for name, make in parts.items() if name in chosen]

    def _postgres(self) -> Child:
        data = PostgresData(
            folder=self.home.postgres,
            binaries=binaries.postgres_folder(),
            password=self.secrets.database_password,
            user=postgres_user(),
            say=self.terminal.say,
        )
        return Child(
            name="postgres",
            command=data.command(host=HOST, port=self.ports.postgres),
            env=_without("PG"),
            cwd=Path("/"),
            user=data.user,
            ports=("postgres",),
            prepare=data.prepare,
            ready=data.ready,
            stop_signal=SIGINT,  # disconnects everybody; SIGTERM would wait for them to go
            stop_seconds=30.0,
        )

    def _temporal(self) -> Child:
        attributes = [
            f"{key.name}={key.indexed_value_type.name.title().replace('_', '')}"
            for key in search_attributes.ALL
        ]
        return Child(
            name="temporal",
            command=(
                *(str(binaries.temporal()), "server", "start-dev", "--ip", HOST),
                *("--port", str(self.ports.temporal), "--ui-port", str(self.ports.temporal_ui)),
                *("--db-filename", str(self.home.temporal / "temporal.db")),
                # Three times as many workflow starts; only a power cut could lose the last ones.
                *("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"),
                *("--dynamic-config-value", "matching.enableFairness=true"),
                *(word for each in attributes for word in ("--search-attribute", each)),
                *("--log-level", "warn", "--ui-disable-news-fetch"),
            ),
            env=_without("TEMPORAL_"),
            ports=("temporal", "temporal_ui"),
            ready=temporal_serves(f"{HOST}:{self.ports.temporal}", namespace=NAMESPACE),
            shows_its_stopping=False,  # its own services warn about each other's going
        )

    def _migrations(self) -> Child:
        command = (sys.executable, "-m", "alembic", "upgrade", "head")
        return Child(name="migrations", command=command, env=self._env(), runs_once=True)

    def _workspace(self) -> Child:
        def keep_key(lines: Sequence[str]) -> None:
            try:
                self.home.api_key = json.loads(lines[-1])["api_key"]
            except (IndexError, KeyError, TypeError, ValueError) as error:
                raise ChildFailed("workspace", reason="printed no API key") from error

        return Child(
            name="workspace",
            command=(sys.executable, "-m", "api.workspaces", "create", WORKSPACE),
            env=self._env(),
            runs_once=True,
            collect=keep_key,
        )

    def _sandbox(self) -> Child:
        port = self.ports.sandbox
        return Child(
            name="sandbox",
            command=(
                *(sys.executable, "-m", "sandbox", "--port", str(port)),
                *("--data", str(self.home.sandbox), "--latency-ms", "0"),
                *("--smtp-port", str(self.ports.sandbox_smtp)),
            ),
            env=self._env(),
            ports=("sandbox", "sandbox_smtp"),
            ready=http_answers(port, "/pages/"),
        )

    def _api(self) -> Child:
        port = self.ports.api
        return Child(
            name="api",
            command=(sys.executable, "-m", "api"),
            env=self._env(API_PORT=port),
            ports=("api",),
            ready=http_answers(port, "/readyz"),
        )

    def _worker(self) -> Child:
        port = self.ports.worker_health
        return Child(
            name="worker",
            command=(sys.executable, "worker.py"),
            env=self._env(WORKER_HEALTH_PORT=port),
            ports=("worker_health",),
            ready=http_answers(port, "/readyz"),
            stop_seconds=20.0,
        )

    def _env(self, **ports: int) -> dict[str, str]:
        numbers = {name: str(port) for name, port in ports.items()}
        return {**os.environ, **self.settings, **numbers, "PYTHONUNBUFFERED": "1"}


def _without(prefix: str) -> dict[str, str]:
    # A server must not take a shell's client settings for its own.
    return {name: value for name, value in os.environ.items() if not name.startswith(prefix)}
