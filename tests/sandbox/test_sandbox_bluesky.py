"""Bluesky: sessions, records, their validation, blobs and limits."""

from typing import Any

import httpx
import pytest

XRPC = "/bluesky/xrpc"
REPO = f"{XRPC}/com.atproto.repo"
SERVER = f"{XRPC}/com.atproto.server"
POST = "app.bsky.feed.post"
RKEY = "3l6oveex3ii2l"
NOBODY = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"
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


def record(text: str | None = "hello", **more: Any) -> dict[str, Any]:
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


@pytest.mark.parametrize("handle", ["", "alice", ".com", "a..com", "a_b.test", "@acme.test"])
async def test_looking_up_what_is_no_handle_is_a_server_error(driver: Any, handle: str) -> None:
    resolve = f"{XRPC}/com.atproto.identity.resolveHandle"
    answer = await driver.http.get(resolve, params={"handle": handle})
    assert (answer.status_code, answer.json()["error"]) == (500, "InternalServerError")


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


async def test_records_of_nobody_are_not_found_by_name(driver: Any, session: Session) -> None:
    wanted = {"repo": NOBODY, "collection": POST}
    for method, params, message in (
        ("getRecord", {**wanted, "rkey": RKEY}, "Could not locate record"),
        ("listRecords", wanted, f"Could not find repo: {NOBODY}"),
    ):
        answer = await driver.http.get(f"{REPO}.{method}", params=params)
        assert answer.status_code == 400
        assert answer.json() == {"error": "InvalidRequest", "message": message}


@pytest.mark.parametrize(
    ("method", "change"),
    [
        ("listRecords", {"limit": "200"}),
        ("listRecords", {"limit": "0"}),
        ("listRecords", {"limit": "x"}),
        ("listRecords", {"repo": "nonsense"}),
        ("listRecords", {"collection": ""}),
        ("getRecord", {"rkey": "a b"}),
        ("getRecord", {"cid": "x"}),
    ],
)
async def test_query_that_makes_no_sense_is_a_server_error(
    driver: Any, session: Session, method: str, change: dict[str, str]
) -> None:
    params = {"repo": session["did"], "collection": POST, "rkey": RKEY, **change}
    answer = await driver.http.get(f"{REPO}.{method}", params=params)
    assert (answer.status_code, answer.json()["error"]) == (500, "InternalServerError")


