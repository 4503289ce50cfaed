"""Composition root of the API: settings, resources, middleware, routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from fastapi import FastAPI

from api import health
from api.accounts import routes as accounts
from api.body_limit import BodyLimit
from api.deliveries import routes as deliveries
from api.docs_page import add_docs_page
from api.feed import routes as feed
from api.media import routes as media
from api.posts import routes as posts
from api.problem_handlers import install, unexpected_problem
from api.problems import MEDIA_TYPE, ProblemSchema
from api.rate_limit import RateLimitHeaders
from api.request_context import RequestContext
from api.workspaces import routes as workspaces
from runtime.resources import open_resources
from runtime.settings import Settings, load_settings

BODY_LIMIT: Final = 1024 * 1024
"""Bytes of a JSON body: a thread of the longest texts of every network, many times over."""

FORM_OVERHEAD: Final = 64 * 1024
"""Bytes that a multipart upload may have around its file."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("api")

_DESCRIPTION: Final = """
Schedule posts, and have each published once, on the second, on Facebook, Instagram, X, Bluesky,
Mastodon and the built-in feed.

Every request carries an API key: `Authorization: Bearer pk_…`. Every error is
`application/problem+json` (RFC 9457) and names the field and the fix. Lists are newest first and
come in pages: send `next_cursor` back as `cursor`. `RateLimit-Remaining` tells how many more
requests the key may send at once; over its limit the answer is 429, with `Retry-After`.
"""

_TAGS: Final = [
    {"name": "posts", "description": "What is to be published, where and when."},
    {"name": "deliveries", "description": "One post on its way to one account."},
    {"name": "media", "description": "Pictures to publish; their type is found in the bytes."},
    {"name": "accounts", "description": "Profiles and pages that posts go out through."},
    {"name": "feed", "description": "The built-in network, as the public sees it."},
    {"name": "workspace", "description": "The workspace and its API keys."},
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
            yield

    app = _Api(
        title="Punctual",
        version="1",
        summary="Every post goes out once, on the second, and nothing is lost.",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        responses={"default": _PROBLEM_ANSWER},
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    _add_routes(app)
    add_docs_page(app)
    install(app)
    app.add_middleware(
        BodyLimit,
        limit=BODY_LIMIT,
        limits={media.UPLOAD_PATH: known.media_max_bytes + FORM_OVERHEAD},
    )
    app.add_middleware(RateLimitHeaders)
    app.add_middleware(  # last added, outermost
        RequestContext,
        log_requests=known.request_logging_enabled,
        unexpected=unexpected_problem,
    )
    return app


def _add_routes(app: FastAPI) -> None:
    app.include_router(posts.router)
    app.include_router(deliveries.router)
    app.include_router(media.router)
    app.include_router(feed.router)
    app.include_router(accounts.router)
    app.include_router(workspaces.router)
    app.include_router(health.router)


_SCHEMA_PATH: Final = "#/components/schemas/{model}"

_PROBLEM_ANSWER: Final[dict[str, Any]] = {
    "description": "What was wrong, where, and what to do.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": _SCHEMA_PATH.format(model="Problem")}}},
}


class _Api(FastAPI):
    """Knows the shape of problems, which FastAPI would document as plain JSON only."""

    def openapi(self) -> dict[str, Any]:
        """The description of the API, with examples."""
        described = super().openapi()
        problem = ProblemSchema.model_json_schema(ref_template=_SCHEMA_PATH)
        described["components"]["schemas"] |= {**problem.pop("$defs", {}), "Problem": problem}
        return described
