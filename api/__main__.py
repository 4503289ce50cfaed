"""`python -m api`: serve the API until told to stop."""

import sys

import uvicorn

from api.app import create_app
from runtime.logs import configure_logs
from runtime.settings import InvalidSettings, load_settings


def main() -> int:
    """Serve; 2 when the settings are not usable."""
    try:
        settings = load_settings()
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    configure_logs(settings.log_level, log_format=settings.log_format, service="api")
    uvicorn.run(
        create_app(settings),
        host=settings.api_host,
        port=settings.api_port,
        forwarded_allow_ips=settings.trusted_proxies,
        access_log=False,  # RequestContext writes one line a request
        log_config=None,
        server_header=False,
        ws_max_size=settings.socket_max_bytes,
        ws_per_message_deflate=False,  # a compressor for each socket costs more than it saves
        timeout_graceful_shutdown=int(settings.graceful_shutdown_seconds),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
