"""Python's cycle collector, told that this process holds thousands of live objects on purpose."""

import gc
from typing import Final

YOUNG: Final = 50_000
"""New objects before the young are looked through; 700 by default, which a crowd makes in no time.
"""

OLD: Final = 100
"""Looks at the young before everything is looked through, which stops the process for so long."""


def collect_seldom() -> None:
    """Leave what is there at the start alone for ever, and look through the rest seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, OLD)
