"""Posts that are about to be claimed, many at once, and what holding makes of them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, func, insert, select, update

from domain.circuits import CircuitPlan, Sends
from domain.content import Content, PostContent
from domain.deliveries import DeliveryStatus
from domain.ids import new_id
from domain.lateness import NO_LATE_CHOICE, LateChoice
from domain.networks import Network
from domain.switches import HoldRules, Reach
from storage import posts
from storage.admission import Candidate, Refusal
from storage.database import Database
from storage.post_status import derive_post_statuses, lock_posts
from storage.posts import NewPosts, Post, PublishTime, TargetAccount
from storage.switches import board, circuits
from storage.switches.circuits import Outcome
from storage.switches.holding import held
from storage.switches.release import release
from storage.tables import AccountRow, DeliveryRow, HeldDeliveryRow, OutboxRow, WorkspaceRow

Refused = dict[UUID, Refusal]
"""By delivery."""

RULES = HoldRules(held_networks=frozenset(), circuits=CircuitPlan())


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


class Publishing:
    """Writes posts, asks whether they are held, defers those that are, and lets them go."""

    def __init__(self, database: Database, rules: HoldRules = RULES) -> None:
        """`rules` are the installation's."""
        self.database = database
        self.rules = rules

    async def workspace(self) -> UUID:
        """A new one."""
        async with self.database.transaction() as session:
            query = (
                insert(WorkspaceRow).values(id=new_id(), name="Bakery").returning(WorkspaceRow.id)
            )
            return (await session.scalars(query)).one()

    async def account(self, workspace_id: UUID, network: Network = Network.X) -> TargetAccount:
        """A new one."""
        async with self.database.transaction() as session:
            statement = insert(AccountRow).values(
                id=new_id(),
                workspace_id=workspace_id,
                network=network,
                remote_id=uuid4().hex,
                handle="bakery",
                display_name="Bakery",
                credentials=b"",
            )
            account_id = (await session.scalars(statement.returning(AccountRow.id))).one()
        return TargetAccount(account_id=account_id, network=network)

    async def write(
        self,
        workspace_id: UUID,
        *targets: TargetAccount,
        number: int = 1,
        priority: int = 3,
        late: LateChoice = NO_LATE_CHOICE,
        publish_at: datetime | None = None,
        status: DeliveryStatus = DeliveryStatus.ARMED,
    ) -> list[Post]:
        """So many posts, due now unless said otherwise, their deliveries armed."""
        made = [
            posts.draw_up(
                workspace_id=workspace_id,
                content=PostContent(base=Content(text="Fresh bread at 7")),
                targets=targets,
                publish_time=PublishTime(at=publish_at or now()),
                priority=priority,
                late=late,
                at=now(),
            )
            for _ in range(number)
        ]
        async with self.database.transaction() as session:
            await posts.accept(session, [NewPosts(posts=made, created_by=uuid4())])
            of_these = DeliveryRow.post_id.in_([post.id for post in made])
            await session.execute(update(DeliveryRow).where(of_these).values(status=status))
            await session.execute(delete(OutboxRow))
        return made

    async def claim(self, made: Sequence[Post], *, at: datetime | None = None) -> Refused:
        """What a claim of them is answered."""
        async with self.database.transaction() as session:
            await lock_posts(session, [post.id for post in made])
            return await held(session, candidates(made), at or now(), self.rules)

    async def ask(self, made: Sequence[Post], *, at: datetime | None = None) -> Refused:
        """The same, and what is refused is deferred, as by a worker."""
        refused = await self.claim(made, at=at)
        deferred = [
            {
                "id": delivery_id,
                "status": DeliveryStatus.DEFERRED,
                "deferred_until": refusal.until,
                "reason": refusal.reason.as_json(),
            }
            for delivery_id, refusal in refused.items()
        ]
        if deferred:
            async with self.database.transaction() as session:
                await session.execute(update(DeliveryRow), deferred)
                await derive_post_statuses(session, [post.id for post in made])
        return refused

    async def arm(self, made: Sequence[Post]) -> None:
        """As a worker does before it claims."""
        async with self.database.transaction() as session:
            await session.execute(
                update(DeliveryRow)
                .where(DeliveryRow.post_id.in_([post.id for post in made]))
                .values(status=DeliveryStatus.ARMED, deferred_until=None, reason=None)
            )

    async def hold(
        self,
        reach: Reach,
        subject: object = "",
        *,
        owner_id: UUID | None = None,
        until: datetime | None = None,
        at: datetime | None = None,
    ) -> None:
        """Put a switch in place."""
        async with self.database.transaction() as session:
            await board.hold(
                session,
                reach,
                str(subject),
                owner_id=owner_id,
                reason="Something is wrong.",
                held_by="operator Ada",
                now=at or now(),
                until=until,
            )

    async def lift(self, reach: Reach, subject: object = "", owner_id: UUID | None = None) -> bool:
        """Take it away."""
        async with self.database.transaction() as session:
            return await board.lift(
                session, reach, str(subject), owner_id=owner_id, lifted_by="operator Ada", now=now()
            )

    async def report(
        self,
        account: TargetAccount,
        *,
        failures: int = 0,
        successes: int = 0,
        at: datetime | None = None,
    ) -> None:
        """Tell the circuits how sends to an account went."""
        moment = at or now()
        sends = Sends(started_at=moment, failures=failures, successes=successes)
        outcome = Outcome(network=account.network, account_id=account.account_id, sends=sends)
        async with self.database.transaction() as session:
            await circuits.report(session, [outcome], moment, self.rules.circuits)

    async def fail_network(self, workspace_id: UUID, at: datetime | None = None) -> None:
        """Have enough accounts of X fail for its circuit to open."""
        for _ in range(2):
            await self.report(await self.account(workspace_id), failures=5, at=at)

    async def release(
        self, network: Network = Network.X, *, at: datetime, pace: float = 50.0
    ) -> int:
        """One release at that moment."""
        async with self.database.transaction() as session:
            return await release(session, network, at, rules=self.rules, pace=pace)

    async def resumed(self) -> list[UUID]:
        """The deliveries that relays were told to resume, in that order; told only once."""
        return await self.told("resume_deliveries")

    async def told(self, kind: str) -> list[UUID]:
        """The deliveries that relays were told that of, in that order; told only once."""
        query = delete(OutboxRow).where(OutboxRow.kind == kind).returning(OutboxRow)
        async with self.database.transaction() as session:
            rows = (await session.scalars(query)).all()
        ordered = sorted(rows, key=lambda row: row.id)
        return [UUID(one) for row in ordered for one in row.payload["deliveries"]]

    async def stored(self, post: Post) -> DeliveryRow:
        """The row of its first delivery."""
        query = select(DeliveryRow).where(DeliveryRow.id == post.deliveries[0].id)
        async with self.database.transaction() as session:
            return (await session.scalars(query)).one()

    async def count_held(self) -> int:
        """How many have a turn."""
        async with self.database.transaction() as session:
            return (await session.scalars(select(func.count()).select_from(HeldDeliveryRow))).one()


def deliveries(made: Iterable[Post]) -> list[UUID]:
    """The ids of their deliveries, in order."""
    return [one.id for post in made for one in post.deliveries]


def later(**units: float) -> datetime:
    """So long from now."""
    return now() + timedelta(**units)


def candidates(made: Sequence[Post]) -> list[Candidate]:
    """Their deliveries as claims."""
    return [
        Candidate(
            delivery_id=delivery.id,
            post_id=post.id,
            workspace_id=post.workspace_id,
            account_id=delivery.account_id,
            network=delivery.network,
            part=0,
            leaves_at=now(),
        )
        for post in made
        for delivery in post.deliveries
    ]
