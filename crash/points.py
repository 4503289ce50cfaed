"""The named moments in the life of a post at which something may die."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Process(StrEnum):
    """The part of the stack that passes a point."""

    API = "api"
    WORKER = "worker"


class Point(StrEnum):
    """From the request of a client to the last thing that is written down."""

    API_BEFORE_COMMIT = "api-before-commit"
    API_COMMITTED = "api-committed"
    RELAY_LEASED = "relay-leased"
    BEFORE_START = "before-start"
    STARTED = "started"
    RELAY_DONE = "relay-done"
    UPDATE_LEASED = "update-leased"
    BEFORE_UPDATE = "before-update"
    UPDATED = "updated"
    UPLOADED = "uploaded"
    PREPARED = "prepared"
    ARMED = "armed"
    BEFORE_CLAIM = "before-claim"
    CLAIMED = "claimed"
    SEATED = "seated"
    BEFORE_DEPARTURE = "before-departure"
    CLAIMED_TOGETHER = "claimed-together"
    BEFORE_RELEASE = "before-release"
    RELEASED = "released"
    BEFORE_REVOKE = "before-revoke"
    REVOKED = "revoked"
    SENDING = "sending"
    ANSWERED = "answered"
    RECORDED = "recorded"


@dataclass(frozen=True, kw_only=True, slots=True)
class PointFacts:
    """What the harness has to know of a point."""

    process: Process
    told: str
    lead: float = 0.0
    """Seconds from the request to the publish time; 0: publish now."""
    by_delivery: bool = False
    """Whether each delivery passes it, and not the whole post once."""
    with_media: bool = False
    """Whether only deliveries that have something to prepare pass it."""
    is_update: bool = False
    """Whether only posts pass it that are moved or cancelled."""
    holds: bool = True
    """Whether the process stands there; it cannot while its request is on the way."""
    in_crowd: bool = False
    """Whether only what is claimed ahead of its second passes it."""
    in_turn: bool = False
    """Whether departures pass it one after the other: while one stands there no other comes."""
    after: Point | None = None
    """Where the worker has to be struck first, so that another comes to this point."""


_API = Process.API
_WORKER = Process.WORKER


def _departing(told: str, *, in_turn: bool) -> PointFacts:
    return PointFacts(
        process=_WORKER, told=told, lead=3.0, by_delivery=True, in_crowd=True, in_turn=in_turn
    )


def _revoking(told: str) -> PointFacts:
    return PointFacts(
        process=_WORKER,
        told=told,
        lead=3.0,
        by_delivery=True,
        in_crowd=True,
        after=Point.BEFORE_RELEASE,
    )


FACTS: Mapping[Point, PointFacts] = MappingProxyType(
    {
        Point.API_BEFORE_COMMIT: PointFacts(process=_API, told="post inserted, not committed"),
        Point.API_COMMITTED: PointFacts(process=_API, told="committed, not answered"),
        Point.RELAY_LEASED: PointFacts(process=_WORKER, told="outbox row leased"),
        Point.BEFORE_START: PointFacts(process=_WORKER, told="about to start the workflow"),
        Point.STARTED: PointFacts(process=_WORKER, told="workflow started, outbox row still there"),
        Point.RELAY_DONE: PointFacts(process=_WORKER, told="outbox row removed"),
        Point.UPDATE_LEASED: PointFacts(
            process=_WORKER, told="outbox row of a change leased", lead=10.0, is_update=True
        ),
        Point.BEFORE_UPDATE: PointFacts(
            process=_WORKER, told="about to update the workflow", lead=10.0, is_update=True
        ),
        Point.UPDATED: PointFacts(
            process=_WORKER, told="workflow updated, outbox row there", lead=10.0, is_update=True
        ),
        Point.UPLOADED: PointFacts(
            process=_WORKER,
            told="the network has the media, nobody wrote it down",
            lead=6.0,
            by_delivery=True,
            with_media=True,
        ),
        Point.PREPARED: PointFacts(
            process=_WORKER,
            told="what was prepared is kept",
            lead=6.0,
            by_delivery=True,
            with_media=True,
        ),
        Point.ARMED: PointFacts(
            process=_WORKER, told="armed, waiting for the second", lead=3.5, by_delivery=True
        ),
        Point.BEFORE_CLAIM: PointFacts(
            process=_WORKER, told="the second has come", lead=3.0, by_delivery=True
        ),
        Point.CLAIMED: PointFacts(
            process=_WORKER, told="attempt committed, request not sent", lead=3.0, by_delivery=True
        ),
        Point.SEATED: PointFacts(
            process=_WORKER,
            told="armed and booked, not claimed yet",
            lead=3.5,
            by_delivery=True,
            holds=False,
            in_crowd=True,
        ),
        Point.BEFORE_DEPARTURE: _departing("about to be claimed ahead of its second", in_turn=True),
        Point.CLAIMED_TOGETHER: _departing("claimed ahead of its second", in_turn=True),
        Point.BEFORE_RELEASE: _departing("the second has come, not released", in_turn=False),
        Point.RELEASED: _departing("released, request not sent", in_turn=False),
        Point.BEFORE_REVOKE: _revoking("found unreleased, not revoked"),
        Point.REVOKED: _revoking("revoked, not claimed anew"),
        Point.SENDING: PointFacts(
            process=_WORKER,
            told="the request is on its way",
            lead=3.0,
            by_delivery=True,
            holds=False,
        ),
        Point.ANSWERED: PointFacts(
            process=_WORKER, told="public, receipt not recorded", lead=3.0, by_delivery=True
        ),
        Point.RECORDED: PointFacts(
            process=_WORKER, told="receipt recorded, Temporal not told", lead=3.0, by_delivery=True
        ),
    }
)
