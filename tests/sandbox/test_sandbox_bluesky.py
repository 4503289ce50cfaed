"""Bluesky: sessions, records, their validation, blobs and limits."""

from typing import Any

import httpx
import pytest

XRPC = "/bluesky/xrpc"
REPO = f"{XRPC}/com.atproto.repo"
SERVER = f"{XRPC}/com.atproto.server"
POST = "app.bsky.feed.post"
RKEY = "3l6oveex3ii2l"
CREATED_AT = "2026-11-21T20:00:00.000Z"

Session = dict[str, Any]


@pytest.fixture
async def session(driver: Any) -> Session:
    credentials = (await driver.connect("bluesky"))["credentials"]
    login = {"identifier": credentials["identifier"], "password": credentials["app_password"]}
    answer = await driver.http.post(f"{SERVER}.createSession", json=login)
    assert answer.status_code == 200
    opened: Session = answer.json()
    return opened


def auth(session: Session, name: str = "accessJwt") -> dict[str, str]:
    return {"Authorization": f"Bearer {session[name]}"}


def record(text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"$type": POST, "text": text, "createdAt": CREATED_AT, **more}


async def write(
    driver: Any, session: Session, method: str, wanted: dict[str, Any], **more: Any
) -> httpx.Response:
    body = {"repo": session["did"], "collection": POST, "record": wanted, **more}
    answer: httpx.Response = await driver.http.post(
        f"{REPO}.{method}", json=body, headers=auth(session)
    )
    return answer


async def test_session_names_the_account(driver: Any, session: Session) -> None:
    assert session["handle"] == "acme.test"
    assert session["active"] is True
    assert session["didDoc"]["service"][0]["serviceEndpoint"] == f"{driver.base}/bluesky"
    answer = await driver.http.get(f"{SERVER}.getSession", headers=auth(session))
    assert answer.json()["did"] == session["did"]
    resolve = f"{XRPC}/com.atproto.identity.resolveHandle"
    answer = await driver.http.get(resolve, params={"handle": "acme.test"})
    assert answer.json() == {"did": session["did"]}
    answer = await driver.http.get(resolve, params={"handle": "nobody.test"})
    assert answer.status_code == 400


async def test_create_record_and_its_clash(driver: Any, session: Session) -> None:
    answer = await write(driver, session, "createRecord", record(), rkey=RKEY)
    body = answer.json()
    assert body["uri"] == f"at://{session['did']}/{POST}/{RKEY}"
    assert body["cid"].startswith("bafyrei")
    assert len(body["cid"]) == 59
    assert set(body["commit"]) == {"cid", "rev"}
    clash = await write(driver, session, "createRecord", record(), rkey=RKEY)
    assert clash.status_code == 500
    assert clash.json()["error"] == "InternalServerError"
    assert len(await driver.truth()) == 1
    friendly = f"/bluesky/profile/{session['did']}/post/{RKEY}"
    location = (await driver.http.get(friendly)).headers["location"]
    assert location == f"/pages/bluesky/acme.test#{RKEY}"


async def test_put_record_is_idempotent_and_guards(driver: Any, session: Session) -> None:
    guarded = {"rkey": RKEY, "swapRecord": None}
    first = (await write(driver, session, "putRecord", record(), **guarded)).json()
    again = await write(driver, session, "putRecord", record(), **guarded)
    assert again.status_code == 200
    assert again.json()["cid"] == first["cid"]
    assert "commit" not in again.json()
    other = await write(driver, session, "putRecord", record("other"), **guarded)
    assert (other.status_code, other.json()["error"]) == (400, "InvalidSwap")
    assert await driver.texts() == ["hello"]
    swapped = {"rkey": RKEY, "swapRecord": first["cid"]}
    changed = await write(driver, session, "putRecord", record("other"), **swapped)
    assert changed.status_code == 200
    assert await driver.texts() == ["other"]


async def test_records_are_found(driver: Any, session: Session) -> None:
    uris = [
        (await write(driver, session, "createRecord", record(str(number)))).json()["uri"]
        for number in range(3)
    ]
    wanted = {"repo": session["did"], "collection": POST}
    found = await driver.http.get(
        f"{REPO}.getRecord", params={**wanted, "rkey": uris[0].rpartition("/")[2]}
    )
    assert found.json()["value"]["text"] == "0"
    missing = await driver.http.get(f"{REPO}.getRecord", params={**wanted, "rkey": RKEY})
    assert (missing.status_code, missing.json()["error"]) == (400, "RecordNotFound")
    page = (await driver.http.get(f"{REPO}.listRecords", params={**wanted, "limit": 2})).json()
    assert [row["uri"] for row in page["records"]] == [uris[2], uris[1]]
    rest = {**wanted, "cursor": page["cursor"]}
    page = (await driver.http.get(f"{REPO}.listRecords", params=rest)).json()
    assert [row["uri"] for row in page["records"]] == [uris[0]]
    backwards = {**wanted, "reverse": "true"}
    page = (await driver.http.get(f"{REPO}.listRecords", params=backwards)).json()
    assert [row["uri"] for row in page["records"]] == uris


