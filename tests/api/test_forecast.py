"""Warnings when a post is scheduled that cannot leave on time."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update

from domain.deliveries import DeliveryStatus
from domain.networks import Network
from domain.quotas import Amount
from runtime.settings import NetworkLimits, Settings
from storage.database import Database
from storage.outcomes import Reason
from storage.quotas import hold_account
from storage.tables import AccountRow, DeliveryRow
from tests.api.sent_posts import sent
from tests.api.test_posts_actors import TOMORROW, Author, accepted
from tests.conftest import Tenant
from tests.sent_statements import sent_to

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
BUSY = Reason(type="rate_limited", message="X allows no more posts for now.", evidence={})


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Two posts a day on X and Instagram, ten calls an hour on Facebook."""
    few = {
        Network.X: (Amount(2, DAY),),
        Network.INSTAGRAM: (Amount(2, DAY),),
        Network.FACEBOOK: (Amount(10, HOUR),),
    }
    limits = {network: NetworkLimits(quotas=quotas) for network, quotas in few.items()}
    return settings.model_copy(update={"network_limits": {**settings.network_limits, **limits}})


@pytest.fixture
def author(client: httpx.AsyncClient, database: Database, workspace: Tenant) -> Author:
    """Writes for the workspace."""
    return Author(client, database, workspace)


def moment(told: str) -> datetime:
    return datetime.fromisoformat(told)


def leaves_at(post: dict[str, Any]) -> list[datetime]:
    return [moment(warning["leaves_at"]) for warning in post.get("warnings", [])]


async def schedule(author: Author, account: str, moments: Iterable[datetime]) -> None:
    for at in moments:
        post = await author.schedule(account, publish_at=at.isoformat())
        assert "warnings" not in post


async def test_who_finds_no_room_is_told_how_late_it_will_be(author: Author) -> None:
    account = await author.connect(Network.X)
    await schedule(author, account, [TOMORROW, TOMORROW + HOUR])
    at = TOMORROW + 2 * HOUR
    post = await author.schedule(account, publish_at=at.isoformat())
    (warning,) = post["warnings"]
    assert moment(warning.pop("publish_at")) == at
    assert moment(warning.pop("leaves_at")) == TOMORROW + DAY
    assert warning == {
        "type": "quota_exhausted",
        "message": f"The 3rd X post of bakery in 24 hours: leaves at {TOMORROW + DAY:%F %T} instead"
        f" of {at:%F %T} UTC.",
        "account_id": account,
        "network": "x",
        "quota": {"limit": 2, "counts": "sends", "window_seconds": 86_400},
    }
    assert "warnings" not in await author.show(post["id"])


async def test_those_who_wait_already_go_first(author: Author) -> None:
    account = await author.connect(Network.X)
    await schedule(author, account, [TOMORROW, TOMORROW])
    late = [await author.schedule(account) for _ in range(3)]
    assert [leaves_at(post) for post in late] == [
        [TOMORROW + DAY],
        [TOMORROW + DAY],
        [TOMORROW + 2 * DAY],
    ]


async def test_who_is_planned_for_later_goes_later(author: Author) -> None:
    account = await author.connect(Network.X)
    await schedule(author, account, [TOMORROW, TOMORROW + 2 * HOUR])
    assert leaves_at(await author.schedule(account, publish_at=TOMORROW.isoformat())) == []


async def test_what_was_sent_takes_room_until_its_window_has_passed(
    author: Author, database: Database
) -> None:
    account = await author.connect(Network.X)
    earlier = datetime.now(UTC) - HOUR
    await sent(author, database, account, earlier, earlier + HOUR / 2)
    assert leaves_at(await author.draft(account, publish_at="now")) == [earlier + DAY]
    at = (earlier + DAY).isoformat()
    # The one that was just accepted is to leave at that moment too.
    assert leaves_at(await author.draft(account, publish_at=at)) == [earlier + HOUR / 2 + DAY]
    after = (earlier + 3 * DAY).isoformat()
    assert leaves_at(await author.draft(account, publish_at=after)) == []


