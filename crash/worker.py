"""`python -m crash.worker`: the worker, standing at its points, with a planted bug if one is named.

Composition root of the harness; see `worker.py` for the one of the product.
"""

import asyncio
import os
import signal

import worker
from crash import crowds, gated, plants, stand_ins
from runtime import publisher
from runtime.logs import configure_logs
from runtime.settings import load_settings

ROOTS = (worker, publisher)
"""Where the product's worker is put together."""


async def _main() -> None:
    settings = load_settings()
    configure_logs(settings.log_level, log_format=settings.log_format, service="worker")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await worker.run_worker(settings, worker.PARTS, stop)


if __name__ == "__main__":
    stand_ins.install(
        ROOTS,
        {
            "open_resources": stand_ins.open_worker_resources,
            "OutboxRelay": gated.GatedRelay,
            "PostWorkflows": gated.GatedWorkflows,
            "PublishingStore": gated.GatedStore,
            **crowds.stand_ins(),
        },
    )
    if planted := os.environ.get(plants.VARIABLE):
        stand_ins.install(ROOTS, plants.PARTS[planted])
    asyncio.run(_main())
