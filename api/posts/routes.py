"""`/v1/posts`."""

import re
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response, status

from api.auth.dependencies import require
from api.auth.scopes import Scope
from api.auth.service import Caller
from api.idempotency import WithIdempotencyKey
from api.pagination import Page, WantedPage, page_of
from api.posts.accepting import Accepting
from api.posts.changes import PostChanges
from api.posts.examples import CHANGE_EXAMPLES, POST_EXAMPLES
from api.posts.forecast import Forecast
from api.posts.schemas import (
    EventShown,
    PostAccepted,
    PostChecked,
    PostShown,
    TargetChecked,
    Timeline,
    ViolationShown,
)
from api.posts.service import PostService
from api.posts.wanted_schemas import PostChange, PostWanted
from api.problem_answers import refuses
from api.problems import FieldProblem, InvalidRequest
from api.resources import WithResources
from domain.deliveries import PostStatus
from domain.networks import Network
from domain.publish_time import InvalidPublishTime, parse_instant
from storage.posts import Post, PostFilter

router = APIRouter(prefix="/v1/posts", tags=["posts"])

_ACCEPTING: Final = "accepting"
_ETAG: Final = re.compile(r'(?:W/)?"?([0-9]{1,9})"?')


async def _service(request: Request, resources: WithResources) -> PostService:
    forecast = Forecast(resources.settings.quotas)
    # Of the whole app: requests share it. Made by the first of them.
    accepting: Accepting | None = getattr(request.app.state, _ACCEPTING, None)
    if accepting is None:
        accepting = Accepting(resources.database, forecast)
        setattr(request.app.state, _ACCEPTING, accepting)
    return PostService(resources.database, forecast, accepting)


async def _changes(resources: WithResources) -> PostChanges:
    return PostChanges(resources.database, Forecast(resources.settings.quotas))


Service = Annotated[PostService, Depends(_service)]
Changes = Annotated[PostChanges, Depends(_changes)]
Reader = Annotated[Caller, Depends(require(Scope.POSTS_READ))]
Writer = Annotated[Caller, Depends(require(Scope.POSTS_WRITE))]


async def _revision(
    if_match: Annotated[
        str | None,
        Header(alias="If-Match", description="The post's ETag.", examples=['"1"'], max_length=64),
    ] = None,
) -> int | None:
    if if_match is None:
        return None
    match = _ETAG.fullmatch(if_match.strip())
    if match is None:
        raise InvalidRequest(
            FieldProblem(
                field="If-Match",
                rule="not_an_etag",
                message="If-Match is not the ETag of a post.",
                fix='Send the ETag from GET /v1/posts/{id}, such as "3".',
            )
        )
    return int(match[1])


def _instant(name: str, value: str | None) -> datetime | None:
    try:
        return None if value is None else parse_instant(value)
    except InvalidPublishTime as error:
        raise InvalidRequest(
            FieldProblem(field=name, rule=error.rule, message=str(error), fix=error.fix)
        ) from error


async def _chosen(
    *,
    with_status: Annotated[PostStatus | None, Query(alias="status")] = None,
    network: Annotated[Network | None, Query(description="Going to that network.")] = None,
    account_id: Annotated[UUID | None, Query(description="Going to that account.")] = None,
    batch_id: Annotated[UUID | None, Query(description="Made with that batch.")] = None,
    publish_from: Annotated[
        str | None, Query(max_length=64, description="RFC 3339, inclusive.")
    ] = None,
    publish_until: Annotated[
        str | None, Query(max_length=64, description="RFC 3339, exclusive.")
    ] = None,
) -> PostFilter:
    return PostFilter(
        status=with_status,
        network=network,
        account_id=account_id,
        batch_id=batch_id,
        publish_from=_instant("publish_from", publish_from),
        publish_until=_instant("publish_until", publish_until),
    )