async def test_what_was_put_off_keeps_the_place_that_it_was_told(
    author: Author, database: Database
) -> None:
    account = await author.connect(Network.X)
    for minutes in (0, 1):
        post = await author.draft(account, publish_at="now")
        async with database.transaction() as session:
            await session.execute(
                update(DeliveryRow)
                .where(DeliveryRow.id == UUID(post["deliveries"][0]["id"]))
                .values(
                    status=DeliveryStatus.DEFERRED,
                    deferred_until=TOMORROW + timedelta(minutes=minutes),
                )
            )
    assert leaves_at(await author.schedule(account)) == []  # one of them leaves a minute later
    at = (TOMORROW + HOUR).isoformat()
    assert leaves_at(await author.draft(account, publish_at=at)) == [TOMORROW + DAY]


async def test_a_thread_leaves_when_its_last_part_does(author: Author) -> None:
    account = await author.connect(Network.X)
    thread = [{"text": "One."}, {"text": "Two."}]
    post = await author.schedule(account, thread=thread)
    assert leaves_at(post) == [TOMORROW + DAY]
    assert post["warnings"][0]["message"].startswith("The 3rd X post of bakery in 24 hours: ")
    assert leaves_at(await author.schedule(account)) == [TOMORROW + DAY]


async def test_a_thread_of_a_variant_takes_the_room_of_the_variant(author: Author) -> None:
    account = await author.connect(Network.X)
    variants = {"x": {"thread": [{"text": "One."}]}}
    assert leaves_at(await author.schedule(account, variants=variants)) == []
    assert leaves_at(await author.schedule(account)) == [TOMORROW + DAY]


async def test_facebook_s_calls_are_counted(author: Author) -> None:
    account = await author.connect(Network.FACEBOOK)
    media = [{"media_id": await author.upload()} for _ in range(3)]
    album = {"media": media, "first_comment": "Directions below."}
    assert leaves_at(await author.schedule(account, **album)) == []  # 2 + 3 and 1: six of ten
    assert leaves_at(await author.schedule(account)) == []  # eight
    post = await author.schedule(account, media=media)
    assert leaves_at(post) == [TOMORROW + HOUR]
    assert post["warnings"][0]["message"].startswith(
        "Facebook takes 10 calls in 1 hour from bakery: leaves at "
    )


async def test_a_comment_below_an_instagram_post_takes_no_room(author: Author) -> None:
    account = await author.connect(Network.INSTAGRAM)
    fields = {"media": [{"media_id": await author.upload()}], "first_comment": "More below."}
    for expected in ([], [], [TOMORROW + DAY]):
        assert leaves_at(await author.schedule(account, **fields)) == expected


async def test_a_moved_post_does_not_stand_in_its_own_way(author: Author) -> None:
    account = await author.connect(Network.X)
    await schedule(author, account, [TOMORROW])
    post = await author.schedule(account)
    at = (TOMORROW + HOUR).isoformat()
    moved = accepted(await author.change(post, publish_at=at))
    assert "warnings" not in moved
    await schedule(author, account, [TOMORROW + 2 * DAY] * 2)
    moved = accepted(await author.change(moved, publish_at=(TOMORROW + 2 * DAY).isoformat()))
    assert leaves_at(moved) == [TOMORROW + 3 * DAY]
    assert leaves_at(accepted(await author.publish_now(moved))) == []
    draft = await author.draft(account)
    assert "warnings" not in accepted(await author.change(draft, text="Rolls."))


async def test_cancelled_posts_and_drafts_take_no_room(author: Author) -> None:
    account = await author.connect(Network.X)
    for _ in range(3):
        accepted(await author.cancel(await author.schedule(account)))
        assert "warnings" not in await author.draft(account)
    assert leaves_at(await author.schedule(account)) == []


async def test_validating_warns_too_and_saves_nothing(author: Author) -> None:
    account = await author.connect(Network.X)
    await schedule(author, account, [TOMORROW, TOMORROW])
    for _ in range(2):
        checked = await author.validate(account, publish_at=TOMORROW.isoformat())
        assert checked["publishable"] is True
        assert leaves_at(checked) == [TOMORROW + DAY]
    assert "warnings" not in await author.validate(account)


