"""The loop that empties the outbox: woken at commit, with a sweep for what is left over."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import RPCTimeoutOrCancelledError
from temporalio.service import RPCError

from relay.post_workflows import PostWorkflows, WorkflowEnding
from storage import crowds, outbox, posts, timeline
from storage.connecting import connect
from storage.crowds import span_of
from storage.database import Database, DatabaseUnavailable
from storage.group_commit import GroupCommit, in_streams
from storage.outbox import OutboxItem, OutboxKind
from storage.posts import Post
from storage.timeline import Event, NewEvent

log = structlog.get_logger(__name__)

BATCH = 50
"""Items leased together: who comes in a backlog waits for the batch that is under way."""
WORKSPACES = 200
"""Of a backlog, whose first items come with a batch: it has to be done well within its lease."""
AT_ONCE = 20
"""Items carried out at the same time."""
LONGEST_WAIT = timedelta(seconds=30)
"""Between two tries of one item."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HandedOver:
    """An item that was carried out, and whether that started a workflow."""

    item: OutboxItem
    started: bool


class OutboxRelay:
    """Carries out what the outbox holds, earliest publish time first."""

    def __init__(
        self,
        *,
        database: Database,
        workflows: PostWorkflows,
        database_url: str,
        sweep: timedelta,
        lease: timedelta,
    ) -> None:
        """`database_url` is for the connection that listens.

        `lease` should be longer than one item takes: a relay that is killed gives its items back
        after it.
        """
        self._database = database
        self._workflows = workflows
        self._database_url = database_url
        self._sweep = sweep
        self._lease = lease
        self._done = GroupCommit(database, _write_done, gathering=in_streams)
        self._writing: set[asyncio.Task[None]] = set()
        """That items were handed over, on its way to the database."""
        self._wake = asyncio.Event()
        self._stopping = False
        self._away = False

    def stop(self) -> None:
        """Finish what is leased, and return from `run`."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Until stopped. One that is cancelled instead keeps its items from others for a lease."""
        listener = asyncio.create_task(self._listen())
        try:
            while not self._stopping:
                self._wake.clear()
                if await self._empty():
                    continue
                try:
                    async with asyncio.timeout(self._sweep.total_seconds()):
                        await self._wake.wait()
                except TimeoutError:
                    log.debug("sweep")
        finally:
            listener.cancel()
            await asyncio.gather(listener, *self._writing, return_exceptions=True)

    async def _empty(self) -> bool:
        """Hand over one batch; whether there may be more at once.

        It is written down while the next one is handed over. What waits for an item of this one
        can be leased once that is done, which wakes the relay again.
        """
        try:
            async with self._database.transaction() as session:
                items = await self._leased(session)
                started = await crowds.started(session, (span_of(item.due_at) for item in items))
                known = await posts.get_many(session, {item.subject_id for item in items})
            self._away = False
            slots = asyncio.Semaphore(AT_ONCE)
            await asyncio.gather(
                *(
                    self._carry_out(item, known.get(item.subject_id), crowd, slots)
                    for item, crowd in _in_crowds(items, started)
                )
            )
        except DatabaseUnavailable as error:
            self._tell_away(error)
            return False
        return bool(items)

    async def _leased(self, session: AsyncSession) -> list[OutboxItem]:
        """The next batch; of a backlog each workspace's first before the rest."""
        items = await outbox.lease(session, limit=BATCH, duration=self._lease)
        if len(items) < BATCH:
            return items
        firsts = await outbox.lease_in_turn(session, limit=WORKSPACES, duration=self._lease)
        return [*firsts, *items]

    async def _carry_out(
        self, item: OutboxItem, post: Post | None, crowd: int, slots: asyncio.Semaphore
    ) -> None:
        try:
            async with slots:
                started = await self._hand_over(item, post, crowd)
            done = HandedOver(item=item, started=started)
            writing = asyncio.create_task(self._write_down(done))
            self._writing.add(writing)
            writing.add_done_callback(self._writing.discard)
        except WorkflowEnding as error:
            await self._postpone(item, error)
        except (RPCError, RPCTimeoutOrCancelledError) as error:
            log.warning("temporal does not answer", item=item.id, error=str(error)[:200])
            await self._postpone(item, error)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            # One item that cannot be carried out must not keep the others from it.
            log.exception("item cannot be carried out", item=item.id, kind=item.kind)
            await self._postpone(item, error)

    async def _hand_over(self, item: OutboxItem, post: Post | None, crowd: int) -> bool:
        """Whether that started a workflow."""
        return post is not None and await self._workflows.carry_out(item, post, crowd)

    async def _write_down(self, done: HandedOver) -> None:
        """What cannot be is handed over again after its lease, and Temporal knows it by its id."""
        try:
            await self._done(done)
            self._wake.set()
        except DatabaseUnavailable as error:
            self._tell_away(error)
        except Exception:
            log.exception("item cannot be written down", item=done.item.id, kind=done.item.kind)

    async def _postpone(self, item: OutboxItem, error: Exception) -> None:
        wait = min(timedelta(seconds=2 ** min(item.tries, 10)), LONGEST_WAIT)
        told = str(error) or type(error).__name__
        async with self._database.transaction() as session:
            await outbox.postpone(session, item.id, wait=wait, error=told[:500])

    async def _listen(self) -> None:
        """Keep one connection that hears of commits; without it the sweep finds everything."""
        while True:
            try:
                await self._listen_once()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                self._tell_away(error)
            await asyncio.sleep(1)

    async def _listen_once(self) -> None:
        connection = await connect(self._database_url)
        closed = asyncio.Event()
        connection.add_termination_listener(lambda _: closed.set())
        try:
            await connection.add_listener(outbox.CHANNEL, lambda *_: self._wake.set())
            self._wake.set()
            await closed.wait()
        finally:
            await connection.close(timeout=1)

    def _tell_away(self, error: Exception) -> None:
        """Once, not at each try."""
        if not self._away:
            log.warning("database does not answer", error=type(error).__name__)
        self._away = True


async def _write_done(session: AsyncSession, done: Sequence[HandedOver]) -> Sequence[None]:
    await outbox.done(session, [one.item.id for one in done])
    await timeline.append_many(
        session,
        [
            NewEvent(post_id=one.item.subject_id, event=Event.WORKFLOW_STARTED)
            for one in done
            if one.started
        ],
    )
    return [None] * len(done)


def _in_crowds(
    items: Sequence[OutboxItem], started: Mapping[datetime, int]
) -> Iterator[tuple[OutboxItem, int]]:
    """Each item with how many posts around its second come before it."""
    counts = dict(started)
    for item in items:
        span = span_of(item.due_at)
        yield item, counts[span]
        counts[span] += item.kind is OutboxKind.START_POST
