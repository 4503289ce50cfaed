"""Composition root of the API: settings, resources, middleware, routes."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from typing import Any, Final

import structlog
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from api import health, link_pages, metrics
from api.accounts import routes as accounts
from api.admin import routes as admin
from api.auth.dependencies import OPTIONAL_SCHEME, USER_SCHEME
from api.batches import routes as batches
from api.body_limit import BodyLimit
from api.chat import group_routes as chat_groups
from api.chat import routes as chat
from api.deliveries import routes as deliveries
from api.docs_page import add_docs_page
from api.feed import routes as feed
from api.feed.home_route import FirstPageOfHome
from api.live.endpoint import PATH as SOCKETS_PATH
from api.live.endpoint import SocketEndpoint, serving_sockets
from api.marketplace import routes as marketplace
from api.media import picture_routes as pictures
from api.media import routes as media
from api.media import upload_routes as media_uploads
from api.media import user_routes as user_media
from api.members import routes as members
from api.notifications import routes as notifications
from api.passwords import routes as passwords
from api.posts import routes as posts
from api.problem_answers import ANY_PROBLEM, describe_problems
from api.problem_handlers import install, unexpected_problem
from api.reports import routes as reports
from api.request_context import RequestContext
from api.sessions import routes as sessions
from api.stats import routes as stats
from api.switches import routes as switches
from api.users import routes as users
from api.workspaces import routes as workspaces
from runtime.job_queue import job_handlers, jobs_in_process
from runtime.resources import Resources, open_resources
from runtime.settings import Settings, load_settings
from storage.database import DatabaseUnavailable

_NO_TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI would ask OpenTelemetry at each request; we have logs and counts of our own."""

BODY_LIMIT: Final = 1024 * 1024
"""Bytes of a JSON body: a thread of the longest texts of every network, many times over."""

FORM_OVERHEAD: Final = 64 * 1024
"""Bytes that a multipart upload may have around its file."""

log = structlog.get_logger("api")

_DESCRIPTION: Final = """
Schedule posts, and have each published once, on the second, on Facebook, Instagram, X, Bluesky,
Mastodon and the built-in feed.

Programs send a workspace's API key, `Authorization: Bearer pk_…`. People sign in and send their
access token the same way; where they act in a workspace, the header `X-Workspace` names it, and
their role there says what they may do. Every error is
`application/problem+json` (RFC 9457) and names the field and the fix. Lists are newest first and
come in pages: send `next_cursor` back as `cursor`. `RateLimit-Remaining` tells how many more
requests the key or user may send at once; over its limit the answer is 429, with `Retry-After`.
"""

_TAGS: Final = [
    {"name": "posts", "description": "What is to be published, where and when."},
    {"name": "batches", "description": "Many posts in one request, stopped as one."},
    {"name": "deliveries", "description": "One post on its way to one account."},
    {"name": "media", "description": "Pictures to publish; their type is found in the bytes."},
    {"name": "accounts", "description": "Profiles and pages that posts go out through."},
    {"name": "switches", "description": "What holds publishing, and how the networks answer."},
    {"name": "feed", "description": "The built-in network, as the public sees it."},
    {"name": "notifications", "description": "What people are told, and what they want to hear."},
    {"name": "stats", "description": "How well the workspace was served."},
    {"name": "chat", "description": "Conversations of signed-in people; live over Socket.IO."},
    {"name": "marketplace", "description": "Listings: offered, found, asked about, sold."},
    {"name": "workspace", "description": "The workspace, its members and its API keys."},
    {"name": "sign-in", "description": "Users: signing up, in and out, and their profile."},
    {"name": "reports", "description": "What people report, and decisions about what is theirs."},
    {"name": "admin", "description": "For moderators and admins; not there for anybody else."},
    {"name": "health", "description": "Whether this process works."},
]


def create_app(settings: Settings | None = None) -> FastAPI:
    """The whole API; reads the environment when no settings are given.

    Raises InvalidSettings.
    """
    known = settings or load_settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_resources(known) as resources:
            app.state.resources = resources
            if not known.redis_enabled:
                log.info("Redis is off: this process keeps caches and limits to itself")
            with suppress(DatabaseUnavailable):  # what asks it says so, and /readyz
                await resources.database.warm_up()
            async with serving_sockets(app, resources), _jobs(resources):
                yield

    app = _Api(
        title="Punctual",
        version="1",
        summary="Every post goes out once, on the second, and nothing is lost.",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        responses=dict(ANY_PROBLEM),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would lead to whatever the Host header says
        telemetry=_NO_TELEMETRY,
        generate_unique_id_function=lambda route: route.name,
    )
    _add_routes(app)
    add_docs_page(app)
    install(app)
    app.add_middleware(
        BodyLimit,
        limit=BODY_LIMIT,
        limits={
            media.UPLOAD_PATH: known.media_max_bytes + FORM_OVERHEAD,
            user_media.UPLOAD_PATH: known.media_max_bytes + FORM_OVERHEAD,
            media_uploads.RECEIVING_PATH: known.media_max_bytes,
            batches.BULK_PATH: batches.BULK_LIMIT,
            batches.IMPORT_PATH: batches.BULK_LIMIT + FORM_OVERHEAD,
        },
    )
    app.add_middleware(FirstPageOfHome)
    if known.metrics_enabled:
        app.include_router(metrics.router)
        app.add_middleware(metrics.RequestMetrics)
    app.add_middleware(  # last added, outermost
        RequestContext,
        log_requests=known.request_logging_enabled,
        unexpected=unexpected_problem,
    )
    return app


def _jobs(resources: Resources) -> AbstractAsyncContextManager[None]:
    """What does jobs in this process; nothing when workers do them."""
    if resources.settings.queue_enabled:
        return nullcontext()
    return jobs_in_process(resources, job_handlers(resources))


def _add_routes(app: FastAPI) -> None:
    app.include_router(feed.router)  # asked most: routes are tried in this order
    app.include_router(posts.router)
    app.include_router(batches.router)
    app.include_router(stats.router)
    app.include_router(deliveries.router)
    app.include_router(media.router)
    app.include_router(user_media.router)
    app.include_router(media_uploads.router)
    app.include_router(pictures.router)
    app.include_router(marketplace.router)
    app.include_router(chat_groups.router)
    app.include_router(chat.router)
    app.mount(SOCKETS_PATH, SocketEndpoint())
    app.include_router(accounts.router)
    app.include_router(switches.router)
    app.include_router(notifications.router)
    app.include_router(workspaces.router)
    app.include_router(members.router)
    app.include_router(sessions.router)
    app.include_router(passwords.router)
    app.include_router(users.router)
    app.include_router(reports.router)
    app.include_router(admin.router)
    app.include_router(health.router)
    app.include_router(link_pages.router)


def _offer_optional_tokens(described: dict[str, Any]) -> None:
    """Say of operations that know signed-in users, and need none, that nothing is fine as well."""
    described["components"].get("securitySchemes", {}).pop(OPTIONAL_SCHEME, None)
    for path in described["paths"].values():
        for operation in path.values():
            if {OPTIONAL_SCHEME: []} in operation.get("security", []):
                operation["security"] = [{}, {USER_SCHEME: []}]


class _Api(FastAPI):
    """Knows the shape of problems, which FastAPI would document as plain JSON only."""

    def openapi(self) -> dict[str, Any]:
        """The description of the API, with examples."""
        described = super().openapi()
        _offer_optional_tokens(described)
        describe_problems(described)
        return described
