"""What `make demo` counts as good, and the follower who looks on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from api.app import create_app
from networks.http_client import HttpClient
from runtime.settings import Settings
from stack.demo_follower import Follower, following
from stack.demo_report import DemoFailed, Shown, report
from tests.api.conftest import NewPerson, new_user, serving
from tests.api.feed_actors import Reader

__all__ = ["new_user"]

ON_FEED = Shown(
    network="feed",
    kind="text",
    status="published",
    permalink="http://127.0.0.1/v1/feed/posts/1",
    lateness_ms=3,
    expected=1,
    public=1,
    heard_ms=41,
)
ELSEWHERE = replace(ON_FEED, network="x", heard_ms=None)


def test_all_is_well_when_everything_is_public_once_and_was_heard_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert report([ON_FEED, ELSEWHERE])
    shown = capsys.readouterr().out
    assert shown.endswith("\ndemo: published 2/2, duplicates 0, missing 0\n")
    assert "text                      41 ms\n" in shown


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (replace(ON_FEED, heard_ms=None), "did not arrive"),
        (replace(ON_FEED, public=2), "duplicates 1"),
        (replace(ON_FEED, public=0), "missing 1"),
        (replace(ON_FEED, status="failed"), "published 1/2"),
    ],
)
def test_nothing_else_is(wrong: Shown, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert not report([wrong, ELSEWHERE])
    assert told in capsys.readouterr().out


def test_a_demonstration_without_the_feed_shows_too_little() -> None:
    assert not report([ELSEWHERE])
    assert not report([])


async def test_the_follower_hears_of_what_the_page_publishes_and_of_nothing_else(
    settings: Settings, new_user: NewPerson
) -> None:
    http = HttpClient(allow_private_addresses=True)
    async with (
        serving(create_app(settings)) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as client,
    ):
        page, other = Reader(client, await new_user("page")), Reader(client, await new_user("bob"))
        began = datetime.now(UTC)
        async with following(http, url, page.id) as follower:
            unheard = await other.publish("Mine.")
            post = await page.publish("Bread.")
            heard = await follower.heard([post], within=timedelta(seconds=20))
            assert list(heard) == [post]
            assert began < heard[post] <= datetime.now(UTC)
            # It was told of before the other's post could be: that is waited for no longer.
            assert await follower.heard([unheard, post], within=timedelta(0)) == heard
        assert (await page.get("profiles/page"))["follower_count"] == 1
    await http.close()


async def test_who_cannot_connect_or_follow_is_told_why(
    settings: Settings, new_user: NewPerson
) -> None:
    http = HttpClient(allow_private_addresses=True)
    async with serving(create_app(settings)) as url:
        with pytest.raises(DemoFailed, match="socket cannot connect"):
            await Follower(url).connect("not a token")
        with pytest.raises(DemoFailed, match=r"/follow: 404"):
            async with following(http, url, str(uuid4())):
                pytest.fail("followed nobody")
    await http.close()
