"""Who does jobs in this process, and how they reach it: directly, or through Temporal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker

from domain.backoff import Backoff
from jobs.fan_out import FanOut
from jobs.handling import Handlers, JobKind
from jobs.images import MakingImages
from jobs.loop import CarryOut, JobLoop
from jobs.mail import SendingMail
from jobs.notifying import READERS, Notifying
from jobs.runner import JobRunner
from jobs.taking_back import TakingBack
from jobs.through_temporal import JobActivities, TemporalQueue
from jobs.uploads import ForgettingUploads
from runtime.resources import Resources
from runtime.settings import Settings
from storage.database import Database


def job_handlers(resources: Resources) -> Handlers:
    """Who does what; kinds that nobody does wait."""
    database, live, settings = resources.database, resources.live, resources.settings
    links = settings.mail_links_base_url or settings.public_base_url
    notifying = {
        kind: Notifying(database=database, live=live, read=read) for kind, read in READERS.items()
    }
    return {
        **notifying,
        JobKind.TAKE_BACK: TakingBack(database=database, live=live),
        JobKind.FAN_OUT_POST: FanOut(database, live),
        JobKind.SEND_MAIL: SendingMail(
            database=database,
            sender=resources.mail,
            mailed_tokens=resources.signing_in.mailed_tokens,
            links_base_url=str(links).rstrip("/"),
        ),
        JobKind.MAKE_IMAGES: MakingImages(
            database=database,
            store=resources.media_store,
            live=live,
            max_pixels=settings.media_max_pixels,
        ),
        JobKind.FORGET_UPLOAD: ForgettingUploads(database=database, store=resources.media_store),
    }


@asynccontextmanager
async def jobs_in_process(resources: Resources, handlers: Handlers) -> AsyncIterator[None]:
    """Do jobs beside whatever else this process does; at the end those under way are finished."""
    runner = _runner(resources.settings, resources.database, handlers)
    async with _running(_loop(resources, handlers, runner.run), resources.settings):
        yield


@asynccontextmanager
async def jobs_through_temporal(
    resources: Resources, handlers: Handlers, client: Client
) -> AsyncIterator[None]:
    """Hand jobs to the task queue, and serve it."""
    settings = resources.settings
    queue = TemporalQueue(
        client=client,
        queue=settings.queue_name,
        database=resources.database,
        lease=timedelta(seconds=settings.queue_lease_seconds),
    )
    async with (
        job_worker(resources, handlers, client),
        _running(_loop(resources, handlers, queue.carry_out), settings),
    ):
        yield


def job_worker(resources: Resources, handlers: Handlers, client: Client) -> Worker:
    """What serves the jobs' task queue."""
    settings = resources.settings
    runner = _runner(settings, resources.database, handlers)
    return Worker(
        client,
        task_queue=settings.queue_name,
        activities=[JobActivities(runner).run_jobs],
        max_concurrent_activities=settings.queue_worker_concurrency,
        graceful_shutdown_timeout=timedelta(seconds=settings.graceful_shutdown_seconds),
    )


def _runner(settings: Settings, database: Database, handlers: Handlers) -> JobRunner:
    return JobRunner(
        database=database,
        handlers=handlers,
        backoff=Backoff(
            attempts=settings.queue_default_attempts,
            first=timedelta(milliseconds=settings.queue_default_backoff_ms),
        ),
        lease=timedelta(seconds=settings.queue_lease_seconds),
    )


def _loop(resources: Resources, handlers: Handlers, carry_out: CarryOut) -> JobLoop:
    settings = resources.settings
    return JobLoop(
        database=resources.database,
        database_url=str(settings.database_url),
        handlers=handlers,
        carry_out=carry_out,
        concurrency=settings.queue_worker_concurrency,
        attempts=settings.queue_default_attempts,
        lease=timedelta(seconds=settings.queue_lease_seconds),
    )


@asynccontextmanager
async def _running(loop: JobLoop, settings: Settings) -> AsyncIterator[None]:
    task = asyncio.create_task(loop.run())
    try:
        yield
    finally:
        loop.stop()
        await asyncio.wait({task}, timeout=settings.graceful_shutdown_seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