@pytest.mark.parametrize("method", ["createRecord", "putRecord", "deleteRecord"])
async def test_only_the_owner_writes(driver: Any, session: Session, method: str) -> None:
    stranger = (await driver.connect("bluesky", "stranger.test"))["credentials"]
    for repo, status, error, message in (
        (stranger["did"], 401, "AuthenticationRequired", "Authentication Required"),
        (stranger["handle"], 401, "AuthenticationRequired", "Authentication Required"),
        (NOBODY, 403, "AccountNotFound", "Account not found"),
        ("nobody.test", 403, "AccountNotFound", "Account not found"),
    ):
        answer = await write(driver, session, method, record(), repo=repo, rkey=RKEY)
        assert answer.status_code == status
        assert answer.json() == {"error": error, "message": message}
    assert await driver.truth() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"repo": "nonsense"}, 'Invalid AT identifier (got "nonsense") at $.repo'),
        ({"collection": "nonsense"}, 'Invalid NSID (got "nonsense") at $.collection'),
        ({"rkey": ".."}, 'Invalid record key (got "..") at $.rkey'),
        ({"rkey": 3}, "Expected string value type (got 3) at $.rkey"),
        ({"rkey": "x" * 513}, "string too big (maximum 512, got 513) at $.rkey"),
        ({"record": [1]}, "Expected object value type (got [1]) at $.record"),
        ({"swapRecord": "x"}, 'Invalid CID string (got "x") at $.swapRecord'),
    ],
)
async def test_calls_follow_their_lexicon(
    driver: Any, session: Session, change: dict[str, Any], message: str
) -> None:
    wanted = {"rkey": RKEY, "record": record(), **change}
    answer = await write(driver, session, "putRecord", wanted.pop("record"), **wanted)
    assert answer.status_code == 400
    assert answer.json() == {"error": "InvalidRequest", "message": message}


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (b'{"a":', "SyntaxError", "Unexpected end of JSON input"),
        (b"nonsense", "SyntaxError", "Unexpected token 'n' in JSON at position 0"),
        (b"\xff", "SyntaxError", "Unexpected token"),
        (b'"x"', "SyntaxError", "Unexpected token"),
        (b"[1]", "InvalidRequest", "Expected object value type (got [1]) at $"),
        (b"{}", "InvalidRequest", 'Missing required key "repo" at $'),
        (b"", "InvalidRequest", 'Missing required key "repo" at $'),
    ],
)
async def test_bodies_that_are_no_input(
    driver: Any, session: Session, body: bytes, error: str, message: str
) -> None:
    headers = {**auth(session), "Content-Type": "application/json"}
    answer = await driver.http.post(f"{REPO}.putRecord", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert message in answer.json()["message"]
    login = await driver.http.post(
        f"{SERVER}.createSession", content=body, headers={"Content-Type": "application/json"}
    )
    assert (login.status_code, login.json()["error"]) == (400, error)


async def test_delete_record(driver: Any, session: Session) -> None:
    await write(driver, session, "createRecord", record(), rkey=RKEY)
    body = {"repo": session["did"], "collection": POST, "rkey": RKEY}
    for keys in ({"commit"}, set()):
        answer = await driver.http.post(f"{REPO}.deleteRecord", json=body, headers=auth(session))
        assert (answer.status_code, set(answer.json())) == (200, keys)
    assert await driver.truth() == []


FAMILY = "👩‍👩‍👧‍👦"


def facet(start: int, end: int, kind: str = "link", **feature: Any) -> dict[str, Any]:
    what = {"$type": f"app.bsky.richtext.facet#{kind}", **(feature or {"uri": "https://a.example"})}
    return {"index": {"byteStart": start, "byteEnd": end}, "features": [what]}


CID = "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"
MISSING = {"uri": f"at://{NOBODY}/{POST}/{RKEY}", "cid": CID}
FEATURE = "$.record.facets[0].features[0]"


@pytest.mark.parametrize(
    "wanted",
    [
        record("x" * 300),
        record(FAMILY * 120),
        record("é", facets=[facet(0, 2)]),
        record("é", facets=[facet(0, 3)]),
        record("é", facets=[facet(0, 1)]),
        record("ab", facets=[facet(1, 1)]),
        record("ab", facets=[facet(2, 1)]),
        record("ab", facets=[facet(0, 1, uri="https://é.example/\x1c")]),
        record("ab", facets=[facet(0, 1, uri="mailto:a@b")]),
        record("ab", facets=[facet(0, 1, "mention", did="did:plc:x")]),
        record("ab", facets=[facet(0, 1, "tag", tag="a" * 64)]),
        record("ab", facets=[facet(0, 1, "new", anything=1)]),
        record(createdAt="2026-11-21T20:00:00+01:00"),
        record(createdAt="2026-02-30T20:00:00.123456789Z"),
        record(langs=["en", "zh-Hant-TW", "de-CH-1996"]),
        record(langs=["i-klingon", "x-private", "abcd"]),
        record(tags=["a" * 64]),
        record(reply={"root": MISSING, "parent": MISSING}),
        record(embed={"$type": "app.bsky.embed.record", "record": MISSING}),
        record(embed={"$type": "com.example.new", "anything": [{}]}),
        record(new=1.0),
        {"text": "no type", "createdAt": CREATED_AT},
    ],
)
async def test_posts_that_are_taken(driver: Any, session: Session, wanted: dict[str, Any]) -> None:
    answer = await write(driver, session, "putRecord", wanted, rkey=RKEY)
    assert answer.status_code == 200, answer.text
    assert len(await driver.truth()) == 1


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (record("x" * 301), "grapheme too big (maximum 300, got 301) at $.record.text"),
        (record(FAMILY * 121), "string too big (maximum 3000, got 3025) at $.record.text"),
        ({"createdAt": CREATED_AT}, 'Missing required key "text" at $.record'),
        ({"text": "no time"}, 'Missing required key "createdAt" at $.record'),
        (record(None), "Expected string value type (got null) at $.record.text"),
        (record(createdAt="2026-11-21T20:00:00"), "Invalid datetime"),
        (record(createdAt="2026-13-21T20:00:00Z"), "at $.record.createdAt"),
        (record(createdAt="2026-11-21T20:00:60Z"), "Invalid datetime"),
        (record(createdAt="2026-11-21T20:00:00-00:00"), "Invalid datetime"),
        (record(langs="de"), 'Expected array value type (got "de") at $.record.langs'),
        (record(langs=["a", "b", "c", "d"]), "array too big (maximum 3, got 4) at $.record.langs"),
        (record(langs=["en_US"]), 'Invalid language (got "en_US") at $.record.langs[0]'),
        (record(langs=["en", "e"]), 'Invalid language (got "e") at $.record.langs[1]'),
        (record(langs=[""]), 'Invalid language (got "")'),
        (record(tags=["a"] * 9), "array too big (maximum 8, got 9) at $.record.tags"),
        (record(tags=["a" * 65]), "grapheme too big (maximum 64, got 65) at $.record.tags[0]"),
        (record(facets="x"), 'Expected array value type (got "x") at $.record.facets'),
        (record(facets=[1]), "Expected object value type (got 1) at $.record.facets[0]"),
        (record(facets=[facet(-1, 1)]), "integer too small (minimum 0, got -1)"),
        (record(facets=[facet(True, 1)]), "Expected integer value type (got true)"),
        (record(facets=[facet(0, 1, uri="a.example")]), f"at {FEATURE}.uri"),
        (record(facets=[facet(0, 1, uri="https://")]), 'Invalid uri (got "https://")'),
        (record(facets=[facet(0, 1, uri="https:///x")]), "Invalid uri"),
        (record(facets=[facet(0, 1, uri="https://a\ufeffb")]), "Invalid uri"),
        (record(facets=[facet(0, 1, uri="https://" + "a" * 50 + " ")]), f"{'a' * 39}…"),
        (record(facets=[facet(0, 1, "mention", did="alice")]), 'Invalid DID (got "alice")'),
        (record(facets=[facet(0, 1, "tag", tag="a" * 65)]), f"got 65) at {FEATURE}.tag"),
        (record(facets=[facet(0, 1, "link", tag="a")]), 'Missing required key "uri"'),
        (
            record(facets=[{"index": {"byteStart": 0, "byteEnd": 1}, "features": [{"a": 1}]}]),
            'an object which includes the "$type" property value type (got {"a": ...})',
        ),
        (record(reply={"root": {}}), 'Missing required key "uri" at $.record.reply.root'),
        (record(reply={"root": MISSING}), 'Missing required key "parent" at $.record.reply'),
        (
            record(reply={"root": {**MISSING, "uri": "at://x"}, "parent": MISSING}),
            'Invalid at-uri (got "at://x") at $.record.reply.root.uri',
        ),
        (
            record(reply={"root": MISSING, "parent": {**MISSING, "cid": "bafy"}}),
            'Invalid CID string (got "bafy") at $.record.reply.parent.cid',
        ),
        (
            record(embed={"$type": "app.bsky.embed.external", "external": {}}),
            'Missing required key "uri" at $.record.embed.external',
        ),
        (
            record(embed={"$type": "app.bsky.embed.images", "images": [1]}),
            "Expected object value type (got 1) at $.record.embed.images[0]",
        ),
        (record(embed=1), 'the "$type" property value type (got 1) at $.record.embed'),
        (record(embed={"$type": 1}), "(got 1) at $.record.embed.$type"),
    ],
)
async def test_posts_follow_the_lexicon(
    driver: Any, session: Session, wanted: dict[str, Any], reason: str
) -> None:
    answer = await write(driver, session, "putRecord", wanted, rkey=RKEY)
    assert (answer.status_code, answer.json()["error"]) == (400, "InvalidRequest")
    assert answer.json()["message"].startswith(f"Invalid {POST} record: ")
    assert reason in answer.json()["message"]
    assert await driver.truth() == []


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (record(new=1.5), "array or object value type (got 1.5) at $.record.new"),
        (record(new={"a b": [1.5]}), '(got 1.5) at $.record.new["a b"][0]'),
        ({**record(), "$type": "a.b.c"}, f"Invalid $type: expected {POST}, got a.b.c"),
    ],
)
async def test_records_that_are_no_posts(
    driver: Any, session: Session, wanted: dict[str, Any], message: str
) -> None:
    answer = await write(driver, session, "putRecord", wanted, rkey=RKEY)
    assert (answer.status_code, answer.json()["error"]) == (400, "InvalidRequest")
    assert answer.json()["message"].endswith(message)


