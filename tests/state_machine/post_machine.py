"""Authors, networks, crashes and time, in any order, against the running system."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from api.deliveries.schemas import SendAgain, WasPublished
from api.posts.problems import ChangedMeanwhile
from api.posts.schemas import PostAccepted
from api.posts.wanted_schemas import PostChange, PostWanted
from api.problems import Conflict, Problem
from domain.deliveries import SETTLED, DeliveryStatus
from domain.networks import Network
from domain.policies import AmbiguityPolicy
from storage import outbox
from storage.posts import Delivery, Post
from tests.state_machine.fallible_networks import Mishap, Publication
from tests.state_machine.promises import (
    Accepted,
    BrokenPromise,
    check_always,
    check_end,
    check_moves,
    read_present,
)
from tests.state_machine.publishing_system import ARM_LEAD, LoopThread, PublishingSystem
from tests.state_machine.sudden_death import Point
from workflows.publish_post import JITTER

MOST_POSTS = 3
EARLIER = timedelta(minutes=1)
LATER = timedelta(minutes=45)
LONG = timedelta(hours=2)
"""Later than everything that an example plans."""
SOON = timedelta(milliseconds=20)


class Decision(StrEnum):
    """What people do to a post that waits."""

    EDIT = "edit"
    EDIT_UNSEEN = "edit without having seen the last edit"
    EDIT_BOTH = "two edit at once"
    EARLIER = "earlier"
    LATER = "later"
    UNSCHEDULE = "a draft again"
    RETARGET = "to one account alone"
    TO_ALL = "to all accounts"
    NOW = "now"
    CANCEL = "cancel"
    CANCEL_ONE = "cancel one delivery"


ALL = (Network.INSTAGRAM, Network.MASTODON, Network.X)
decisions = st.sampled_from(Decision)
ahead = st.sampled_from([1, 2, 5, 30]).map(lambda minutes: timedelta(minutes=minutes))
which = st.integers(min_value=0, max_value=MOST_POSTS * 4)
networks = st.sampled_from(ALL)
targets = st.sets(networks, min_size=1).map(sorted)
relayed = st.sampled_from([True, True, True, False])
mishaps = st.lists(st.sampled_from(Mishap), max_size=3)
deaths = st.one_of(
    st.lists(st.sampled_from([one for one in Point if one is not Point.TOLD]), max_size=3),
    st.sampled_from([Point.CLAIMED, Point.SENT, Point.LOOKED]).map(lambda point: [point] * 3),
)
spans = st.sampled_from([2, 8, 40, 130, 360, 1860]).map(lambda one: timedelta(seconds=one))

Command = Callable[[], Awaitable[None]]


class PostMachine(RuleBasedStateMachine):
    """One workspace's life.

    What can be done now is decided inside the rules, and not by preconditions: for the same choices
    the system may be a moment further, and the choices that follow have to stay the same.
    """

    broken: ClassVar[list[BrokenPromise]]
    """What was found: the same choices need not break the same promise at the same step again."""
    _system: ClassVar[PublishingSystem]
    _loop: ClassVar[LoopThread]

    def __init__(self) -> None:
        """A new workspace in the running system."""
        super().__init__()
        self._tenancy = self._loop.run(self._system.open_workspace())
        self._accepted = Accepted()
        self._writings = 0

    @initialize(
        policy=st.sampled_from(AmbiguityPolicy),
        after=st.none() | ahead,
        parts=st.booleans(),
        met=st.fixed_dictionaries(dict.fromkeys(ALL, mishaps)),
        deaths=deaths,
        crowd=st.booleans(),
    )
    def begin(
        self,
        policy: AmbiguityPolicy,
        after: timedelta | None,
        parts: bool,
        met: dict[Network, list[Mishap]],
        deaths: list[Point],
        crowd: bool,
    ) -> None:
        """A first post to all networks, some of which will fail; alone, or as if in a crowd."""
        self._system.claim_ahead(everything=crowd)
        self._loop.run(self._tenancy.author.decide(policy))
        for network, ahead_of_it in met.items():
            self._system.networks[network].mishaps.extend(ahead_of_it)
        self._system.fate.planned.extend(deaths)
        self.create(to=sorted(self._tenancy.accounts), after=after, parts=parts, relay=True)

    @precondition(lambda self: len(self._accepted.posts) < MOST_POSTS)
    @rule(to=targets, after=st.none() | ahead, parts=st.booleans(), relay=relayed)
    def create(
        self, to: Sequence[Network], after: timedelta | None, parts: bool, relay: bool
    ) -> None:
        """A post, due after a while or now; the request comes twice."""
        word = uuid4().hex[:8]
        wanted = PostWanted(
            **self._written(word, parts),
            targets=[self._tenancy.accounts[one] for one in to],
            publish_at=self._time(after) if after else "now",
        )
        key = uuid4().hex

        async def create() -> None:
            first, second = await asyncio.gather(
                self._system.posts.create(self._tenancy.caller, wanted, key),
                self._system.posts.create(self._tenancy.caller, wanted, key),
            )
            if first != second:
                raise BrokenPromise("one key made two posts")
            self._accepted.posts[first.id] = word
            self._accepted.texts[first.id] = {1: wanted.text}

        self._run(self._decide(create, relay=relay))

    @rule(which=which, decision=decisions, relay=relayed)
    def change(self, which: int, decision: Decision, relay: bool) -> None:
        """Somebody decides otherwise."""
        self._run(self._decide(self._command(decision, which), relay=relay))

    @rule(
        which=which,
        decision=decisions,
        delay=st.sampled_from([0, 4, 8, 12, 20]),
        relay=relayed,
    )
    def change_at_the_second(self, which: int, decision: Decision, delay: int, relay: bool) -> None:
        """Somebody decides otherwise while the post leaves."""

        async def both() -> None:
            await self._arm()
            leaving = self._system.pass_until(self._system.time() + ARM_LEAD)
            deciding = self._decide(self._command(decision, which), relay=relay, after=delay / 1000)
            await asyncio.gather(leaving, deciding)

        self._run(both())

    @rule(which=which, relay=relayed)
    def try_again(self, which: int, relay: bool) -> None:
        """What failed goes out once more; of what is unconfirmed a person says what is there."""
        self._run(self._decide(lambda: self._try_again(which), relay=relay))

    @rule(twice=st.booleans(), end_leases=st.booleans())
    def run_relay(self, twice: bool, end_leases: bool) -> None:
        """One relay, or two at once."""

        async def run() -> None:
            if end_leases:
                await self._system.end_leases()
            await asyncio.gather(*(self._system.run_relay() for _ in range(1 + twice)))

        self._loop.run(run())

    @rule(told=st.booleans())
    def relay_dies(self, told: bool) -> None:
        """With what it leased, before or after Temporal was told."""
        if told:
            self._system.fate.planned.append(Point.TOLD)
            self._loop.run(self._system.run_relay())
            self._system.fate.spare_relays()
        else:
            self._loop.run(self._system.lease_and_die())

    @rule(
        points=st.lists(
            st.sampled_from([one for one in Point if one is not Point.TOLD]), min_size=1, max_size=3
        )
    )
    def worker_will_die(self, points: list[Point]) -> None:
        """Whoever gets there first."""
        self._system.fate.planned.extend(points)

    @rule(network=networks, mishaps=mishaps)
    def network_will_fail(self, network: Network, mishaps: list[Mishap]) -> None:
        """Its next sends."""
        self._system.networks[network].mishaps.extend(mishaps)

    @rule(time=st.sampled_from([2, 8, 40, 130, 360, 1860]).map(lambda one: timedelta(seconds=one)))
    def pass_time(self, time: timedelta) -> None:
        """Seconds or minutes; then what was postponed may be done."""

        async def run() -> None:
            await self._system.pass_until(self._system.time() + time)
            if time > timedelta(minutes=1):
                await self._system.end_leases()

        self._loop.run(run())

    @rule()
    def arm(self) -> None:
        """Time passes until the next post is armed, and stops there."""
        self._run(self._arm())

    @invariant()
    def promises_hold(self) -> None:
        """At every moment."""
        self._run(self._check(at_end=False))

    def teardown(self) -> None:
        """Faults end, time passes: everything is settled, and everything still holds."""
        try:
            self._run(self._finish())
        finally:
            self._loop.run(self._clean_up())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            self._loop.run(work)
        except BrokenPromise as error:
            self.broken.append(error)
            raise

    async def _finish(self) -> None:
        self._system.fate.planned.clear()
        for network in self._system.networks.values():
            network.forget_mishaps()
        for _ in range(6):
            await self._system.end_leases()
            await self._system.run_relay()
            await self._system.pass_until(self._system.time() + LONG)
            if await self._is_settled():
                break
        await self._check(at_end=True)
        if running := await self._system.running_workflows(await self._posts()):
            raise BrokenPromise(f"workflows that never end: {running}")

    async def _clean_up(self) -> None:
        await self._system.clear(await self._posts())

    async def _is_settled(self) -> bool:
        async with self._system.database.transaction() as session:
            if await outbox.backlog(session):
                return False
        return all(
            one.status in SETTLED or one.publish_at is None
            for post in await self._posts()
            for one in post.deliveries
        )

    async def _check(self, *, at_end: bool) -> None:
        accounts = set(self._tenancy.accounts.values())
        async with self._system.database.transaction() as session:
            # Workers go on meanwhile: everything is to be read as it stood at one moment.
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            # What is public now was written ahead before: so it is read first.
            public = [one for one in self._public() if one.account_id in accounts]
            present = await read_present(
                session, self._tenancy.caller.workspace_id, list(self._accepted.posts)
            )
            await check_moves(session)
        check_always(present, self._accepted, public)
        if at_end:
            check_end(present, public)

    async def _posts(self) -> list[Post]:
        return [
            await self._system.posts.read(self._tenancy.caller, post_id)
            for post_id in self._accepted.posts
        ]

    def _public(self) -> list[Publication]:
        return [one for network in self._system.networks.values() for one in network.public]

    async def _decide(self, command: Command, *, relay: bool, after: float = 0) -> None:
        """Carry it out, if nothing stands against it; a conflict is an answer too."""
        await asyncio.sleep(after)
        with contextlib.suppress(Conflict, ChangedMeanwhile):
            await command()
        if relay:
            await self._system.run_relay()

    def _command(self, decision: Decision, which: int) -> Command:
        post_id = list(self._accepted.posts)[which % len(self._accepted.posts)]
        account = list(self._tenancy.accounts.values())[which % len(self._tenancy.accounts)]
        commands: dict[Decision, Command] = {
            Decision.EDIT: lambda: self._edit(post_id, parts=True),
            Decision.EDIT_UNSEEN: lambda: self._edit(post_id, parts=False, stale=True),
            Decision.EDIT_BOTH: lambda: self._edit_both(post_id),
            Decision.EARLIER: lambda: self._change(post_id, publish_at=self._time(EARLIER)),
            Decision.LATER: lambda: self._change(post_id, publish_at=self._time(LATER)),
            Decision.UNSCHEDULE: lambda: self._change(post_id, publish_at=None),
            Decision.RETARGET: lambda: self._change(post_id, targets=[account]),
            Decision.TO_ALL: lambda: self._change(
                post_id, targets=list(self._tenancy.accounts.values())
            ),
            Decision.NOW: lambda: self._publish_now(post_id),
            Decision.CANCEL: lambda: self._cancel(post_id),
            Decision.CANCEL_ONE: lambda: self._cancel_delivery(post_id, which),
        }
        return commands[decision]

    async def _edit(self, post_id: UUID, *, parts: bool, stale: bool = False) -> None:
        post = await self._system.posts.read(self._tenancy.caller, post_id)
        change = PostChange(**self._written(self._accepted.posts[post_id], parts))
        seen = post.revision - stale
        try:
            changed = await self._system.changes.change(self._tenancy.caller, post_id, change, seen)
        except ChangedMeanwhile:
            return
        if stale:
            raise BrokenPromise("somebody's words were written over unseen")
        self._accepted.texts[post_id][changed.revision] = change.text

    async def _edit_both(self, post_id: UUID) -> None:
        post = await self._system.posts.read(self._tenancy.caller, post_id)
        word = self._accepted.posts[post_id]
        wanted = [PostChange(**self._written(word, parts)) for parts in (True, False)]
        answers = await asyncio.gather(
            *(
                self._system.changes.change(self._tenancy.caller, post_id, one, post.revision)
                for one in wanted
            ),
            return_exceptions=True,
        )
        for change, answer in zip(wanted, answers, strict=True):
            if isinstance(answer, PostAccepted):
                self._accepted.texts[post_id][answer.revision] = change.text
            elif not isinstance(answer, Problem):
                raise answer
        if sum(isinstance(answer, PostAccepted) for answer in answers) > 1:
            raise BrokenPromise("two edits of one revision were accepted")

    async def _change(self, post_id: UUID, **fields: Any) -> None:
        post = await self._system.posts.read(self._tenancy.caller, post_id)
        change = PostChange(**fields)
        changed = await self._system.changes.change(
            self._tenancy.caller, post_id, change, post.revision
        )
        self._accepted.texts[post_id][changed.revision] = changed.text

    async def _publish_now(self, post_id: UUID) -> None:
        await self._system.changes.publish_now(self._tenancy.caller, post_id)

    async def _cancel(self, post_id: UUID) -> None:
        post = await self._system.changes.cancel(self._tenancy.caller, post_id)
        self._accepted.cancelled.update(one.id for one in post.current_deliveries)

    async def _cancel_delivery(self, post_id: UUID, which: int) -> None:
        post = await self._system.posts.read(self._tenancy.caller, post_id)
        chosen = post.current_deliveries[which % len(post.current_deliveries)]
        await self._system.deliveries.cancel(self._tenancy.caller, chosen.id)
        self._accepted.cancelled.add(chosen.id)

    async def _try_again(self, which: int) -> None:
        ended = [
            one
            for post in await self._posts()
            for one in post.current_deliveries
            if one.status in {DeliveryStatus.FAILED, DeliveryStatus.UNCONFIRMED}
        ]
        if not ended:
            return
        chosen = ended[which % len(ended)]
        if chosen.status is DeliveryStatus.FAILED:
            await self._system.deliveries.retry(self._tenancy.caller, chosen.id)
        else:
            await self._resolve(chosen)

    async def _resolve(self, delivery: Delivery) -> None:
        attempts = await self._tenancy.author.attempts(delivery.id)
        part = next(one.part for one in attempts if one.outcome == "unconfirmed")
        word = self._accepted.posts[delivery.post_id]
        found = [one for one in self._public() if one.place == (delivery.account_id, word, part)]
        resolution = (
            WasPublished.model_validate(
                {"outcome": "published", "permalink": found[0].receipt.permalink}
            )
            if found
            else SendAgain(outcome="send_again")
        )
        await self._system.deliveries.resolve(self._tenancy.caller, delivery.id, resolution)

    async def _arm(self) -> None:
        """Go on to when the next post is dispatched, as its workflow reckons."""
        if self._system.time.is_armed:
            return
        now = self._system.time()
        moments = [
            post.publish_time.at - ARM_LEAD * (1 - JITTER * (post.id.int & 0xFFFF) / 0x10000)
            for post in await self._posts()
            if post.publish_time is not None
            and any(one.status not in SETTLED for one in post.current_deliveries)
        ]
        if moment := min((one for one in moments if one > now), default=None):
            await self._system.pass_until(moment + SOON)

    def _time(self, after: timedelta) -> str:
        return (self._system.time() + after).isoformat()

    def _written(self, word: str, parts: bool) -> dict[str, Any]:
        """New words on every network, and what only some of them take."""
        self._writings += 1
        said = f"{word} says its words no. {self._writings}"
        more: dict[str, Any] = {"thread": [{"text": f"{said}, and more"}]} if parts else {}
        comment = {"first_comment": f"{said}, and a comment"} if parts else {}
        return {
            "text": said,
            "variants": {
                Network.X: more,
                Network.MASTODON: more,
                Network.INSTAGRAM: {"media": [{"media_id": self._tenancy.picture}], **comment},
            },
        }


def machine_of(system: PublishingSystem, loop: LoopThread) -> type[PostMachine]:
    """The machine that drives that system."""

    class Machine(PostMachine):
        """Of one system."""

        broken: ClassVar[list[BrokenPromise]] = []
        _system = system
        _loop = loop

    return Machine
