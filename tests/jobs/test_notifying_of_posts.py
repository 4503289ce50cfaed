"""How scheduled posts and accounts fare becomes notifications for those whose they are."""

from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

import pytest
from sqlalchemy import insert

from domain.deliveries import DeliveryStatus, PostStatus
from domain.ids import new_id
from domain.networks import Network
from domain.notifications import NotificationKind, SubjectType
from domain.roles import WorkspaceRole
from jobs.handling import JobKind
from realtime.bus import LiveBus
from storage.database import Database
from storage.notifications import deciding
from storage.notifications.deciding import account_needs_reconnecting, delivery_settled
from storage.tables import (
    AccountRow,
    DeliveryRow,
    MembershipRow,
    PostRevisionRow,
    PostRow,
)
from tests.conftest import NewTenant, Tenant
from tests.jobs.conftest import NewUsers
from tests.jobs.told import Heard, Told
from tests.sent_statements import sent_to

PUBLISHED, FAILED = DeliveryStatus.PUBLISHED, DeliveryStatus.FAILED
NOW = datetime.now(UTC)


@pytest.fixture
def told(database: Database, monkeypatch: pytest.MonkeyPatch) -> Told:
    """What people are told, without waiting for more."""
    monkeypatch.setattr(deciding, "GATHERED", timedelta(0))
    return Told(database, cast("LiveBus", Heard()))


class Bakery:
    """A workspace with members, accounts and posts, straight in the tables."""

    def __init__(self, database: Database, tenant: Tenant) -> None:
        """Nobody is a member yet."""
        self._database = database
        self.tenant = tenant

    async def join(self, user_id: UUID, role: WorkspaceRole) -> None:
        """Become a member."""
        async with self._database.transaction() as session:
            await session.execute(
                insert(MembershipRow).values(
                    id=new_id(), workspace_id=self.tenant.id, user_id=user_id, role=str(role)
                )
            )

    async def connect(self) -> UUID:
        """An account."""
        account_id = new_id()
        async with self._database.transaction() as session:
            await session.execute(
                insert(AccountRow).values(
                    id=account_id,
                    workspace_id=self.tenant.id,
                    network=Network.X,
                    remote_id=account_id.hex,
                    handle="bakery",
                    display_name="Bakery",
                    credentials=b"",
                )
            )
        return account_id

    async def write(self, created_by: UUID | None, *accounts: UUID) -> list[UUID]:
        """A post to those accounts; its deliveries."""
        post_id, ids = new_id(), [new_id() for _ in accounts]
        same = {"workspace_id": self.tenant.id, "publish_at": NOW}
        async with self._database.transaction() as session:
            await session.execute(
                insert(PostRow).values(id=post_id, status=PostStatus.SCHEDULED, **same)
            )
            await session.execute(
                insert(PostRevisionRow).values(
                    post_id=post_id, revision=1, content={}, created_by=created_by
                )
            )
            await session.execute(
                insert(DeliveryRow),
                [
                    {
                        "id": delivery_id,
                        "root_id": delivery_id,
                        "post_id": post_id,
                        "account_id": account_id,
                        "network": Network.X,
                        "status": PUBLISHED,
                        "revision": 1,
                        **same,
                    }
                    for delivery_id, account_id in zip(ids, accounts, strict=True)
                ],
            )
        return ids

    async def settle(self, *settled: tuple[UUID, DeliveryStatus]) -> None:
        """Deliveries end."""
        async with self._database.transaction() as session:
            await delivery_settled(session, settled)


@pytest.fixture
def bakery(database: Database, workspace: Tenant) -> Bakery:
    """Where posts are scheduled."""
    return Bakery(database, workspace)


async def test_who_wrote_a_post_hears_how_it_ended_in_one_notification(
    told: Told, bakery: Bakery, new_users: NewUsers
) -> None:
    author, owner = await new_users(2)
    await bakery.join(author, WorkspaceRole.EDITOR)
    await bakery.join(owner, WorkspaceRole.OWNER)
    accounts = [await bakery.connect() for _ in range(4)]
    first, second, third, fourth = await bakery.write(author, *accounts)
    await bakery.settle((first, PUBLISHED), (second, PUBLISHED))
    await told.happen(JobKind.DELIVERY_SETTLED)
    await bakery.settle((third, FAILED), (fourth, DeliveryStatus.UNCONFIRMED))
    await bakery.settle((second, PUBLISHED))
    await told.happen(JobKind.DELIVERY_SETTLED)
    shown = {one.kind: one for one in await told.seen_by(author)}
    assert set(shown) == {
        NotificationKind.POST_PUBLISHED,
        NotificationKind.POST_FAILED,
        NotificationKind.POST_UNCONFIRMED,
    }
    published = shown[NotificationKind.POST_PUBLISHED]
    assert published.subject_type is SubjectType.POST
    assert (published.event_count, published.actor_count, published.actors) == (2, 0, ())
    assert await told.seen_by(owner) == []


