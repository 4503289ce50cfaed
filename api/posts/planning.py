"""What a wanted post comes to: content, targets and time, and what stands against it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.posts.contents import content_of, media_places
from api.posts.wanted_schemas import PostWanted, WallTime
from api.problems import FieldProblem, InvalidRequest
from domain.content import MediaFacts, PostContent
from domain.networks import Network
from domain.publish_time import (
    InvalidPublishTime,
    parse_instant,
    require_future,
    resolve_wall_time,
)
from domain.rules import check
from domain.violations import Violation
from storage import accounts, posts
from storage import media as media_items
from storage.accounts import Account, AccountStatus
from storage.media import Media
from storage.posts import Post, PublishTime, TargetAccount


@dataclass(frozen=True, kw_only=True, slots=True)
class PostPlan:
    """A wanted post with everything it names looked up in the workspace."""

    content: PostContent
    accounts: Sequence[Account]
    facts: Mapping[UUID, MediaFacts]

    @property
    def targets(self) -> list[TargetAccount]:
        """Where its deliveries go."""
        return [
            TargetAccount(account_id=one.id, network=one.network, handle=one.handle)
            for one in self.accounts
        ]

    def problems_of(self, account: Account) -> list[FieldProblem]:
        """What stands against publishing there: the account's state, and its network's rules."""
        content = self.content.for_network(account.network)
        problems = [
            _refused(self, account.network, violation)
            for violation in check(account.network, content, self.facts, limits=account.limits)
        ]
        if account.status is AccountStatus.CONNECTED:
            return problems
        return [_not_connected(self.accounts.index(account), account), *problems]


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """What posts name, as far as it is the workspace's."""

    accounts: dict[UUID, Account]
    media: dict[UUID, Media]


async def look_up(
    session: AsyncSession, wanted: Collection[tuple[UUID, PostWanted]]
) -> Mapping[UUID, Named]:
    """All that the workspaces' posts name, by workspace; nothing of it goes away meanwhile."""
    account_ids = {(owner, account) for owner, post in wanted for account in post.targets}
    media_ids = {(owner, item) for owner, post in wanted for item in media_places(post).values()}
    found = {owner: Named(accounts={}, media={}) for owner, _ in wanted}
    if account_ids:
        for account in await accounts.find_to_use(session, account_ids):
            found[account.workspace_id].accounts[account.id] = account
    if media_ids:
        for item in await media_items.find_to_use(session, media_ids):
            if item.workspace_id is not None:
                found[item.workspace_id].media[item.id] = item
    return found


async def plan_post(session: AsyncSession, workspace_id: UUID, wanted: PostWanted) -> PostPlan:
    """Look up what the post names. Raises InvalidRequest for what is not the workspace's."""
    return plan(wanted, (await look_up(session, [(workspace_id, wanted)]))[workspace_id])


def plan(wanted: PostWanted, named: Named) -> PostPlan:
    """The post with what it names. Raises InvalidRequest for what is not the workspace's."""
    places = media_places(wanted)
    problems = [
        _unknown_account(position, account_id)
        for position, account_id in enumerate(wanted.targets)
        if account_id not in named.accounts
    ]
    problems += [
        _named_twice(position, account_id)
        for position, account_id in enumerate(wanted.targets)
        if account_id in wanted.targets[:position]
    ]
    problems += [
        _unknown_media(place, media_id)
        for place, media_id in places.items()
        if media_id not in named.media
    ]
    if problems:
        raise InvalidRequest(*problems)
    return PostPlan(
        content=content_of(wanted, named.media),
        accounts=[named.accounts[account_id] for account_id in wanted.targets],
        facts={media_id: named.media[media_id].facts() for media_id in places.values()},
    )


