"""What is changed while a worker holds it armed leaves as it is now, and not at its old second."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Final
from uuid import UUID

import structlog

from activities.departures import Departures
from storage.arming import MOVED
from storage.database import DatabaseUnavailable
from storage.publishing import PublishingStore
from storage.waking import hear

log = structlog.get_logger(__name__)

AT_ONCE: Final = 1000
"""Deliveries of one look."""


class MovedWhileArmed:
    """Hears of changed posts, and sends their deliveries back to be armed anew.

    Who hears nothing is late and never wrong: the claim compares revision and publish time.
    """

    def __init__(self, database_url: str, departures: Departures, store: PublishingStore) -> None:
        """`database_url` is where it listens; the seats are those of `departures`."""
        self._database_url = database_url
        self._departures = departures
        self._store = store
        self._about: set[UUID | None] = set()
        self._told = asyncio.Event()
        self._stopping = False

    async def run(self) -> None:
        """Until stopped."""
        listener = asyncio.create_task(
            hear(self._database_url, MOVED, heard=self._hear, away=lambda: None)
        )
        try:
            while not self._stopping:
                await self._told.wait()
                self._told.clear()
                about, self._about = self._about, set()
                # Nothing named: the connection is new, and anything may have been missed.
                posts = None if None in about else {one for one in about if one is not None}
                await self._look(posts)
        finally:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)

    def stop(self) -> None:
        """Look no more."""
        self._stopping = True
        self._told.set()

    def _hear(self, about: str) -> None:
        post_id = None
        with suppress(ValueError):  # of what names no post, all is looked at
            post_id = UUID(about)
        self._about.add(post_id)
        self._told.set()

    async def _look(self, post_ids: Collection[UUID] | None) -> None:
        seats = self._departures.waiting(post_ids)
        for first in range(0, len(seats), AT_ONCE):
            some = seats[first : first + AT_ONCE]
            try:
                moved = await self._store.moved([seat.state for seat in some])
            except DatabaseUnavailable:
                log.warning("moved posts not looked at", deliveries=len(some))
                return
            self._departures.send_back(seat for seat in some if seat.state.delivery_id in moved)
