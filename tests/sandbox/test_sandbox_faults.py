"""Every kind of fault, as a real client meets it."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

NETWORKS = ["facebook", "instagram", "x", "bluesky", "mastodon"]


class Poster:
    """Publishes a text on one network, the way that network wants it."""

    def __init__(self, driver: Any, network: str, credentials: dict[str, Any]) -> None:
        self.driver = driver
        self.network = network
        self.credentials = credentials
        self.container = ""
        self.token = str(credentials.get("access_token", ""))

    async def publish(self, text: str = "hello") -> httpx.Response:
        answer: httpx.Response = await self.driver.http.post(**self._request(text))
        return answer

    def _request(self, text: str) -> dict[str, Any]:
        bearer = {"Authorization": f"Bearer {self.token}"}
        match self.network:
            case "facebook":
                url = f"/facebook/v25.0/{self.credentials['page_id']}/feed"
                return {"url": url, "data": {"message": text, "access_token": self.token}}
            case "instagram":
                url = f"/instagram/v25.0/{self.credentials['ig_user_id']}/media_publish"
                return {"url": url, "data": {"creation_id": self.container}, "headers": bearer}
            case "x":
                return {"url": "/x/2/tweets", "json": {"text": text}, "headers": bearer}
            case "mastodon":
                url = "/mastodon/api/v1/statuses"
                return {"url": url, "json": {"status": text}, "headers": bearer}
        record = {"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-11-21T20:00:00Z"}
        body = {"repo": self.credentials["did"], "collection": "app.bsky.feed.post"}
        url = "/bluesky/xrpc/com.atproto.repo.createRecord"
        return {"url": url, "json": {**body, "record": record}, "headers": bearer}


async def connected_poster(driver: Any, network: str, media_site: Any, draw: Any) -> Poster:
    poster = Poster(driver, network, (await driver.connect(network))["credentials"])
    if network == "bluesky":
        login = {
            "identifier": poster.credentials["identifier"],
            "password": poster.credentials["app_password"],
        }
        path = "/bluesky/xrpc/com.atproto.server.createSession"
        poster.token = (await driver.http.post(path, json=login)).json()["accessJwt"]
    if network == "instagram":
        root, auth = "/instagram/v25.0", {"Authorization": f"Bearer {poster.token}"}
        values = {"image_url": media_site.put("f.jpg", draw()), "caption": "hello"}
        path = f"{root}/{poster.credentials['ig_user_id']}/media"
        created = await driver.http.post(path, data=values, headers=auth)
        poster.container = created.json()["id"]
        for _ in range(2):
            await driver.http.get(f"{root}/{poster.container}", headers=auth)
    return poster


@pytest.fixture(params=NETWORKS)
async def poster(request: Any, driver: Any, media_site: Any, draw: Any) -> Poster:
    return await connected_poster(driver, request.param, media_site, draw)


async def test_answer_is_verbatim_and_nothing_is_done(driver: Any, poster: Poster) -> None:
    wanted = {"status": 418, "body": {"tea": "pot"}, "headers": {"X-Kind": "green"}}
    await driver.fault(poster.network, "answer", operation="publish", **wanted)
    answer = await poster.publish()
    assert (answer.status_code, answer.json()) == (418, {"tea": "pot"})
    assert answer.headers["x-kind"] == "green"
    assert await driver.truth() == []
    assert (await poster.publish()).is_success


@pytest.mark.parametrize(("kind", "public"), [("drop_before_commit", 0), ("drop_after_commit", 1)])
async def test_dropped_connection_gives_no_answer(
    driver: Any, poster: Poster, kind: str, public: int
) -> None:
    await driver.fault(poster.network, kind, operation="publish")
    with pytest.raises(httpx.TransportError) as dropped:
        await poster.publish()
    assert isinstance(dropped.value, httpx.ReadError | httpx.RemoteProtocolError)
    assert len(await driver.truth()) == public


async def test_drop_is_a_reset_on_the_wire(driver: Any) -> None:
    """Not merely a close: the kernel reports that the peer reset the connection."""
    account = (await driver.connect("x"))["credentials"]
    await driver.fault("x", "drop_after_commit", operation="publish")
    host, port = driver.base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = b'{"text":"raw"}'
    writer.write(
        b"POST /x/2/tweets HTTP/1.1\r\nHost: sandbox\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer " + account["access_token"].encode() + b"\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    )
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    assert await driver.texts() == ["raw"]


async def test_error_after_commit_is_500_in_the_networks_shape(driver: Any, poster: Poster) -> None:
    await driver.fault(poster.network, "error_after_commit", operation="publish")
    answer = await poster.publish()
    assert answer.status_code == 500
    body = answer.json()
    assert body.get("error") or body.get("title")
    assert len(await driver.truth()) == 1


async def test_late_answer_is_public_before_it_comes(driver: Any, poster: Poster) -> None:
    await driver.fault(poster.network, "late_answer", operation="publish", seconds=0.4)
    assert (await poster.publish()).is_success
    answered = datetime.now(UTC)
    [entry] = await driver.truth()
    assert answered - datetime.fromisoformat(entry["public_at"]) >= timedelta(seconds=0.4)


async def test_latency_is_before_the_commit(driver: Any, poster: Poster) -> None:
    await driver.fault(poster.network, "latency", operation="publish", seconds=0.3)
    asked = datetime.now(UTC)
    assert (await poster.publish()).is_success
    [entry] = await driver.truth()
    assert datetime.fromisoformat(entry["public_at"]) - asked >= timedelta(seconds=0.3)


async def test_malformed_json_after_the_commit(driver: Any, poster: Poster) -> None:
    await driver.fault(poster.network, "malformed_json", operation="publish")
    answer = await poster.publish()
    assert answer.is_success
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert len(await driver.truth()) == 1


@pytest.mark.parametrize(
    ("network", "status", "header"),
    [
        ("facebook", 400, "x-business-use-case-usage"),
        ("instagram", 400, "x-business-use-case-usage"),
        ("x", 429, "x-rate-limit-reset"),
        ("bluesky", 429, "ratelimit-reset"),
        ("mastodon", 429, "x-ratelimit-reset"),
    ],
)
async def test_rate_limited(
    driver: Any, media_site: Any, draw: Any, network: str, status: int, header: str
) -> None:
    poster = await connected_poster(driver, network, media_site, draw)
    await driver.fault(network, "rate_limited", operation="publish", retry_after_seconds=90)
    asked = time.time()
    answer = await poster.publish()
    answered = time.time()
    assert answer.status_code == status
    assert header in answer.headers
    if network == "facebook":
        usage = json.loads(answer.headers[header])[poster.credentials["page_id"]]
        assert usage[0]["estimated_time_to_regain_access"] == 2
    if network in {"x", "bluesky"}:
        assert asked + 88 <= int(answer.headers[header]) <= answered + 92
    if network == "bluesky":
        assert answer.headers["retry-after"] == "90"
    assert await driver.truth() == []


@pytest.mark.parametrize(
    ("network", "status", "sign"),
    [
        ("facebook", 400, "80001"),
        ("instagram", 400, "2207042"),
        ("x", 429, "usage-capped"),
        ("bluesky", 429, "RateLimitExceeded"),
        ("mastodon", 429, "Too many requests"),
    ],
)
async def test_quota_exhausted(
    driver: Any, media_site: Any, draw: Any, network: str, status: int, sign: str
) -> None:
    poster = await connected_poster(driver, network, media_site, draw)
    await driver.fault(network, "quota_exhausted", operation="publish")
    answer = await poster.publish()
    assert answer.status_code == status
    assert sign in answer.text
    assert await driver.truth() == []


@pytest.mark.parametrize("kind", ["token_expired", "token_revoked"])
async def test_token_ends_at_the_chosen_call(driver: Any, poster: Poster, kind: str) -> None:
    await driver.fault(poster.network, kind, operation="publish")
    for _ in range(2):
        answer = await poster.publish()
        assert answer.status_code in {400, 401}
    assert await driver.truth() == []


async def test_expired_x_token_can_be_refreshed_a_revoked_one_cannot(driver: Any) -> None:
    for kind, status in (("token_expired", 200), ("token_revoked", 400)):
        account = (await driver.connect("x"))["credentials"]
        poster = Poster(driver, "x", account)
        await driver.fault("x", kind, operation="publish")
        await poster.publish(kind)
        form = {"grant_type": "refresh_token", "client_id": account["client_id"]}
        form["refresh_token"] = account["refresh_token"]
        answer = await driver.http.post("/x/2/oauth2/token", data=form)
        assert answer.status_code == status


@pytest.mark.parametrize("polls", [2, None])
async def test_instagram_processing_for_some_polls_or_forever(
    driver: Any, media_site: Any, draw: Any, polls: int | None
) -> None:
    await driver.fault("instagram", "media_processing", polls=polls)
    poster = await connected_poster(driver, "instagram", media_site, draw)
    wanted = {"fields": "status_code", "access_token": poster.token}
    path = f"/instagram/v25.0/{poster.container}"
    seen = [(await driver.http.get(path, params=wanted)).json()["status_code"] for _ in range(3)]
    assert seen == (["FINISHED"] * 3 if polls == 2 else ["IN_PROGRESS"] * 3)


async def test_instagram_media_fails(driver: Any, media_site: Any, draw: Any) -> None:
    await driver.fault("instagram", "media_failed")
    poster = await connected_poster(driver, "instagram", media_site, draw)
    wanted = {"fields": "status_code", "access_token": poster.token}
    answer = await driver.http.get(f"/instagram/v25.0/{poster.container}", params=wanted)
    assert answer.json()["status_code"] == "ERROR"


@pytest.mark.parametrize(("kind", "state"), [("media_processing", "pending"), ("media_failed", "")])
async def test_x_media_processing_and_failure(
    driver: Any, draw: Any, kind: str, state: str
) -> None:
    account = (await driver.connect("x"))["credentials"]
    auth = {"Authorization": f"Bearer {account['access_token']}"}
    await driver.fault("x", kind, polls=1)
    answer = await driver.http.post(
        "/x/2/media/upload",
        data={"media_category": "tweet_image"},
        files={"media": ("a.jpg", draw())},
        headers=auth,
    )
    data = answer.json()["data"]
    if state:
        assert data["processing_info"]["state"] == state
    wanted = {"command": "STATUS", "media_id": data["id"]}
    looked = await driver.http.get("/x/2/media/upload", params=wanted, headers=auth)
    final = "failed" if kind == "media_failed" else "in_progress"
    assert looked.json()["data"]["processing_info"]["state"] == final


async def test_skip_times_account_and_operation(driver: Any) -> None:
    ours = Poster(driver, "x", (await driver.connect("x", "ours"))["credentials"])
    theirs = Poster(driver, "x", (await driver.connect("x", "theirs"))["credentials"])
    await driver.fault(
        "x", "answer", account="ours", operation="publish", skip=1, times=2, status=503
    )
    seen = [(await ours.publish(str(n))).status_code for n in range(4)]
    assert seen == [201, 503, 503, 201]
    assert (await theirs.publish()).status_code == 201
    await driver.fault("x", "answer", operation="reply", status=503)
    assert (await ours.publish("no reply")).status_code == 201
    open_faults = (await driver.http.get("/_sandbox/faults")).json()
    assert [(fault["kind"], fault["met"]) for fault in open_faults] == [("answer", 0)]
    assert (await driver.http.delete("/_sandbox/faults")).json() == {"cleared": 1}


async def test_forever_lasts_until_cleared(driver: Any) -> None:
    poster = Poster(driver, "x", (await driver.connect("x"))["credentials"])
    await driver.fault("x", "answer", times=None, status=503, body="plain text")
    for _ in range(3):
        assert (await poster.publish()).text == "plain text"
    await driver.http.delete("/_sandbox/faults")
    assert (await poster.publish()).status_code == 201


async def test_refused_call_does_not_use_up_a_fault_after_commit(driver: Any) -> None:
    poster = Poster(driver, "x", (await driver.connect("x"))["credentials"])
    await driver.fault("x", "error_after_commit", operation="publish")
    assert (await poster.publish("x" * 281)).status_code == 403
    assert (await poster.publish("short")).status_code == 500
    assert await driver.texts() == ["short"]


async def test_first_comment_on_facebook_can_be_dropped(driver: Any) -> None:
    poster = Poster(driver, "facebook", (await driver.connect("facebook"))["credentials"])
    await driver.fault("facebook", "drop_after_commit", operation="comment")
    post = (await poster.publish()).json()["id"]
    with pytest.raises(httpx.TransportError):
        await driver.http.post(
            f"/facebook/v25.0/{post}/comments",
            data={"message": "first", "access_token": poster.token},
        )
    assert [entry["kind"] for entry in await driver.truth()] == ["post", "comment"]


async def test_unknown_kind_is_refused(driver: Any) -> None:
    answer = await driver.http.post("/_sandbox/faults", json={"network": "x", "kind": "typo"})
    assert answer.status_code == 422