async def test_delete_record(driver: Any, session: Session) -> None:
    await write(driver, session, "createRecord", record(), rkey=RKEY)
    body = {"repo": session["did"], "collection": POST, "rkey": RKEY}
    for keys in ({"commit"}, set()):
        answer = await driver.http.post(f"{REPO}.deleteRecord", json=body, headers=auth(session))
        assert (answer.status_code, set(answer.json())) == (200, keys)
    assert await driver.truth() == []


FAMILY = "👩‍👩‍👧‍👦"


def facet(start: int, end: int) -> dict[str, Any]:
    link = {"$type": "app.bsky.richtext.facet#link", "uri": "https://example.com"}
    return {"index": {"byteStart": start, "byteEnd": end}, "features": [link]}


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (record("x" * 300), None),
        (record("x" * 301), "graphemes"),
        (record(FAMILY * 120), None),
        (record(FAMILY * 121), "3000"),
        (record("é", facets=[facet(0, 2)]), None),
        (record("é", facets=[facet(0, 3)]), "within the text"),
        (record("é", facets=[facet(0, 1)]), "cuts a character"),
        (record("ab", facets=[facet(1, 1)]), "within the text"),
        (record(createdAt="2026-11-21T20:00:00"), "createdAt"),
        (record(createdAt="2026-13-21T20:00:00Z"), "createdAt"),
        (record(createdAt="2026-11-21T20:00:00+01:00"), None),
        (record(langs=["a", "b", "c", "d"]), "langs"),
        (record(reply={"root": {}, "parent": {}}), "reply"),
        (record(embed={"$type": "app.bsky.embed.external", "external": {}}), "external"),
        (record(facets="x"), "facets"),
        (record(facets=[1]), "facets"),
        (record(langs="de"), "langs"),
        (record(embed={"$type": "app.bsky.embed.images", "images": [1]}), "images"),
        (record(embed=1), "embed"),
        ({"text": "no time"}, "createdAt"),
        ({"createdAt": CREATED_AT}, "text"),
    ],
)
async def test_posts_follow_the_lexicon(
    driver: Any, session: Session, wanted: dict[str, Any], reason: str | None
) -> None:
    answer = await write(driver, session, "putRecord", wanted, rkey=RKEY)
    if reason is None:
        assert answer.status_code == 200, answer.text
    else:
        assert (answer.status_code, answer.json()["error"]) == (400, "InvalidRequest")
        assert reason in answer.json()["message"]
        assert await driver.truth() == []


@pytest.mark.parametrize("rkey", ["self", "zzzzzzzzzzzzz", "3l6oveex3ii2", "3l6oveex3ii21"])
async def test_keys_are_tids(driver: Any, session: Session, rkey: str) -> None:
    answer = await write(driver, session, "putRecord", record(), rkey=rkey)
    assert (answer.status_code, answer.json()["error"]) == (400, "InvalidRequest")


async def upload(driver: Any, session: Session, content: bytes) -> dict[str, Any]:
    headers = {**auth(session), "Content-Type": "image/jpeg"}
    answer = await driver.http.post(f"{REPO}.uploadBlob", content=content, headers=headers)
    blob: dict[str, Any] = answer.json()["blob"]
    return blob


def with_images(*blobs: dict[str, Any]) -> dict[str, Any]:
    images = [{"image": blob, "alt": f"number {n}"} for n, blob in enumerate(blobs)]
    return record(embed={"$type": "app.bsky.embed.images", "images": images})


async def test_images_with_alt_text(driver: Any, session: Session, draw: Any) -> None:
    blob = await upload(driver, session, draw())
    assert blob["ref"]["$link"].startswith("bafkrei")
    assert blob["mimeType"] == "image/jpeg"
    answer = await write(driver, session, "createRecord", with_images(blob))
    assert answer.status_code == 200, answer.text
    assert (await driver.truth())[0]["media"][0]["alt_text"] == "number 0"
    many = await write(driver, session, "createRecord", with_images(*[blob] * 5))
    assert "more than 4" in many.json()["message"]
    no_alt = with_images(blob)
    del no_alt["embed"]["images"][0]["alt"]
    answer = await write(driver, session, "createRecord", no_alt)
    assert '"alt"' in answer.json()["message"]