async def test_the_same_key_tells_the_same_warnings_again(author: Author) -> None:
    account = await author.connect(Network.X)
    await schedule(author, account, [TOMORROW, TOMORROW])
    body = {"text": "Bread.", "targets": [account], "publish_at": TOMORROW.isoformat()}
    first = accepted(await author.create(body, key="once"))
    assert leaves_at(first) == [TOMORROW + DAY]
    assert accepted(await author.create(body, key="once")) == first


async def test_a_network_that_wants_the_account_to_wait_is_named(
    author: Author, database: Database
) -> None:
    account = await author.connect(Network.X)
    until = datetime.now(UTC).replace(microsecond=0) + HOUR
    async with database.transaction() as session:
        await hold_account(session, UUID(account), until, BUSY)
    post = await author.draft(account, publish_at="now")
    (warning,) = post["warnings"]
    assert (warning["type"], warning["quota"]) == ("rate_limited", None)
    assert moment(warning["leaves_at"]) == until
    assert warning["message"].startswith(f"X wants bakery to wait: leaves at {until:%F %T} ")
    assert leaves_at(await author.draft(account, publish_at=until.isoformat())) == []


async def test_accounts_are_counted_in_one_statement_and_read_in_one_where_room_is_short(
    author: Author, database: Database
) -> None:
    accounts = [await author.connect(network) for network in (Network.X,) * 5 + (Network.FEED,)]
    for _ in range(2):
        await author.schedule(*accounts)
    after = (TOMORROW + 5 * DAY).isoformat()
    costs = []
    for targets, at, late in (
        (accounts[5:], TOMORROW.isoformat(), 0),
        (accounts, after, 0),
        (accounts[:1], TOMORROW.isoformat(), 1),
        (accounts, TOMORROW.isoformat(), 5),
    ):
        body = {"text": "Bread.", "targets": targets, "publish_at": at}
        with sent_to(database) as sent:
            post = accepted(await author.create(body))
        assert len(leaves_at(post)) == late
        costs.append(len(sent))
    nothing, with_room, one, all_ = costs
    assert with_room == nothing + 1
    assert one == all_ == nothing + 2


async def test_posts_of_a_batch_take_each_other_s_room(author: Author) -> None:
    account, other = await author.connect(Network.X), await author.connect(Network.X)
    await schedule(author, account, [TOMORROW])
    rows = [
        {"text": "Bread.", "targets": [account, other], "publish_at": at.isoformat()}
        for at in (TOMORROW + 2 * HOUR, TOMORROW + HOUR, TOMORROW + 5 * DAY)
    ]
    for dry_run in (True, False):
        body = {"posts": rows, "dry_run": dry_run}
        result = accepted(await author.ask("POST", "/v1/posts/bulk", json=body))
        last, middle, far = result["rows"]
        assert leaves_at(last) == [TOMORROW + DAY]  # of the other account it is the second
        assert last["warnings"][0]["account_id"] == account
        assert "warnings" not in middle
        assert "warnings" not in far


async def test_posts_of_the_same_moment_take_each_other_s_room(author: Author) -> None:
    account = await author.connect(Network.X)
    posts = await asyncio.gather(*(author.schedule(account) for _ in range(3)))
    assert sorted(leaves_at(post) for post in posts) == [[], [], [TOMORROW + DAY]]


async def test_rows_of_a_file_are_warned_of_too(author: Author) -> None:
    account = await author.connect(Network.X)
    lines = [f"{TOMORROW.isoformat()},{account},Bread {number}" for number in range(3)]
    answer = await author.ask(
        "POST",
        "/v1/posts/import",
        content="\n".join(["publish_at,accounts,text", *lines]),
        headers={"Content-Type": "text/csv"},
    )
    assert [leaves_at(row) for row in accepted(answer)["rows"]] == [[], [], [TOMORROW + DAY]]


async def test_an_account_that_may_send_more_than_others_has_its_own_room(
    author: Author, database: Database
) -> None:
    account = await author.connect(Network.INSTAGRAM)
    async with database.transaction() as session:
        await session.execute(
            update(AccountRow)
            .where(AccountRow.id == UUID(account))
            .values(limits={"posts_a_day": 1})
        )
    fields = {"media": [{"media_id": await author.upload()}]}
    assert leaves_at(await author.schedule(account, **fields)) == []
    assert leaves_at(await author.schedule(account, **fields)) == [TOMORROW + DAY]
