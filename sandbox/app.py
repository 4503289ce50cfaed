"""Puts one sandbox together: its state, the five networks, a mail server, control and pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route

from sandbox.bluesky.server import Bluesky
from sandbox.control import Control
from sandbox.mastodon.instance import Mastodon
from sandbox.meta.facebook import Facebook
from sandbox.meta.instagram import Instagram
from sandbox.network import Network
from sandbox.pages import Pages
from sandbox.quick_answers import QuickRoutes
from sandbox.settings import Settings
from sandbox.smtp import SmtpServer
from sandbox.state import State
from sandbox.x.api import X


def create_app(settings: Settings) -> Starlette:
    """The ASGI application; what an earlier run left in `settings.data` is there again."""
    state = State(settings)
    networks: list[Network] = [
        network(state) for network in (Facebook, Instagram, X, Bluesky, Mastodon)
    ]
    state.journal.open()
    pages = Pages(state)
    smtp = SmtpServer(state.mails)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if settings.smtp_port is not None:
            await smtp.listen("127.0.0.1", settings.smtp_port)
        yield
        await smtp.close()
        await state.fetcher.close()
        state.journal.close()

    async def home(_: object) -> RedirectResponse:
        return RedirectResponse("/pages/")

    mounts = [
        Mount(
            f"/{network.name}",
            routes=[*network.routes(), *pages.permalink_routes(network.name)],
        )
        for network in networks
    ]
    control = Control(state, {network.name: network for network in networks})
    app = Starlette(
        routes=[
            *mounts,
            Mount("/_sandbox", control.api()),
            Mount("/pages", routes=pages.routes()),
            Route("/", home),
        ],
        lifespan=lifespan,
    )
    app.state.quick_routes = QuickRoutes(networks)
    return app