@pytest.mark.parametrize("rkey", ["self", "zzzzzzzzzzzzz", "3l6oveex3ii2", "3l6oveex3ii21"])
async def test_keys_are_tids(driver: Any, session: Session, rkey: str) -> None:
    answer = await write(driver, session, "putRecord", record(), rkey=rkey)
    assert (answer.status_code, answer.json()["error"]) == (400, "InvalidRequest")
    message = f'Invalid record key for {POST}: Invalid TID string (got "{rkey}") at $'
    assert answer.json()["message"] == message


async def upload(
    driver: Any, session: Session, content: bytes, content_type: str = "image/jpeg"
) -> dict[str, Any]:
    headers = {**auth(session), "Content-Type": content_type}
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
    assert "array too big (maximum 4, got 5)" in many.json()["message"]
    no_alt = with_images(blob)
    del no_alt["embed"]["images"][0]["alt"]
    answer = await write(driver, session, "createRecord", no_alt)
    assert '"alt" at $.record.embed.images[0]' in answer.json()["message"]


async def test_images_are_judged_by_what_the_record_declares(
    driver: Any, session: Session, draw: Any, mp4: bytes
) -> None:
    image = draw()
    blob = await upload(driver, session, image + bytes(1_000_000 - len(image)))
    assert blob["size"] == 1_000_000
    assert (await write(driver, session, "createRecord", with_images(blob))).status_code == 200
    large = await upload(driver, session, image + bytes(1_000_001 - len(image)))
    video = await upload(driver, session, mp4, "video/mp4")
    odd = {**blob, "more": 1}
    text = await upload(driver, session, b"hello", "text/plain; charset=utf-8")
    place = "at $.record.embed.images[0].image"
    for wanted, reason in (
        (large, f"blob too big (maximum 1000000, got 1000001) {place}"),
        (video, f'Expected "image/*" (got "video/mp4") {place}.mimeType'),
        (text, f'Expected "image/*" (got "text/plain") {place}.mimeType'),
        (odd, f'Expected blob value type (got {{"$type": ..., "ref": ..., ...}}) {place}'),
        ({**blob, "ref": {"$link": "bafkreinothing"}}, "Expected blob value type"),
        ({**blob, "ref": {"$link": CID}}, "Expected blob value type"),
        ({**blob, "size": -1}, "Expected blob value type"),
        ({**blob, "mimeType": "image"}, "Expected blob value type"),
    ):
        answer = await write(driver, session, "createRecord", with_images(wanted))
        assert (answer.status_code, answer.json()["error"]) == (400, "InvalidRequest")
        assert reason in answer.json()["message"]
    moving = record(embed={"$type": "app.bsky.embed.video", "video": video, "alt": "Moving"})
    assert (await write(driver, session, "createRecord", moving)).status_code == 200
    assert (await driver.truth())[1]["media"][0]["alt_text"] == "Moving"
    still = record(embed={"$type": "app.bsky.embed.video", "video": blob})
    answer = await write(driver, session, "createRecord", still)
    assert 'Expected "video/mp4" (got "image/jpeg")' in answer.json()["message"]


