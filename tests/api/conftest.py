"""What tests of the API ask for besides: pictures, real servers, the sandbox behind the API."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from PIL import Image

from api.app import create_app
from domain.roles import UserRole
from mail.smtp import SmtpSecurity
from runtime.job_queue import job_handlers, jobs_in_process
from runtime.resources import Resources, open_resources
from runtime.settings import MailProvider, Settings
from storage.users import sessions, users
from tests.conftest import API_BASE_URL, Tenant
from tests.mail_server import MailServer, running_mail_server
from tests.patience import PATIENCE

Picture = Callable[..., bytes]
"""`picture(width=40, height=20, file_format="PNG", **options)`"""

Upload = Callable[..., Awaitable[httpx.Response]]
"""`upload(tenant, content, name="picture.png", alt_text=None)`"""


@dataclass(frozen=True, kw_only=True)
class Person:
    """A registered user who is signed in."""

    user_id: UUID
    handle: str
    display_name: str
    email: str
    session_id: UUID
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What their requests carry."""
        return {"Authorization": f"Bearer {self.access_token}"}

    def within(self, workspace_id: UUID) -> dict[str, str]:
        """What their requests carry when they act in a workspace."""
        return {**self.headers, "X-Workspace": str(workspace_id)}


NewPerson = Callable[..., Awaitable[Person]]
"""`new_user("ada", role=UserRole.USER)`"""

PASSWORD = "correct horse battery staple"
"""Everybody's, in tests."""


@pytest.fixture(scope="session")
def picture() -> Picture:
    """Draws pictures."""

    def draw(
        width: int = 40, height: int = 20, file_format: str = "PNG", **options: object
    ) -> bytes:
        target = io.BytesIO()
        Image.new("RGB", (width, height), "navy").save(target, file_format, **options)
        return target.getvalue()

    return draw


@pytest.fixture
def new_user(resources: Resources) -> NewPerson:
    """Registers people and signs them in."""

    async def make(handle: str, role: UserRole = UserRole.USER) -> Person:
        email, name = f"{handle.lower()}@example.org", handle.title()
        signing_in = resources.signing_in
        password_hash = await signing_in.passwords.hash(PASSWORD)
        refresh_token = signing_in.refresh_tokens.new()
        async with resources.database.transaction() as session:
            user = await users.create(
                session,
                handle=handle,
                display_name=name,
                email=email,
                password_hash=password_hash,
                role=role,
            )
            assert user is not None, f"{handle} is taken"
            session_id = await sessions.begin(
                session,
                user.id,
                fingerprint=signing_in.refresh_tokens.fingerprint(refresh_token),
                device="tests",
                address="127.0.0.1",
                lifetime=timedelta(days=1),
            )
        token = signing_in.access_tokens.issue(user_id=user.id, session_id=session_id, role=role)
        return Person(
            user_id=user.id,
            handle=handle,
            display_name=name,
            email=email,
            session_id=session_id,
            access_token=token,
            refresh_token=refresh_token,
        )

    return make


@pytest.fixture
async def user(new_user: NewPerson) -> Person:
    """The person that a test acts for."""
    return await new_user("ada")


@pytest.fixture
async def other_user(new_user: NewPerson) -> Person:
    """Somebody else."""
    return await new_user("grace")


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    """Takes this test's mails."""
    async with running_mail_server() as server:
        yield server


@pytest.fixture
async def mailing_client(
    settings: Settings, mail_server: MailServer
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API whose mails go out."""
    mailing = settings.model_copy(
        update={
            "mail_provider": MailProvider.SMTP,
            "mail_from": "no-reply@punctual.test",
            "smtp_host": "127.0.0.1",
            "smtp_port": mail_server.port,
            "smtp_security": SmtpSecurity.NONE,
        }
    )
    async with open_resources(mailing) as resources:
        app = create_app(mailing)
        app.state.resources = resources
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            jobs_in_process(resources, job_handlers(resources)),
            httpx.AsyncClient(transport=transport, base_url=API_BASE_URL) as client,
        ):
            yield client


@pytest.fixture
def upload(client: httpx.AsyncClient) -> Upload:
    """Uploads a file as browsers do."""

    async def send(
        tenant: Tenant, content: bytes, name: str = "picture.png", alt_text: str | None = None
    ) -> httpx.Response:
        return await client.post(
            "/v1/media",
            headers=tenant.headers,
            files={"file": (name, content)},
            data={} if alt_text is None else {"alt_text": alt_text},
        )

    return send


@pytest.fixture
async def sandboxed_client(sandbox_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API that speaks to the sandbox networks."""
    async with open_resources(sandbox_settings) as resources:
        app = create_app(sandbox_settings)
        app.state.resources = resources
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=API_BASE_URL) as client:
            yield client


@pytest.fixture
async def served(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API under a real server, with its own resources."""
    async with serving(create_app(settings)) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """The app under uvicorn on a free port; yields its address."""
    config = uvicorn.Config(app, port=0, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(PATIENCE):
            while not server.started:
                assert not task.done(), "the server did not start"
                await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