def draw_up(
    workspace_id: UUID,
    wanted: PostWanted,
    named: Named,
    *,
    now: datetime,
    batch_id: UUID | None = None,
) -> Post:
    """The new post, ready to be accepted. Raises InvalidRequest for what stands against it."""
    publish_time = publish_time_of(wanted, now)
    planned = plan(wanted, named)
    if publish_time is not None:
        require_publishable(planned)
    return as_post(workspace_id, wanted, planned, publish_time, now=now, batch_id=batch_id)


def as_post(
    workspace_id: UUID,
    wanted: PostWanted,
    planned: PostPlan,
    publish_time: PublishTime | None,
    *,
    now: datetime,
    batch_id: UUID | None = None,
) -> Post:
    """The same, whatever stands against it."""
    return posts.draw_up(
        workspace_id=workspace_id,
        content=planned.content,
        targets=planned.targets,
        publish_time=publish_time,
        priority=wanted.priority,
        late=wanted.late,
        at=now,
        batch_id=batch_id,
    )


def require_publishable(plan: PostPlan) -> None:
    """Raises InvalidRequest with everything that any target would refuse."""
    if not plan.accounts:
        raise InvalidRequest(
            FieldProblem(
                field="targets",
                rule="no_target",
                message="A scheduled post needs at least one account to go to.",
                fix="Name account ids in targets, or leave publish_at out to keep a draft.",
            )
        )
    problems = []
    told: set[tuple[Network, str, str]] = set()
    for account in plan.accounts:
        for problem in plan.problems_of(account):
            once = (account.network, problem.field, problem.rule)
            if once not in told:
                told.add(once)
                problems.append(problem)
    if problems:
        raise InvalidRequest(*problems)


def publish_time_of(wanted: PostWanted, now: datetime) -> PublishTime | None:
    """When it is to go out; None for a draft. Raises InvalidRequest."""
    asked = wanted.publish_at
    if asked is None:
        return None
    if asked == "now":
        return PublishTime(at=now)
    try:
        if isinstance(asked, WallTime):
            time = PublishTime(
                at=resolve_wall_time(asked.wall_time, asked.time_zone),
                wall_time=asked.wall_time,
                time_zone=asked.time_zone,
            )
        else:
            time = PublishTime(at=parse_instant(asked))
        require_future(time.at, now=now)
    except InvalidPublishTime as error:
        raise InvalidRequest(
            FieldProblem(field="publish_at", rule=error.rule, message=str(error), fix=error.fix)
        ) from error
    return time


def _unknown_account(position: int, account_id: UUID) -> FieldProblem:
    return FieldProblem(
        field=f"targets[{position}]",
        rule="unknown_account",
        message=f"There is no account {account_id} in this workspace.",
        fix="Use an id from GET /v1/accounts.",
    )


def _named_twice(position: int, account_id: UUID) -> FieldProblem:
    return FieldProblem(
        field=f"targets[{position}]",
        rule="named_twice",
        message=f"The account {account_id} is named twice; a post goes to an account once.",
        fix="Name each account once.",
    )


def _unknown_media(place: str, media_id: UUID) -> FieldProblem:
    return FieldProblem(
        field=place,
        rule="unknown_media",
        message=f"There is no media item {media_id} in this workspace.",
        fix="Upload it with POST /v1/media and use the id from the answer.",
    )


def _not_connected(position: int, account: Account) -> FieldProblem:
    return FieldProblem(
        field=f"targets[{position}]",
        rule="account_not_connected",
        message=f"The {account.network} account {account.handle} is {account.status}.",
        fix="Connect it again with POST /v1/accounts, or leave it out.",
    )


def _refused(plan: PostPlan, network: Network, violation: Violation) -> FieldProblem:
    """Point to the variant when that is where the field's value comes from."""
    top = violation.field.split(".")[0].split("[")[0]
    in_variant = top in plan.content.variants.get(network, {})
    field = f"variants.{network}.{violation.field}" if in_variant else violation.field
    return FieldProblem(
        field=field,
        rule=violation.rule,
        message=violation.message,
        fix=violation.fix,
        limit=violation.limit,
        actual=violation.actual,
    )
