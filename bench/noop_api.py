"""`python -m bench.noop_api`: the API with one endpoint more, which only asks who is calling.

Composition root of a benchmark; see `api/app.py` for the one of the product.
"""

import sys
from typing import Annotated, Final

from fastapi import Depends, FastAPI

from api import __main__ as command
from api.app import create_app
from api.auth.dependencies import require
from api.auth.scopes import Scope
from api.auth.service import Caller
from runtime.settings import Settings

NOOP_PATH: Final = "/bench/noop"


async def do_nothing(known: Annotated[Caller, Depends(require(Scope.POSTS_WRITE))]) -> None:
    """What any endpoint costs at least."""
    del known


def create_app_with_noop(settings: Settings | None = None) -> FastAPI:
    """The whole API and the endpoint."""
    app = create_app(settings)
    app.add_api_route(NOOP_PATH, do_nothing, methods=["POST"], status_code=201)
    return app


if __name__ == "__main__":
    vars(command)["create_app"] = create_app_with_noop
    sys.exit(command.main())
