"""What Ada has, of every kind that a path or a body can name, so that others can ask for it."""

from datetime import timedelta
from uuid import UUID, uuid4

import httpx
from sqlalchemy import select

from domain.notifications import NotificationKind, SubjectType
from domain.roles import WorkspaceRole
from jobs.images import MakingImages
from mail.smtp import SmtpSecurity
from runtime.resources import Resources
from runtime.settings import MailProvider, Settings
from storage import members, workspaces
from storage.jobs import JobKind
from storage.notifications import recording
from storage.tables import JobRow
from storage.users import password_resets
from storage.users.mailed_tokens import Purpose
from tests.api.admins import reported
from tests.api.authorisation_actors import Cast
from tests.api.authorisation_entries import Actor
from tests.api.authorisation_workspace import Names, WorkspaceThings, signed
from tests.api.chats import Chat
from tests.api.conftest import NewPerson
from tests.api.feed_actors import Reader, job_of, told
from tests.api.market_actors import Trader
from tests.api.test_feed import publish

SECRETS = ("onion tart", "sourdough starter", "Corner bakery", "ada@example.org", "rye.png")
"""Words that stand in Ada's own things alone."""

_FOR_ALL = frozenset(
    {
        "feed_post_id",
        "page_feed_post_id",
        "comment_id",
        "listing_id",
        "account_id",
        "profile_id",
        "shown_media_id",
        "lodger_id",
        "others_listing_id",
        "others_feed_post_id",
        "picture_signature",
    }
)
"""What others may know of: it is public, or a name in a path and nothing else."""


