"""Accounts, the clock, the truth, request counts, and what a restart brings back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.settings import Settings

NETWORKS = ["facebook", "instagram", "x", "bluesky", "mastodon"]


@pytest.mark.parametrize("network", NETWORKS)
async def test_account_is_the_same_when_asked_again(driver: Any, network: str) -> None:
    first = await driver.connect(network, "alice.test", name="Alice")
    again = await driver.connect(network, "Alice.test")
    assert again == first
    assert first["name"] == "Alice"
    listed = (await driver.http.get("/_sandbox/accounts")).json()
    assert listed == [first]


async def test_lifetime_of_an_access_token_can_be_chosen(driver: Any) -> None:
    order = {"access_token_lifetime_seconds": 60}
    account = (await driver.connect("mastodon", "short", **order))["credentials"]
    auth = {"Authorization": f"Bearer {account['access_token']}"}
    path = "/mastodon/api/v1/accounts/verify_credentials"
    assert (await driver.http.get(path, headers=auth)).status_code == 200
    await driver.advance(60)
    assert (await driver.http.get(path, headers=auth)).status_code == 401


async def test_clock_moves_and_goes_on(driver: Any) -> None:
    async def now() -> datetime:
        return datetime.fromisoformat((await driver.http.get("/_sandbox/clock")).json()["now"])

    await driver.advance(3_600)
    assert timedelta(minutes=59) < await now() - datetime.now(UTC) < timedelta(minutes=61)
    await driver.http.post("/_sandbox/clock", json={"now": "2030-01-01T00:00:00Z"})
    first = await now()
    assert first.year == 2030
    assert await now() > first
    await driver.http.delete("/_sandbox/clock")
    assert abs(await now() - datetime.now(UTC)) < timedelta(seconds=5)
    for bad in (
        {},
        {"now": "2030-01-01T00:00:00"},
        {"advance_seconds": 1, "now": first.isoformat()},
    ):
        assert (await driver.http.post("/_sandbox/clock", json=bad)).status_code == 422


async def toot(http: httpx.AsyncClient, credentials: dict[str, str], text: str) -> httpx.Response:
    return await http.post(
        "/mastodon/api/v1/statuses",
        json={"status": text},
        headers={
            "Authorization": f"Bearer {credentials['access_token']}",
            "Idempotency-Key": text,
        },
    )


async def test_truth_is_in_order_and_can_be_narrowed(driver: Any) -> None:
    ours = (await driver.connect("mastodon", "ours"))["credentials"]
    theirs = (await driver.connect("mastodon", "theirs"))["credentials"]
    for number in range(3):
        await toot(driver.http, ours, f"ours {number}")
        await toot(driver.http, theirs, f"theirs {number}")
    every = await driver.truth()
    assert [entry["sequence"] for entry in every] == [1, 2, 3, 4, 5, 6]
    assert await driver.texts(account="ours") == ["ours 0", "ours 1", "ours 2"]
    assert await driver.texts(account=theirs["account_id"], since_sequence=4) == ["theirs 2"]
    assert await driver.texts(network="x") == []
    entry = every[0]
    assert set(entry) == {
        "sequence",
        "network",
        "account",
        "handle",
        "id",
        "kind",
        "text",
        "parent_id",
        "media",
        "extra",
        "permalink",
        "received_at",
        "public_at",
        "deleted_at",
    }
    received, public = (
        datetime.fromisoformat(entry[name]) for name in ("received_at", "public_at")
    )
    assert received <= public
    assert len(entry["received_at"]) == len("2026-11-21T20:00:00.000000Z")


async def test_requests_are_counted(driver: Any) -> None:
    account = (await driver.connect("mastodon"))["credentials"]
    await toot(driver.http, account, "one")
    await toot(driver.http, account, "")
    await driver.fault("mastodon", "drop_before_commit")
    with pytest.raises(httpx.TransportError):
        await toot(driver.http, account, "two")
    counts = (await driver.http.get("/_sandbox/requests")).json()
    assert [(row["operation"], row["status"], row["count"]) for row in counts] == [
        ("publish", "200", 1),
        ("publish", "422", 1),
        ("publish", "dropped", 1),
    ]


async def test_clearing_forgets_everything(driver: Any) -> None:
    account = (await driver.connect("mastodon"))["credentials"]
    await toot(driver.http, account, "one")
    await driver.fault("mastodon", "latency")
    await driver.advance(60)
    assert (await driver.http.delete("/_sandbox/state")).status_code == 200
    assert await driver.truth() == []
    for path in ("accounts", "faults", "requests"):
        assert (await driver.http.get(f"/_sandbox/{path}")).json() == []
    assert (await toot(driver.http, account, "two")).status_code == 401


async def test_restart_brings_everything_lasting_back(
    run_sandbox: Any, tmp_path: Path, media_site: Any, draw: Any
) -> None:
    settings = Settings(data=tmp_path / "sandbox")
    order = {"network": "instagram", "handle": "acme"}
    with run_sandbox(settings) as base:
        async with httpx.AsyncClient(base_url=base) as http:
            ours = (await http.post("/_sandbox/accounts", json=order)).json()
            path = f"/instagram/v25.0/{ours['account_id']}"
            token = {"access_token": ours["credentials"]["access_token"]}
            values = {"image_url": media_site.put("r.jpg", draw()), "caption": "kept", **token}
            used, waiting = [
                (await http.post(f"{path}/media", data=values)).json()["id"] for _ in range(2)
            ]
            for container in (used, used, waiting):
                await http.get(f"/instagram/v25.0/{container}", params=token)
            await http.post(f"{path}/media_publish", data={"creation_id": used, **token})
            mastodon = {"network": "mastodon", "handle": "acme"}
            theirs = (await http.post("/_sandbox/accounts", json=mastodon)).json()["credentials"]
            status = (await toot(http, theirs, "tooted")).json()["id"]
            await http.post("/_sandbox/clock", json={"advance_seconds": 600})
            before = (await http.get("/_sandbox/truth")).json()
    with (settings.data or tmp_path).joinpath("journal.jsonl").open("a") as journal:
        journal.write('{"change":"half a li')
    with run_sandbox(settings) as base:
        async with httpx.AsyncClient(base_url=base) as http:
            after = (await http.get("/_sandbox/truth")).json()
            assert [{**row, "permalink": ""} for row in after] == [
                {**row, "permalink": ""} for row in before
            ]
            again = (await http.post("/_sandbox/accounts", json=order)).json()
            assert again["credentials"] == ours["credentials"]
            wanted = {"fields": "status_code", **token}
            shown = [
                (await http.get(f"/instagram/v25.0/{container}", params=wanted)).json()
                for container in (used, waiting)
            ]
            assert [row["status_code"] for row in shown] == ["PUBLISHED", "FINISHED"]
            limit = await http.get(f"{path}/content_publishing_limit", params=token)
            assert limit.json()["data"][0]["quota_usage"] == 1
            assert (await toot(http, theirs, "tooted")).json()["id"] == status
            clock = (await http.get("/_sandbox/clock")).json()
            assert 599 < clock["offset_seconds"] < 601
            image = after[0]["media"][0]["sha256"]
            assert (await http.get(f"/pages/media/{image}")).content == draw()


async def test_latency_is_added_to_publishing_and_links_use_the_public_url(
    run_sandbox: Any,
) -> None:
    settings = Settings(latency_seconds=0.3, public_url="https://sandbox.example")
    with run_sandbox(settings) as base:
        async with httpx.AsyncClient(base_url=base) as http:
            order = {"network": "mastodon", "handle": "acme"}
            account = (await http.post("/_sandbox/accounts", json=order)).json()["credentials"]
            assert account["instance_url"] == "https://sandbox.example/mastodon"
            answer = await toot(http, account, "slow")
            assert answer.elapsed >= timedelta(seconds=0.3)
            assert answer.json()["url"].startswith("https://sandbox.example/pages/mastodon/acme#")
            path = "/mastodon/api/v1/accounts/verify_credentials"
            auth = {"Authorization": f"Bearer {account['access_token']}"}
            assert (await http.get(path, headers=auth)).elapsed < timedelta(seconds=0.3)
