"""`python -m bench.bare_api PORT FILE`: FastAPI with one endpoint, which answers the file's bytes.

Set up as the API is, served by uvicorn as it comes, and does nothing besides. The API's own way of
writing answers (api/connections.py) is not the bare one's.
"""

import sys
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI
from fastapi.responses import Response

BARE_PATH: Final = "/bare"


def create_bare_app(body: bytes) -> FastAPI:
    """The endpoint alone."""
    app = FastAPI(openapi_url=None, telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get(BARE_PATH)
    async def answer() -> Response:
        return Response(body, media_type="application/json")

    return app


def main() -> int:
    """Serve until told to stop."""
    port, file = sys.argv[1:]
    app = create_bare_app(Path(file).read_bytes())
    uvicorn.run(app, port=int(port), access_log=False, log_config=None, server_header=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
