"""Passwords are hashed beside the event loop, and never in its way."""

import os
import sys

import pytest

from storage.users.passwords import GIVES_WAY, Passwords


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere niceness is the whole process's")
async def test_threads_that_hash_give_way_to_the_one_that_answers() -> None:
    """Each of them; our own stays what it was."""
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    passwords = Passwords(memory_kib=8, passes=1, at_once=1)
    try:
        theirs = await passwords._beside(os.getpriority, os.PRIO_PROCESS, 0)
    finally:
        passwords.close()
    assert theirs == min(19, ours + GIVES_WAY)
    assert os.getpriority(os.PRIO_PROCESS, 0) == ours