async def test_first_record_of_a_blob_agrees_with_what_is_stored(
    driver: Any, session: Session, draw: Any
) -> None:
    blob, other = [await upload(driver, session, draw(colour=name)) for name in ("red", "blue")]
    size = blob["size"]
    wrong = "does not match stored blob. Expected:"
    for lie, error, message in (
        ({"size": 5}, "InvalidSize", f"Referenced Size {wrong} {size}, Got: 5"),
        (
            {"mimeType": "image/png", "size": 5},
            "InvalidMimeType",
            f"Referenced Mimetype {wrong} image/jpeg, Got: image/png",
        ),
    ):
        wanted = with_images(other, {**blob, **lie})
        answer = await write(driver, session, "createRecord", wanted)
        assert answer.status_code == 400
        assert answer.json() == {"error": error, "message": message}
    assert await driver.truth() == []
    # Once a record holds a blob, what later records say of it is not compared any more.
    for wanted in (with_images(blob), with_images({**blob, "size": 5})):
        assert (await write(driver, session, "createRecord", wanted)).status_code == 200
    await driver.advance(3_601)
    answer = await write(driver, session, "createRecord", with_images(other))
    assert answer.json()["error"] == "BlobNotFound"


async def test_blobs_are_found_wherever_a_record_names_them(
    driver: Any, session: Session, draw: Any
) -> None:
    blob = await upload(driver, session, draw())
    missing = {**blob, "ref": {"$link": "bafkrei" + "a" * 52}}
    for wanted, status in ((blob, 200), (missing, 400)):
        embed = {"$type": "com.example.new", "anything": [wanted]}
        answer = await write(driver, session, "createRecord", record(embed=embed))
        assert answer.status_code == status
    link = missing["ref"]["$link"]
    assert answer.json() == {"error": "BlobNotFound", "message": f"Could not find blob: {link}"}
    both = {"record": {"record": MISSING}, "media": with_images(blob)["embed"]}
    embed = {"$type": "app.bsky.embed.recordWithMedia", **both}
    answer = await write(driver, session, "createRecord", record(embed=embed))
    assert answer.status_code == 200, answer.text
    assert len((await driver.truth())[1]["media"]) == 1