async def test_a_post_that_no_member_wrote_is_told_to_all_who_may_write(
    told: Told, bakery: Bakery, new_users: NewUsers
) -> None:
    owner, editor, viewer, stranger = await new_users(4)
    await bakery.join(owner, WorkspaceRole.OWNER)
    await bakery.join(editor, WorkspaceRole.EDITOR)
    await bakery.join(viewer, WorkspaceRole.VIEWER)
    account = await bakery.connect()
    for created_by in (None, stranger):
        (delivery,) = await bakery.write(created_by, account)
        await bakery.settle((delivery, PUBLISHED))
    await told.happen(JobKind.DELIVERY_SETTLED)
    assert [await told.unread_by(one) for one in (owner, editor, viewer, stranger)] == [2, 2, 0, 0]


async def test_another_workspace_hears_nothing(
    told: Told, bakery: Bakery, new_users: NewUsers, new_tenant: NewTenant, database: Database
) -> None:
    owner, rival = await new_users(2)
    await bakery.join(owner, WorkspaceRole.OWNER)
    await Bakery(database, await new_tenant("Rival")).join(rival, WorkspaceRole.OWNER)
    account = await bakery.connect()
    (delivery,) = await bakery.write(None, account)
    await bakery.settle((delivery, PUBLISHED))
    async with database.transaction() as session:
        await account_needs_reconnecting(session, account)
    await told.happen(JobKind.DELIVERY_SETTLED)
    await told.happen(JobKind.ACCOUNT_RECONNECT)
    assert await told.unread_by(owner) == 2
    assert await told.unread_by(rival) == 0


async def test_who_cancels_a_post_knows_it(told: Told, bakery: Bakery, new_users: NewUsers) -> None:
    (owner,) = await new_users(1)
    await bakery.join(owner, WorkspaceRole.OWNER)
    (delivery,) = await bakery.write(owner, await bakery.connect())
    await bakery.settle((delivery, DeliveryStatus.CANCELLED))
    await told.happen(JobKind.DELIVERY_SETTLED)
    assert await told.seen_by(owner) == []


async def test_an_account_that_breaks_again_is_told_again(
    told: Told, bakery: Bakery, new_users: NewUsers, database: Database
) -> None:
    (owner,) = await new_users(1)
    await bakery.join(owner, WorkspaceRole.OWNER)
    account = await bakery.connect()
    for _ in range(2):
        async with database.transaction() as session:
            await account_needs_reconnecting(session, account)
        await told.happen(JobKind.ACCOUNT_RECONNECT)
    (shown,) = await told.seen_by(owner)
    assert (shown.subject_type, shown.subject_id) == (SubjectType.ACCOUNT, account)
    assert shown.event_count == 2


async def test_a_burst_costs_no_more_statements_than_one_outcome(
    told: Told, bakery: Bakery, new_users: NewUsers, database: Database
) -> None:
    (owner,) = await new_users(1)
    await bakery.join(owner, WorkspaceRole.OWNER)
    account = await bakery.connect()

    async def cost(number: int) -> int:
        settled = [(await bakery.write(owner, account))[0] for _ in range(number)]
        with sent_to(database) as sent:
            await bakery.settle(*((one, PUBLISHED) for one in settled))
        assert len(sent) == 1
        begun = await told.begin(JobKind.DELIVERY_SETTLED)
        with sent_to(database) as sent:
            await told.handle(begun)
        return len(sent)

    one = await cost(1)
    assert await cost(60) == one <= 6


async def test_what_settles_within_a_moment_is_gathered(
    told: Told, bakery: Bakery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "GATHERED", timedelta(seconds=30))
    (delivery,) = await bakery.write(None, await bakery.connect())
    await bakery.settle((delivery, PUBLISHED))
    assert await told.begin(JobKind.DELIVERY_SETTLED) == []