@router.post("", status_code=status.HTTP_201_CREATED, summary="Create or schedule a post")
async def create_post(
    service: Service,
    known: Writer,
    wanted: Annotated[PostWanted, Body(openapi_examples=POST_EXAMPLES)],
    idempotency_key: WithIdempotencyKey,
    response: Response,
) -> PostAccepted:
    """Answered as soon as it is kept: nothing is asked of a network or of Temporal.

    `warnings` tell what cannot leave on time. Needs `posts:write`.
    """
    post = await service.create(known, wanted, idempotency_key)
    response.headers["Location"] = f"{router.prefix}/{post.id}"
    return _accepted(post, response)


@router.post("/validate", summary="Check a post without saving it")
async def validate_post(
    service: Service,
    known: Reader,
    wanted: Annotated[PostWanted, Body(openapi_examples=POST_EXAMPLES)],
) -> PostChecked:
    """For each target, what its network would refuse, with rule and number. Needs `posts:read`."""
    plan, warnings = await service.validate(known, wanted)
    targets = []
    for account in plan.accounts:
        violations = [
            ViolationShown.model_validate(one, from_attributes=True)
            for one in plan.problems_of(account)
        ]
        targets.append(
            TargetChecked(
                account_id=account.id,
                network=account.network,
                publishable=not violations,
                violations=violations,
            )
        )
    publishable = bool(targets) and all(one.publishable for one in targets)
    return PostChecked(publishable=publishable, targets=targets, warnings=warnings)


@router.get("", summary="List posts")
async def list_posts(
    service: Service,
    known: Reader,
    wanted: WantedPage,
    chosen: Annotated[PostFilter, Depends(_chosen)],
) -> Page[PostShown]:
    """Newest first. Needs `posts:read`."""
    found = await service.list_page(known, chosen, wanted)
    return page_of(found, wanted, show=PostShown.of, id_of=lambda post: post.id)


@router.get("/{post_id}", summary="Show a post")
async def show_post(
    service: Service, known: Reader, post_id: UUID, response: Response
) -> PostShown:
    """With its deliveries. Needs `posts:read`."""
    return _shown(await service.read(known, post_id), response)


@router.get("/{post_id}/timeline", summary="Everything that happened to a post")
async def show_timeline(service: Service, known: Reader, post_id: UUID) -> Timeline:
    """In order, from its creation on. Needs `posts:read`."""
    events = await service.events(known, post_id)
    return Timeline(items=[EventShown.of(event) for event in events])


@router.patch("/{post_id}", responses=refuses(409, 412, 428), summary="Edit or reschedule a post")
async def change_post(
    changes: Changes,
    known: Writer,
    post_id: UUID,
    change: Annotated[PostChange, Body(openapi_examples=CHANGE_EXAMPLES)],
    revision: Annotated[int | None, Depends(_revision)],
    response: Response,
) -> PostAccepted:
    """Fields left out stay. Possible until the first delivery is sent. Needs `posts:write`.

    412 when somebody changed it meanwhile, 409 when it is too late, 428 without If-Match.
    """
    return _accepted(await changes.change(known, post_id, change, revision), response)


@router.post(
    "/{post_id}/publish-now", responses=refuses(409), summary="Publish without waiting any longer"
)
async def publish_post_now(
    changes: Changes, known: Writer, post_id: UUID, response: Response
) -> PostAccepted:
    """Also schedules a draft for this moment. Needs `posts:write`."""
    return _accepted(await changes.publish_now(known, post_id), response)


@router.post("/{post_id}/cancel", responses=refuses(409), summary="Cancel a post")
async def cancel_post(
    changes: Changes, known: Writer, post_id: UUID, response: Response
) -> PostShown:
    """Answered with 200, it is never published; too late is 409. Needs `posts:write`."""
    return _shown(await changes.cancel(known, post_id), response)


def _accepted(post: PostAccepted, response: Response) -> PostAccepted:
    response.headers["ETag"] = f'"{post.revision}"'
    return post


def _shown(post: Post, response: Response) -> PostShown:
    response.headers["ETag"] = f'"{post.revision}"'
    return PostShown.of(post)