async def test_uploads_have_a_type_and_a_largest_size(driver: Any, session: Session) -> None:
    largest = 5 * 1024 * 1024
    assert (await upload(driver, session, bytes(largest)))["size"] == largest
    headers = {**auth(session), "Content-Type": "image/jpeg"}
    answer = await driver.http.post(
        f"{REPO}.uploadBlob", content=bytes(largest + 1), headers=headers
    )
    assert (answer.status_code, answer.json()["error"]) == (413, "PayloadTooLarge")
    answer = await driver.http.post(f"{REPO}.uploadBlob", content=b"x", headers=auth(session))
    assert (answer.status_code, answer.json()["error"]) == (400, "InvalidRequest")


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
    assert "retry-after" not in answer.headers
    assert answer.headers["ratelimit-remaining"] == "0"
    assert answer.headers["ratelimit-policy"] == "30;w=300"


@pytest.mark.parametrize(
    ("kind", "policy"), [("rate_limited", "30;w=300"), ("quota_exhausted", "300;w=86400")]
)
async def test_ordered_limits_of_logins(
    driver: Any, session: Session, kind: str, policy: str
) -> None:
    await driver.fault("bluesky", kind, operation="token")
    login = {"identifier": session["handle"], "password": "wrong"}
    answer = await driver.http.post(f"{SERVER}.createSession", json=login)
    assert answer.status_code == 429
    assert answer.headers["ratelimit-policy"] == policy
    assert "retry-after" not in answer.headers


async def test_revoked_app_password_ends_every_session(driver: Any, session: Session) -> None:
    old = (await driver.connect("bluesky"))["credentials"]["app_password"]
    refresh = f"{SERVER}.refreshSession"
    renewed = (await driver.http.post(refresh, headers=auth(session, "refreshJwt"))).json()
    await driver.fault("bluesky", "token_revoked", operation="publish")
    answer = await write(driver, session, "createRecord", record())
    assert (answer.status_code, answer.json()["error"]) == (400, "ExpiredToken")
    for opened in (session, renewed):
        answer = await driver.http.post(refresh, headers=auth(opened, "refreshJwt"))
        assert answer.status_code == 400
        assert answer.json() == {"error": "ExpiredToken", "message": "Token has been revoked"}
    fresh = (await driver.connect("bluesky"))["credentials"]["app_password"]
    for password, expected in ((old, 401), (fresh, 200)):
        login = {"identifier": session["handle"], "password": password}
        answer = await driver.http.post(f"{SERVER}.createSession", json=login)
        assert answer.status_code == expected
