"""What must hold at every moment, and what at the end."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.content import PartKind
from domain.deliveries import SETTLED, TRANSITIONS, DeliveryStatus, PostStatus, post_status
from storage import posts, timeline
from storage.contents import from_json
from storage.posts import Delivery, Post
from storage.tables import AttemptRow, DeliveryRow, DepartureRow, PostRevisionRow
from tests.state_machine.fallible_networks import Publication
from tests.state_machine.observed_moves import take_claims, take_moves

_MAY_BE_PUBLIC = frozenset(
    {
        DeliveryStatus.SENDING,
        DeliveryStatus.PUBLISHED,
        DeliveryStatus.UNCONFIRMED,
        DeliveryStatus.FAILED,
    }
)


class BrokenPromise(AssertionError):
    """Something happened that must never happen."""


@dataclass(kw_only=True)
class Accepted:
    """Everything that was answered with 200 or 201."""

    posts: dict[UUID, str] = field(default_factory=dict)
    """The word that each text of a post begins with."""
    texts: dict[UUID, dict[int, str]] = field(default_factory=dict)
    """By revision."""
    cancelled: set[UUID] = field(default_factory=set)
    """Deliveries."""


@dataclass(frozen=True, kw_only=True)
class Present:
    """Everything that is written down of an example's posts."""

    posts: Sequence[Post]
    revisions: dict[tuple[UUID, int], PostRevisionRow]
    delivery_rows: dict[UUID, DeliveryRow]
    attempts: Sequence[AttemptRow]
    unreleased: frozenset[UUID]
    """Departures whose requests must not have left."""
    stories: dict[UUID, list[str]]

    def deliveries(self) -> Iterable[tuple[Post, Delivery]]:
        """Each with its post."""
        for post in self.posts:
            for delivery in post.deliveries:
                yield post, delivery

    def attempt(self, attempt_id: UUID) -> AttemptRow:
        """The attempt that something public came from."""
        found = next((one for one in self.attempts if one.id == attempt_id), None)
        if found is None:
            raise BrokenPromise("something is public that was not written ahead")
        return found

    def text(self, delivery: Delivery, revision: int, part: int) -> str:
        """What that revision says there."""
        content = from_json(self.revisions[delivery.post_id, revision].content)
        return content.for_network(delivery.network).parts()[part].text

    def told(self, post_id: UUID) -> str:
        """The post's story."""
        return "\n".join(self.stories[post_id])


async def read_present(
    session: AsyncSession, workspace_id: UUID, post_ids: Sequence[UUID]
) -> Present:
    """As it stands."""
    found = [await posts.get(session, workspace_id, post_id) for post_id in post_ids]
    ours = DeliveryRow.post_id.in_(post_ids)
    revisions = select(PostRevisionRow).where(PostRevisionRow.post_id.in_(post_ids))
    attempts = select(AttemptRow).join(DeliveryRow, DeliveryRow.id == AttemptRow.delivery_id)
    unreleased = select(DepartureRow.id).where(DepartureRow.released_at.is_(None))
    return Present(
        posts=[post for post in found if post is not None],
        revisions={
            (row.post_id, row.revision): row for row in (await session.scalars(revisions)).all()
        },
        delivery_rows={
            row.id: row for row in (await session.scalars(select(DeliveryRow).where(ours))).all()
        },
        attempts=(await session.scalars(attempts.where(ours).order_by(AttemptRow.id))).all(),
        unreleased=frozenset((await session.scalars(unreleased)).all()),
        stories={post_id: await _story(session, post_id) for post_id in post_ids},
    )


async def check_moves(session: AsyncSession) -> None:
    """Each change of a status was legal, each claim that of the post's current revision."""
    for move in await take_moves(session):
        if move.after not in TRANSITIONS[move.before]:
            raise BrokenPromise(f"{move.delivery_id} became {move.after} from {move.before}")
    for claim in await take_claims(session):
        if claim.revision != claim.current:
            raise BrokenPromise(f"revision {claim.revision} was claimed, not {claim.current}")
        if claim.status is not DeliveryStatus.SENDING:
            raise BrokenPromise(f"an attempt was made of a delivery that is {claim.status}")


def check_always(present: Present, accepted: Accepted, public: Sequence[Publication]) -> None:
    """What holds at every moment."""
    _check_once(present, accepted, public)
    _check_sources(present, public)
    _check_cancelled(present, accepted, public)
    _check_revisions(present, accepted)
    _check_statuses(present)
    _check_attempts(present)
    _check_departures(present, public)


def check_end(present: Present, public: Sequence[Publication]) -> None:
    """What holds when every fault is over and time has passed."""
    for post, delivery in present.deliveries():
        if delivery.publish_at is None:
            continue
        story = present.told(post.id)
        if delivery.status not in SETTLED:
            raise BrokenPromise(f"{delivery.network} is {delivery.status} for ever:\n{story}")
        needs_reason = delivery.status in {DeliveryStatus.FAILED, DeliveryStatus.UNCONFIRMED}
        if needs_reason and not delivery.reason:
            raise BrokenPromise(f"{delivery.network} is {delivery.status} without a reason")
        if delivery.status is DeliveryStatus.PUBLISHED:
            _check_complete(present, delivery, public)
    _check_known(present, public)


