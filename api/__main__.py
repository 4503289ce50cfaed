"""`python -m api`: serve the API until told to stop."""

import sys
from typing import Final

import uvicorn

from api.app import create_app
from api.connections import OnePieceProtocol
from runtime.garbage import collect_seldom
from runtime.logs import configure_logs
from runtime.settings import InvalidSettings, load_settings

KEPT_ALIVE_SECONDS: Final = 75
"""How long an idle connection is kept: longer than proxies and balancers keep theirs (60 s), so
that none sends a request on one that is being closed."""


def main() -> int:
    """Serve; 2 when the settings are not usable."""
    try:
        settings = load_settings()
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    configure_logs(settings.log_level, log_format=settings.log_format, service="api")
    app = create_app(settings)
    collect_seldom()  # a look through everything would hold up every socket
    uvicorn.run(
        app,
        http=OnePieceProtocol,
        host=settings.api_host,
        port=settings.api_port,
        forwarded_allow_ips=settings.trusted_proxies,
        access_log=False,  # RequestContext writes one line a request
        log_config=None,
        server_header=False,
        timeout_keep_alive=KEPT_ALIVE_SECONDS,
        ws_max_size=settings.socket_max_bytes,
        ws_ping_interval=None,  # Socket.IO asks by itself whether its clients are there
        ws_per_message_deflate=False,  # a compressor for each socket costs more than it saves
        timeout_graceful_shutdown=int(settings.graceful_shutdown_seconds),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
