"""Posts as authors write, change and stop them, straight in the tables."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import delete, select

from domain.content import Content, PostContent
from domain.ids import new_id
from domain.networks import Network
from domain.policies import AmbiguityPolicy
from networks.protocol import Connection
from storage import connections, media, posts, timeline
from storage.connections import Profile
from storage.database import Database
from storage.media import NewMedia
from storage.posts import Delivery, NewPosts, Post, PublishTime, TargetAccount
from storage.tables import AccountRow, AttemptRow, DeliveryRow, OutboxRow
from storage.timeline import TimelineEvent
from storage.vault import TokenVault
from storage.workspaces import change_workspace


class Author:
    """A workspace's member at work, and a look into the tables behind."""

    def __init__(self, database: Database, workspace_id: UUID, vault: TokenVault) -> None:
        """`vault` closes the credentials of connected accounts."""
        self._database = database
        self._vault = vault
        self.workspace_id = workspace_id

    async def connect(
        self, network: Network, connection: Connection | None = None
    ) -> TargetAccount:
        """Connect an account; without a connection, one that exists nowhere."""
        made = connection or Connection(
            remote_id=uuid4().hex,
            handle="corner_bakery",
            display_name="Corner bakery",
            credentials={"access_token": "of no use"},
        )
        profile = Profile(
            remote_id=made.remote_id,
            handle=made.handle,
            display_name=made.display_name,
            base_url=made.base_url,
            limits=None,
        )
        async with self._database.transaction() as session:
            account, _ = await connections.connect(
                session,
                self.workspace_id,
                network,
                profile,
                credentials=self._vault.encrypt(made.credentials),
                expires_at=made.expires_at,
            )
        return TargetAccount(account_id=account.id, network=network)

    async def connect_again(self, account_id: UUID) -> None:
        """Connect the same profile once more, with other credentials."""
        async with self._database.transaction() as session:
            row = await session.get(AccountRow, account_id)
        assert row is not None
        again = await self.connect(
            Network(row.network),
            Connection(
                remote_id=row.remote_id,
                handle=row.handle,
                display_name=row.display_name,
                credentials={"access_token": "connected again"},
                base_url=row.base_url,
            ),
        )
        assert again.account_id == account_id

    async def disconnect(self, account_id: UUID) -> None:
        """Take an account away, whatever waits for it."""
        async with self._database.transaction() as session:
            await connections.disconnect(session, account_id)

    async def upload(self, content: bytes, content_type: str = "image/jpeg") -> UUID:
        """Make a picture of 640 by 640 known; its key in the media store is its id."""
        media_id = new_id()
        known = NewMedia(
            id=media_id,
            storage_key=str(media_id),
            file_name="picture.jpg",
            content_type=content_type,
            sha256=b"\0" * 32,
            size=len(content),
            width=640,
            height=640,
            alt_text="",
        )
        async with self._database.transaction() as session:
            await media.create(session, self.workspace_id, known)
        return media_id

    async def decide(self, policy: AmbiguityPolicy) -> None:
        """Set the workspace's policy for sends that were absent at every look."""
        async with self._database.transaction() as session:
            await change_workspace(session, self.workspace_id, name=None, ambiguity_policy=policy)

    async def write(
        self,
        *targets: TargetAccount,
        content: Content | None = None,
        publish_at: datetime | None = None,
    ) -> Post:
        """Schedule a post; it is due now unless said otherwise."""
        post = posts.draw_up(
            workspace_id=self.workspace_id,
            content=PostContent(base=content or Content(text="Fresh bread at 7")),
            targets=targets,
            publish_time=PublishTime(at=publish_at or datetime.now(UTC)),
            priority=3,
            at=datetime.now(UTC),
        )
        async with self._database.transaction() as session:
            await posts.accept(session, [NewPosts(posts=[post], created_by=uuid4())])
            # As though the relay had been told, and had started its workflow.
            await session.execute(delete(OutboxRow).where(OutboxRow.subject_id == post.id))
        return await self.post(post.id)

    async def edit(
        self, post_id: UUID, content: Content | None = None, *, publish_at: datetime | None = None
    ) -> None:
        """Change what a post says, or when it goes out."""
        async with self._database.transaction() as session:
            post = await posts.lock(session, self.workspace_id, post_id)
            assert post is not None
            await posts.revise(
                session,
                post,
                content=PostContent(base=content) if content else post.content,
                publish_time=PublishTime(at=publish_at) if publish_at else post.publish_time,
                priority=post.priority,
                created_by=uuid4(),
            )

    async def cancel(self, post_id: UUID) -> None:
        """Stop every delivery of a post of which nothing was sent."""
        async with self._database.transaction() as session:
            post = await posts.lock(session, self.workspace_id, post_id)
            assert post is not None
            await posts.cancel(session, post_id, [one.id for one in post.current_deliveries])

    async def retry(self, delivery: Delivery) -> Delivery:
        """Put a new delivery in a failed one's place."""
        async with self._database.transaction() as session:
            post = await posts.lock(session, self.workspace_id, delivery.post_id)
            assert post is not None
            delivery_id = await posts.add_retry(session, delivery, post=post, now=datetime.now(UTC))
        return await self.delivery(delivery.post_id, delivery_id)

    async def post(self, post_id: UUID) -> Post:
        """The post as it stands."""
        async with self._database.transaction() as session:
            post = await posts.get(session, self.workspace_id, post_id)
        assert post is not None
        return post

    async def delivery(self, post_id: UUID, delivery_id: UUID) -> Delivery:
        """One of its deliveries as it stands."""
        post = await self.post(post_id)
        return next(one for one in post.deliveries if one.id == delivery_id)

    async def attempts(self, delivery_id: UUID) -> Sequence[AttemptRow]:
        """Everything that was tried, oldest first."""
        query = (
            select(AttemptRow)
            .where(AttemptRow.delivery_id == delivery_id)
            .order_by(AttemptRow.part, AttemptRow.number)
        )
        async with self._database.transaction() as session:
            return (await session.scalars(query)).all()

    async def stored(self, delivery_id: UUID) -> DeliveryRow:
        """The delivery's row."""
        async with self._database.transaction() as session:
            row = await session.get(DeliveryRow, delivery_id)
        assert row is not None
        return row

    async def timeline(self, post_id: UUID) -> list[TimelineEvent]:
        """What happened to the post, in order."""
        async with self._database.transaction() as session:
            return await timeline.list_by_post(session, post_id, limit=200)
