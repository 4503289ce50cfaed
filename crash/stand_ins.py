"""The product's own composition roots, building gated parts where they would build the plain ones.

The roots look their parts up by name when they build; nothing of them is written down twice here,
so what is proven is what runs.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from types import ModuleType

from crash.gated import GatedDatabase, gated_feed
from domain.networks import Network
from runtime import resources
from runtime.resources import Resources
from runtime.settings import Settings


def install(roots: Collection[ModuleType], stand_ins: Mapping[str, object]) -> None:
    """Give the roots other parts. Raises LookupError for a part that none of them builds."""
    for name, part in stand_ins.items():
        builders = [root for root in roots if hasattr(root, name)]
        if not builders:
            raise LookupError(f"nothing builds a {name}")
        for root in builders:
            setattr(root, name, part)


@asynccontextmanager
async def open_worker_resources(settings: Settings) -> AsyncIterator[Resources]:
    """As always, with a feed that can play faults."""
    async with resources.open_resources(settings) as opened:
        feed = gated_feed(opened.adapters[Network.FEED])
        yield replace(opened, adapters={**opened.adapters, Network.FEED: feed})


@asynccontextmanager
async def open_api_resources(settings: Settings) -> AsyncIterator[Resources]:
    """As always, with a database that stands around its commits."""
    gated = GatedDatabase(str(settings.database_url), pool_size=settings.database_pool_size)
    async with resources.open_resources(settings) as opened:
        try:
            yield replace(opened, database=gated)
        finally:
            await gated.close()
