"""Makes notifications of what was decided, and tells those who look at a screen."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.deliveries import DeliveryStatus
from domain.notifications import NotificationKind, SubjectType
from jobs.handling import Job, JobKind, finishing_all
from realtime.bus import LiveBus
from storage.database import Database
from storage.notifications import recipients
from storage.notifications.reading import Notification, count_unread, get_many
from storage.notifications.recording import News, record

EVENT: Final = "notification"
"""What sockets hear: a notification as the list shows it, and `unread`."""

AT_ONCE: Final = 1000
"""News of one transaction, or of one job when that has more."""

OUTCOMES: Final = {
    DeliveryStatus.PUBLISHED: NotificationKind.POST_PUBLISHED,
    DeliveryStatus.FAILED: NotificationKind.POST_FAILED,
    DeliveryStatus.UNCONFIRMED: NotificationKind.POST_UNCONFIRMED,
}
"""How a delivery can end so that somebody has to hear of it."""

ReadNews = Callable[[AsyncSession, Sequence[Job]], Awaitable[list[News]]]


class Notifying:
    """Handles one kind of jobs, many at once; the news is what `read` makes of them."""

    def __init__(self, *, database: Database, live: LiveBus, read: ReadNews) -> None:
        """`live` hears of it after the commit."""
        self._database = database
        self._live = live
        self._read = read

    async def handle_all(self, group: Sequence[Job]) -> None:
        """See GroupHandler."""
        for some in _in_portions(group):
            async with finishing_all(self._database, some) as (session, left):
                touched = await record(session, await self._read(session, left))
                changed = await get_many(session, touched) if touched else []
                unread = await count_unread(session, {one.user_id for one in changed})
            for one in changed:
                told = {**as_told(one), "unread": unread[one.user_id]}
                await self._live.tell([one.user_id], EVENT, told)


async def read_acts(_: AsyncSession, group: Sequence[Job]) -> list[News]:
    """What people did, from jobs of kind NOTIFY."""
    return [
        News(
            user_id=UUID(user_id),
            kind=NotificationKind(job.payload["kind"]),
            subject_type=SubjectType(job.payload["subject_type"]),
            subject_id=job.subject_id,
            cause_id=UUID(job.payload["cause_id"]),
            actor_id=UUID(job.payload["actor_id"]) if job.payload["actor_id"] else None,
        )
        for job in group
        for user_id in job.payload["user_ids"]
    ]


async def read_outcomes(session: AsyncSession, group: Sequence[Job]) -> list[News]:
    """How deliveries ended, from jobs of kind DELIVERY_SETTLED; one notification a post."""
    settled = await recipients.of_deliveries(session, [job.subject_id for job in group])
    news = []
    for job in group:
        kind = OUTCOMES.get(DeliveryStatus(job.payload["status"]))
        delivery = settled.get(job.subject_id)
        if kind is not None and delivery is not None:
            news += [
                News(
                    user_id=user_id,
                    kind=kind,
                    subject_type=SubjectType.POST,
                    subject_id=delivery.post_id,
                    cause_id=delivery.delivery_id,
                    actor_id=None,
                )
                for user_id in delivery.user_ids
            ]
    return news


async def read_reconnects(session: AsyncSession, group: Sequence[Job]) -> list[News]:
    """Which accounts have to be connected again, from jobs of kind ACCOUNT_RECONNECT."""
    members = await recipients.of_accounts(session, [job.subject_id for job in group])
    return [
        News(
            user_id=user_id,
            kind=NotificationKind.ACCOUNT_RECONNECT,
            subject_type=SubjectType.ACCOUNT,
            subject_id=job.subject_id,
            cause_id=UUID(job.payload["cause_id"]),
            actor_id=None,
        )
        for job in group
        for user_id in members.get(job.subject_id, ())
    ]


READERS: Final[dict[JobKind, ReadNews]] = {
    JobKind.NOTIFY: read_acts,
    JobKind.DELIVERY_SETTLED: read_outcomes,
    JobKind.ACCOUNT_RECONNECT: read_reconnects,
}
"""The kinds of jobs that become notifications."""


def as_told(notification: Notification) -> dict[str, Any]:
    """What a socket gets: the same as the list shows."""
    return {
        "id": notification.id,
        "kind": notification.kind,
        "subject_type": notification.subject_type,
        "subject_id": notification.subject_id,
        "position": notification.position,
        "actors": [
            {"user_id": one.user_id, "handle": one.handle, "display_name": one.display_name}
            for one in notification.actors
        ],
        "actor_count": notification.actor_count,
        "event_count": notification.event_count,
        "updated_at": notification.updated_at,
        "read": notification.read_at is not None,
    }


def _in_portions(group: Sequence[Job]) -> Iterator[list[Job]]:
    portion: list[Job] = []
    size = 0
    for job in group:
        weight = len(job.payload.get("user_ids", (job.subject_id,)))
        if portion and size + weight > AT_ONCE:
            yield portion
            portion, size = [], 0
        portion.append(job)
        size += weight
    if portion:
        yield portion
