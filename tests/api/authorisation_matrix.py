"""The authorisation matrix: every operation of the API."""

from typing import Any, Final

from fastapi import FastAPI

from tests.api.authorisation_entries import Table
from tests.api.authorisation_of_people import IN_CHAT, OF_ONESELF, ON_THE_FEED, ON_THE_MARKET
from tests.api.authorisation_of_staff import OF_STAFF, SIGNING_IN, WITH_A_LINK
from tests.api.authorisation_of_workspaces import OF_WORKSPACES
from tests.api.test_openapi import METHODS

MATRIX: Final[Table] = {
    **WITH_A_LINK,
    **OF_WORKSPACES,
    **ON_THE_FEED,
    **ON_THE_MARKET,
    **IN_CHAT,
    **OF_ONESELF,
    **OF_STAFF,
    **SIGNING_IN,
}


def described(app: FastAPI) -> dict[str, dict[str, Any]]:
    """Every operation of the API's description, as the matrix names them."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in app.openapi()["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }
