"""How many of one second a worker under test takes for a crowd: as few as a scenario has."""

import os
from functools import partial
from typing import Final

from activities.departures import Departures

VARIABLE: Final = "CRASH_CROWD"
"""The environment variable with that number; without it the worker has its own."""


def stand_ins() -> dict[str, object]:
    """What a worker builds in the place of its own."""
    crowd = os.environ.get(VARIABLE)
    return {} if crowd is None else {"Departures": partial(Departures, crowd=int(crowd))}
