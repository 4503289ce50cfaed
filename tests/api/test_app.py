"""The application as an object: one is made for each process, and in tests for each test."""

import gc
import weakref

from api.app import create_app
from runtime.settings import Settings


def test_one_that_nobody_uses_is_let_go(settings: Settings) -> None:
    made = create_app(settings)
    made.openapi()
    left = weakref.ref(made)
    del made
    gc.collect()
    assert left() is None