def _check_once(present: Present, accepted: Accepted, public: Sequence[Publication]) -> None:
    ours = [one for one in public if one.place[1] in accepted.posts.values()]
    for place, times in Counter(one.place for one in ours).items():
        if times > 1:
            post_id = next(key for key, word in accepted.posts.items() if word == place[1])
            raise BrokenPromise(f"public {times} times: {place}\n{present.told(post_id)}")


def _check_sources(present: Present, public: Sequence[Publication]) -> None:
    """What is public has the text of its attempt's revision, and a delivery that can explain it."""
    by_id = {delivery.id: delivery for _, delivery in present.deliveries()}
    for one in public:
        attempt = present.attempt(one.attempt_id)
        delivery = by_id[attempt.delivery_id]
        story = present.told(delivery.post_id)
        if one.text != present.text(delivery, attempt.revision, attempt.part):
            raise BrokenPromise(f"{one.text!r} is not revision {attempt.revision}:\n{story}")
        waits_for_more = delivery.remote_id is not None or attempt.outcome is None
        if delivery.status not in _MAY_BE_PUBLIC and not waits_for_more:
            raise BrokenPromise(f"public, and {delivery.status}:\n{story}")


def _check_cancelled(present: Present, accepted: Accepted, public: Sequence[Publication]) -> None:
    published_from = {present.attempt(one.attempt_id).delivery_id for one in public}
    for post, delivery in present.deliveries():
        if delivery.id in accepted.cancelled and delivery.status is not DeliveryStatus.CANCELLED:
            raise BrokenPromise(f"cancelled, and now {delivery.status}:\n{present.told(post.id)}")
        if delivery.status is DeliveryStatus.CANCELLED and delivery.id in published_from:
            raise BrokenPromise(f"cancelled, and public:\n{present.told(post.id)}")


def _check_revisions(present: Present, accepted: Accepted) -> None:
    for post_id, texts in accepted.texts.items():
        kept = {
            revision: from_json(row.content).base.text
            for (of, revision), row in present.revisions.items()
            if of == post_id
        }
        if not texts.items() <= kept.items():
            raise BrokenPromise(f"of {texts} only {kept} was kept")


def _check_statuses(present: Present) -> None:
    for post in present.posts:
        derived = post_status(one.status for one in post.current_deliveries)
        if post.publish_time is None and derived is PostStatus.SCHEDULED:
            derived = PostStatus.DRAFT
        if post.status is not derived:
            raise BrokenPromise(f"the post is {post.status}, its deliveries make it {derived}")


def _check_attempts(present: Present) -> None:
    unanswered = [one for one in present.attempts if one.outcome is None]
    if len({(one.root_id, one.part) for one in unanswered}) != len(unanswered):
        raise BrokenPromise("two attempts of one part are open")
    for one in unanswered:
        status = present.delivery_rows[one.delivery_id].status
        if status is not DeliveryStatus.SENDING:
            raise BrokenPromise(f"an attempt is open of a delivery that is {status}")


def _check_departures(present: Present, public: Sequence[Publication]) -> None:
    """What was never released never left, and nobody is asked about it."""
    for one in public:
        attempt = present.attempt(one.attempt_id)
        if attempt.departure_id in present.unreleased:
            raise BrokenPromise(f"public, and never released: {one.place}")
    for attempt in present.attempts:
        if attempt.departure_id in present.unreleased and attempt.outcome == "unconfirmed":
            post_id = present.delivery_rows[attempt.delivery_id].post_id
            raise BrokenPromise(f"unconfirmed, and never released:\n{present.told(post_id)}")


def _check_complete(present: Present, delivery: Delivery, public: Sequence[Publication]) -> None:
    """Everything of a published delivery is public, or it says what is not."""
    row = present.delivery_rows[delivery.id]
    word = present.text(delivery, row.revision, 0).partition(" ")[0]
    there = {one.part for one in public if one.place[:2] == (delivery.account_id, word)}
    content = from_json(present.revisions[delivery.post_id, row.revision].content)
    for part in content.for_network(delivery.network).parts():
        told = part.kind is PartKind.COMMENT and delivery.reason
        resolved = (delivery.reason or {}).get("type") == "resolved" and part.index > 0
        if part.index not in there and not told and not resolved:
            story = present.told(delivery.post_id)
            raise BrokenPromise(f"published, and part {part.index} is missing:\n{story}")


def _check_known(present: Present, public: Sequence[Publication]) -> None:
    """Nothing is public of which we believe that it is not."""
    known = {
        (one.root_id, one.part)
        for one in present.attempts
        if one.outcome in {"published", "unconfirmed"}
    }
    for one in public:
        attempt = present.attempt(one.attempt_id)
        if (attempt.root_id, attempt.part) not in known:
            post_id = present.delivery_rows[attempt.delivery_id].post_id
            raise BrokenPromise(f"public, and not known to be:\n{present.told(post_id)}")


async def _story(session: AsyncSession, post_id: UUID) -> list[str]:
    events = await timeline.list_by_post(session, post_id, limit=200)
    return [f"  {one.event} {str(one.delivery_id)[-4:]} {dict(one.details)}" for one in events]