async def test_blobs_are_checked_when_a_record_names_them(
    driver: Any, session: Session, draw: Any
) -> None:
    image = draw()
    for extra, expected in ((0, 200), (1, 400)):
        large = image + bytes(1_000_000 - len(image) + extra)
        blob = await upload(driver, session, large)
        assert blob["size"] == 1_000_000 + extra
        answer = await write(driver, session, "createRecord", with_images(blob))
        assert answer.status_code == expected
    assert answer.json()["error"] == "BlobTooLarge"
    blob["ref"] = {"$link": "bafkreinothing"}
    answer = await write(driver, session, "createRecord", with_images(blob))
    assert answer.json()["error"] == "BlobNotFound"


async def test_unreferenced_blobs_are_dropped(driver: Any, session: Session, draw: Any) -> None:
    blob = await upload(driver, session, draw())
    await driver.advance(3_601)
    answer = await write(driver, session, "createRecord", with_images(blob))
    assert answer.json()["error"] == "BlobNotFound"


async def test_reply_names_its_parent(driver: Any, session: Session) -> None:
    first = (await write(driver, session, "createRecord", record())).json()
    reference = {"uri": first["uri"], "cid": first["cid"]}
    reply = record("two", reply={"root": reference, "parent": reference})
    assert (await write(driver, session, "createRecord", reply)).status_code == 200
    entry = (await driver.truth())[1]
    assert (entry["kind"], entry["parent_id"]) == ("reply", first["uri"])


async def test_expired_access_is_400_and_refresh_rotates_with_grace(
    driver: Any, session: Session
) -> None:
    await driver.advance(7_201)
    answer = await write(driver, session, "createRecord", record())
    assert (answer.status_code, answer.json()["error"]) == (400, "ExpiredToken")
    refresh = f"{SERVER}.refreshSession"
    first = (await driver.http.post(refresh, headers=auth(session, "refreshJwt"))).json()
    assert (await write(driver, first, "createRecord", record())).status_code == 200
    again = (await driver.http.post(refresh, headers=auth(session, "refreshJwt"))).json()
    assert again["refreshJwt"] == first["refreshJwt"]
    await driver.advance(7_201)
    late = await driver.http.post(refresh, headers=auth(session, "refreshJwt"))
    assert (late.status_code, late.json()["error"]) == (400, "ExpiredToken")
    fresh = await driver.http.post(refresh, headers=auth(first, "refreshJwt"))
    assert fresh.status_code == 200


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, (401, "AuthMissing")), ("Bearer nonsense", (400, "InvalidToken"))],
)
async def test_calls_without_a_good_token(
    driver: Any, session: Session, header: str | None, expected: tuple[int, str]
) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = await driver.http.post(f"{REPO}.createRecord", json={}, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == expected
    mixed = await driver.http.get(f"{SERVER}.getSession", headers=auth(session, "refreshJwt"))
    assert (mixed.status_code, mixed.json()["error"]) == (400, "InvalidToken")


async def test_wrong_password_is_401(driver: Any, session: Session) -> None:
    login = {"identifier": session["handle"], "password": "wrong"}
    answer = await driver.http.post(f"{SERVER}.createSession", json=login)
    assert (answer.status_code, answer.json()["error"]) == (401, "AuthenticationRequired")


async def test_writes_cost_points(driver: Any, session: Session) -> None:
    created = await write(driver, session, "createRecord", record())
    assert created.headers["ratelimit-remaining"] == "4997"
    assert created.headers["ratelimit-policy"] == "5000;w=3600"
    put = await write(driver, session, "putRecord", record("x"), rkey=RKEY)
    assert put.headers["ratelimit-remaining"] == "4995"


async def test_logins_are_limited(driver: Any, session: Session) -> None:
    login = {"identifier": session["handle"], "password": "wrong"}
    for _ in range(29):
        await driver.http.post(f"{SERVER}.createSession", json=login)
    answer = await driver.http.post(f"{SERVER}.createSession", json=login)
    assert (answer.status_code, answer.json()["error"]) == (429, "RateLimitExceeded")
    assert 0 < int(answer.headers["retry-after"]) <= 301


async def test_revoked_account_needs_the_new_app_password(driver: Any, session: Session) -> None:
    old = (await driver.connect("bluesky"))["credentials"]["app_password"]
    await driver.fault("bluesky", "token_revoked", operation="publish")
    answer = await write(driver, session, "createRecord", record())
    assert (answer.status_code, answer.json()["error"]) == (400, "InvalidToken")
    fresh = (await driver.connect("bluesky"))["credentials"]["app_password"]
    for password, expected in ((old, 401), (fresh, 200)):
        login = {"identifier": session["handle"], "password": password}
        answer = await driver.http.post(f"{SERVER}.createSession", json=login)
        assert answer.status_code == expected