class Things:
    """What Ada has, by the name that entries call it."""

    def __init__(self, cast: Cast) -> None:
        """`cast` has come in."""
        self.cast = cast
        self.names: Names = {}
        self._workspace = WorkspaceThings(cast)
        self.picture = self._workspace.picture

    @property
    def secrets(self) -> set[str]:
        """What nobody else may read in an answer, unless they wrote it in the request."""
        private = {
            name
            for name in self.names
            if name.endswith(("_id", "_signature", "_token")) and name not in _FOR_ALL
        }
        people = {str(person.user_id) for person in self.cast.people.values()}
        return {*SECRETS, *(self.names[name] for name in private)} - people

    async def make(self) -> None:
        """Everything, through the API where it makes such things."""
        owner = self.cast.people[Actor.OWNER]
        self.names |= {
            "profile_id": str(owner.user_id),
            "handle": owner.handle,
            "email": owner.email,
            "stranger": str(self.cast.people[Actor.STRANGER].user_id),
            "fellow": str(self.cast.people[Actor.FELLOW].user_id),
        }
        self.names |= await self._workspace.make()
        await self._on_the_feed()
        await self._on_the_market()
        await self._in_chat()
        await self._of_her_own()
        await self._for_moderators()

    async def _on_the_feed(self) -> None:
        reader = Reader(self.cast.client, self.cast.people[Actor.OWNER])
        post = await reader.publish("Fresh rolls. #bread")
        comment = await reader.comment(post, "With butter.")
        await reader.put(f"posts/{post}/bookmark")
        self.names |= {
            "feed_post_id": post,
            "page_feed_post_id": (
                await publish(self.cast.resources.database, self.names["account_id"], "Old rolls.")
            ).remote_id,
            "others_feed_post_id": await Reader(
                self.cast.client, self.cast.people[Actor.STRANGER]
            ).publish("My whisk."),
            "comment_id": comment,
        }

    async def _on_the_market(self) -> None:
        ada = Trader(self.cast.client, self.cast.people[Actor.OWNER])
        grace = Trader(self.cast.client, self.cast.people[Actor.STRANGER])
        shown, own = await ada.upload(self.picture), await ada.upload(self.picture)
        listing = await ada.offer()
        told(await ada.show_images(listing, shown))
        draft = await ada.offer(title="A sourdough starter", status="draft")
        resources = self.cast.resources
        handler = MakingImages(
            database=resources.database,
            store=resources.media_store,
            live=resources.live,
            max_pixels=resources.settings.media_max_pixels,
        )
        async with resources.database.transaction() as session:
            waiting = select(JobRow).where(JobRow.kind == JobKind.MAKE_IMAGES)
            jobs = [job_of(row) for row in await session.scalars(waiting)]
        for job in jobs:
            await handler.handle(job)
        picture = (await ada.see(listing))["images"][0]["sizes"]["small"]["url"]
        self.names |= {
            "listing_id": listing,
            "draft_id": draft,
            "shown_media_id": shown,
            "own_media_id": own,
            "others_listing_id": await grace.offer(title="A whisk"),
            **signed("picture", picture),
        }

    async def _in_chat(self) -> None:
        owner, fellow = self.cast.people[Actor.OWNER], self.cast.people[Actor.FELLOW]
        chat = Chat(self.cast.client)
        group = await chat.group(owner, fellow)
        message = await chat.send(owner, group, "The secret of my onion tart")
        self.names |= {
            "conversation_id": group,
            "direct_id": await chat.direct(owner, fellow),
            "message_id": message["id"],
            "emoji": "👍",
        }

    async def _of_her_own(self) -> None:
        owner, database = self.cast.people[Actor.OWNER], self.cast.resources.database
        mailed = self.cast.resources.signing_in.mailed_tokens
        session_id, _, refresh_token = await self.cast.session_of(owner)
        async with database.transaction() as session:
            reset_id = await password_resets.allow(
                session, self.cast.people[Actor.FELLOW].user_id, lifetime=timedelta(hours=1)
            )
            guild = await workspaces.create_workspace(session, "Guild of bakers")
            for actor, role in (
                (Actor.FELLOW, WorkspaceRole.OWNER),
                (Actor.OWNER, WorkspaceRole.VIEWER),
            ):
                await members.add(session, guild.id, self.cast.people[actor].user_id, role)
            invitation_id = await members.invite(
                session,
                guild.id,
                email=owner.email,
                role=WorkspaceRole.EDITOR,
                invited_by=None,
                lifetime=timedelta(days=1),
            )
            told_of = recording.News(
                user_id=owner.user_id,
                kind=NotificationKind.LIKE,
                subject_type=SubjectType.FEED_POST,
                subject_id=UUID(self.names["feed_post_id"]),
                cause_id=uuid4(),
                actor_id=self.cast.people[Actor.FELLOW].user_id,
            )
            (notification_id,) = await recording.record(session, [told_of])
        self.names |= {
            "session_id": str(session_id),
            "refresh_token": refresh_token,
            "reset_token": mailed.make(Purpose.RESET_PASSWORD, reset_id),
            "invitation_token": mailed.make(Purpose.ACCEPT_INVITATION, invitation_id),
            "guild_id": str(guild.id),
            "notification_id": str(notification_id),
            "kind": "like",
            "hashtag": "bread",
            "own_upload_id": await self._workspace.sent_upload("/v1/users/me/media/uploads"),
        }
        announced = await self._workspace.announce("/v1/users/me/media/uploads")
        self.names |= {"awaited_upload_id": announced["id"], **signed("awaited", announced["url"])}

    async def _for_moderators(self) -> None:
        report = await reported(
            self.cast.client,
            self.cast.people[Actor.FELLOW],
            "feed_post",
            self.names["feed_post_id"],
        )
        assert report["status"] == "open"
        cases = await self.cast.client.get(
            "/v1/admin/cases", headers=self.cast.people[Actor.MODERATOR].headers
        )
        self.names["case_id"] = told(cases)["items"][0]["id"]


async def everything(client: httpx.AsyncClient, resources: Resources, sign_up: NewPerson) -> Things:
    """Everybody has come in, and Ada has everything."""
    cast = Cast(client, resources, sign_up)
    await cast.come_in()
    things = Things(cast)
    await things.make()
    return things


def without_limits(settings: Settings) -> Settings:
    """Nobody is refused for asking often, and mails could go out."""
    return settings.model_copy(
        update={
            "request_logging_enabled": False,
            "api_rate_per_minute": 0,
            "api_failed_auth_per_minute": 0,
            "login_tries_per_minute": 0,
            "login_failures_per_hour": 0,
            "mail_provider": MailProvider.SMTP,
            "mail_from": "no-reply@punctual.test",
            "smtp_host": "127.0.0.1",
            "smtp_port": 9,
            "smtp_security": SmtpSecurity.NONE,
        }
    )
