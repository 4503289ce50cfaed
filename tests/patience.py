"""How long tests wait for what has to come."""

from typing import Final

PATIENCE: Final = 60.0
"""Seconds: nothing takes as long even on a busy machine, so what did not come will not come."""
