"""Runs the sandbox: `python -m sandbox --port 8090 --data DIR`."""

import argparse
import contextlib
import gc
import socket
import sys
from pathlib import Path

import uvicorn

from sandbox.app import create_app
from sandbox.quick_answers import QuickProtocol
from sandbox.settings import Settings

COLLECT_AFTER = 100_000
"""Objects between two searches for garbage, which took a third of the time of a burst."""


class Server(uvicorn.Server):
    """A server that says in one line when it is ready."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            sys.stdout.write(f"Sandbox ready on http://{host}:{port}\n")
            sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090, help="0 takes a free one")
    parser.add_argument("--smtp-port", type=int, help="of its mail server; none: no mail server")
    parser.add_argument("--data", type=Path, help="folder of journal and media; none: in memory")
    parser.add_argument("--public-url", help="the front of permalinks, without a slash at its end")
    parser.add_argument("--latency-ms", type=float, default=0, help="added to publishing answers")
    polls = "how often an Instagram container answers IN_PROGRESS"
    parser.add_argument("--container-polls", type=int, default=1, help=polls)
    parser.add_argument("--no-rate-limits", action="store_true", help="for benchmarks")
    arguments = parser.parse_args()
    settings = Settings(
        data=arguments.data,
        public_url=arguments.public_url,
        smtp_port=arguments.smtp_port,
        latency_seconds=arguments.latency_ms / 1000,
        container_polls=arguments.container_polls,
        rate_limits=not arguments.no_rate_limits,
    )
    gc.set_threshold(COLLECT_AFTER)
    with contextlib.suppress(KeyboardInterrupt):
        Server(server_config(settings, arguments.host, arguments.port)).run()


def server_config(settings: Settings, host: str, port: int) -> uvicorn.Config:
    """uvicorn without an access log, able to reset connections and to take a burst of them."""
    return uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        http=QuickProtocol,
        backlog=16_384,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main()
