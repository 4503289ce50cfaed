"""The worker process: settings → resources → activities → one Temporal worker per task queue.

python worker.py                                    everything: all queues and the outbox relay
python worker.py --serve publish-x publish-bluesky  only these queues
python worker.py --serve orchestration relay        only workflows, and the relay
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Protocol

import structlog
import uvloop
from temporalio.client import Client
from temporalio.worker import Worker

from activities.at_once import RoomAtOnce, room_in
from activities.bookkeeping import DeliveryBookkeeping
from activities.moved_while_armed import MovedWhileArmed
from activities.sweeping import PostSweeping
from activities.waiting import system_clock
from contracts.task_queues import ORCHESTRATION, publish_queue
from domain.networks import Network
from relay.drain import Drain
from relay.outbox_relay import OutboxRelay
from relay.post_workflows import Leads, PostWorkflows
from runtime.garbage import collect_seldom
from runtime.health import serve_health
from runtime.job_queue import job_handlers, jobs_through_temporal
from runtime.logs import configure_logs
from runtime.publisher import Publisher, build_publisher
from runtime.resources import Resources, open_resources
from runtime.schedules import keep_sweeping
from runtime.settings import InvalidSettings, Settings, load_settings
from runtime.temporal import connect_temporal, register_search_attributes, workflow_runner
from runtime.watching import Watch
from storage.switches.reports import CircuitReports
from workflows.publish_post import PublishPost
from workflows.sweep_posts import SweepPosts

log = structlog.get_logger("worker")

RELAY = "relay"
JOBS = "jobs"
QUEUES = {publish_queue(network): network for network in Network}
PARTS = (ORCHESTRATION, RELAY, JOBS, *QUEUES)
WORKFLOW_TASKS = 200
"""At once: no more than a worker gets through well within the ten seconds that one may take. What
times out is begun again from its start."""

LOCAL_ACTIVITIES = WORKFLOW_TASKS * len(Network)
"""At once: hardly what deliveries wait for; they wait for room at their network."""


async def run_worker(settings: Settings, serve: Sequence[str], stop: asyncio.Event) -> None:
    """Serve the named parts until `stop` is set; then finish what is being sent, and return."""
    async with AsyncExitStack() as stack:
        resources = await stack.enter_async_context(open_resources(settings))
        client = await _connect(settings, stop)
        if client is None:
            return
        await register_search_attributes(client, settings.temporal_namespace)
        await keep_sweeping(client, every=timedelta(seconds=settings.sweep_seconds))
        if settings.worker_health_port:
            metrics = resources.metrics if settings.metrics_enabled else None
            await stack.enter_async_context(
                serve_health(
                    settings.worker_health_port, resources.database, client, metrics=metrics
                )
            )
        circuits = CircuitReports(resources.database, settings.hold_rules.circuits, system_clock)
        stack.push_async_callback(_run_beside(circuits, stop))
        publisher = build_publisher(resources, Watch(resources.metrics, circuits))
        moves = MovedWhileArmed(str(settings.database_url), publisher.departures, publisher.store)
        stack.push_async_callback(_run_beside(moves, stop))
        workers = build_workers(resources, client, serve, publisher)
        for worker in workers:
            await stack.enter_async_context(worker)
        if JOBS in serve and settings.queue_enabled:
            jobs = jobs_through_temporal(resources, job_handlers(resources), client)
            await stack.enter_async_context(jobs)
        if RELAY in serve:
            stack.push_async_callback(_run_beside(build_relay(resources, client), stop))
            stack.push_async_callback(_run_beside(build_drain(resources), stop))
        collect_seldom()
        log.info("worker ready", serves=list(serve))
        await stop.wait()
        log.info("worker stopping")
        publisher.departures.stop()
        await asyncio.gather(*(worker.shutdown() for worker in workers))


def build_workers(
    resources: Resources,
    client: Client,
    serve: Sequence[str],
    publisher: Publisher,
) -> list[Worker]:
    """One Temporal worker for each named queue."""
    settings, publishing = resources.settings, publisher.publishing
    grace = timedelta(seconds=settings.graceful_shutdown_seconds)
    room = {
        network: room_in(settings.limits_of(network).concurrency)
        for queue, network in QUEUES.items()
        if queue in serve
    }
    workers = []
    if ORCHESTRATION in serve:
        workers.append(
            Worker(
                client,
                task_queue=ORCHESTRATION,
                workflows=[PublishPost, SweepPosts],
                workflow_runner=workflow_runner(shares_workflows=True),
                activities=[
                    RoomAtOnce(publishing, room).publish_at_once,
                    DeliveryBookkeeping(publisher.store).give_up_delivery,
                    PostSweeping(resources.database, client).sweep_posts,
                ],
                max_cached_workflows=settings.workflow_cache_size,
                max_concurrent_workflow_tasks=WORKFLOW_TASKS,
                max_concurrent_local_activities=LOCAL_ACTIVITIES,
                graceful_shutdown_timeout=grace,
            )
        )
    for queue, network in QUEUES.items():
        if queue in serve:
            limits = settings.limits_of(network)
            workers.append(
                Worker(
                    client,
                    task_queue=queue,
                    activities=[publishing.prepare_delivery, publishing.publish_delivery],
                    max_concurrent_activities=limits.concurrency - room[network],
                    max_task_queue_activities_per_second=limits.rate_per_second,
                    graceful_shutdown_timeout=grace,
                )
            )
    return workers


def build_relay(resources: Resources, client: Client) -> OutboxRelay:
    """The loop from the outbox to Temporal."""
    settings = resources.settings
    leads = Leads(
        prepare=timedelta(seconds=settings.prepare_lead_seconds),
        arm=timedelta(seconds=settings.arm_lead_seconds),
        armed_per_second=settings.armed_per_second,
        heartbeat_timeout=timedelta(seconds=settings.heartbeat_timeout_seconds),
    )
    return OutboxRelay(
        database=resources.database,
        workflows=PostWorkflows(client, leads),
        database_url=str(settings.database_url),
        sweep=timedelta(seconds=settings.relay_sweep_seconds),
        lease=timedelta(seconds=settings.relay_lease_seconds),
    )


def build_drain(resources: Resources) -> Drain:
    """The loop that lets go of what was held."""
    settings = resources.settings
    return Drain(
        database=resources.database,
        rules=settings.hold_rules,
        paces={one: settings.limits_of(one).drain_per_second for one in Network},
    )


async def _connect(settings: Settings, stop: asyncio.Event) -> Client | None:
    """Wait for Temporal as long as it takes; None when stopped meanwhile."""
    while not stop.is_set():
        try:
            return await connect_temporal(settings)
        except RuntimeError as error:
            log.warning("temporal does not answer", address=settings.temporal_address)
            log.debug("temporal error", error=str(error))
        try:
            await asyncio.wait_for(stop.wait(), timeout=2)
        except TimeoutError:
            continue
    return None


class _Loop(Protocol):
    """Something that runs beside the workers."""

    async def run(self) -> None: ...

    def stop(self) -> None: ...


def _run_beside(loop: _Loop, stop: asyncio.Event) -> Callable[[], Awaitable[None]]:
    """Run it beside the workers; what is returned stops it and waits for its end.

    Should it end by itself, the whole worker stops: whoever supervises it starts it again.
    """
    running = asyncio.create_task(loop.run())
    running.add_done_callback(lambda _: stop.set())

    async def finish() -> None:
        loop.stop()
        await running

    return finish


async def _main(serve: Sequence[str]) -> None:
    settings = load_settings()
    configure_logs(settings.log_level, log_format=settings.log_format, service="worker")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await run_worker(settings, serve, stop)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve task queues and the outbox relay.")
    parser.add_argument("--serve", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    try:
        uvloop.run(_main(parser.parse_args().serve))
    except InvalidSettings as error:
        sys.exit(str(error))
