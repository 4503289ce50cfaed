"""The short way of a burst's calls: what it answers is what the long way answers."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx
import pytest

from sandbox.settings import Settings
from tests.patience import PATIENCE
from tests.sandbox.conftest import Driver

LATENCY = 0.2


@pytest.fixture(scope="module")
def slow_sandbox(
    run_sandbox: Callable[[Settings], AbstractContextManager[str]],
) -> Iterator[str]:
    """A sandbox whose networks take their time with posts."""
    with run_sandbox(Settings(latency_seconds=LATENCY)) as base:
        yield base


def request_bytes(path: str, token: str, text: str, *, more: str = "") -> bytes:
    """A post on X as it goes over the wire."""
    body = f'{{"text": "{text}"}}'
    return (
        f"POST {path} HTTP/1.1\r\nhost: sandbox.test\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n{more}\r\n{body}"
    ).encode()


def exchange(base: str, *pieces: bytes) -> bytes:
    """What one connection that sends those pieces, and then waits for the end, is answered."""
    host, port = base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.02)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


async def test_it_answers_like_the_long_way(driver: Driver) -> None:
    """The same handler, the same headers, whether or not a fault is ordered for somebody else."""
    page = await driver.connect("facebook", "acme")
    token = page["credentials"]["access_token"]
    path = f"/facebook/v25.0/{page['account_id']}/feed"
    quick = await driver.http.post(path, data={"message": "one", "access_token": token})
    await driver.fault("facebook", "answer", account="somebody")
    slow = await driver.http.post(path, data={"message": "two", "access_token": token})
    assert quick.status_code == slow.status_code == 200
    assert quick.headers.keys() == slow.headers.keys()
    assert quick.json().keys() == slow.json().keys()
    assert await driver.texts() == ["one", "two"]


async def test_refusals_keep_their_shape(driver: Driver) -> None:
    """A refusal is an answer like any other."""
    answer = await driver.http.post("/x/2/tweets", json={"text": "hello"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_both_ways_are_counted(driver: Driver) -> None:
    """Each call once, by its operation and status."""
    account = await driver.connect("x", "acme")
    headers = {"authorization": f"Bearer {account['credentials']['access_token']}"}
    await driver.http.post("/x/2/tweets", json={"text": "one"}, headers=headers)
    await driver.fault("x", "answer", status=503)
    await driver.http.post("/x/2/tweets", json={"text": "two"}, headers=headers)
    counted = (await driver.http.get("/_sandbox/requests")).json()
    assert {(one["operation"], one["status"], one["count"]) for one in counted} == {
        ("publish", "201", 1),
        ("publish", "503", 1),
    }


async def test_the_answer_takes_its_latency_and_the_post_is_public_before(
    slow_sandbox: str,
) -> None:
    """As at a network: what was taken is public, though its sender does not know it yet."""
    async with httpx.AsyncClient(base_url=slow_sandbox, timeout=PATIENCE) as http:
        driver = Driver(slow_sandbox, http)
        account = await driver.connect("x", "patient")
        headers = {"authorization": f"Bearer {account['credentials']['access_token']}"}
        began = time.monotonic()
        await http.post("/x/2/tweets", json={"text": "patience"}, headers=headers)
        assert time.monotonic() - began >= LATENCY
        entry = (await driver.truth(account="patient"))[0]
        assert entry["received_at"] <= entry["public_at"]


async def test_requests_in_one_packet_are_answered_in_their_order(slow_sandbox: str) -> None:
    """The second waits for the first; neither is lost."""
    async with httpx.AsyncClient(base_url=slow_sandbox, timeout=PATIENCE) as http:
        account = await Driver(slow_sandbox, http).connect("x", "hasty")
    token = account["credentials"]["access_token"]
    first = request_bytes("/x/2/tweets", token, "first")
    last = request_bytes("/x/2/tweets", token, "last", more="connection: close\r\n")
    answer = exchange(slow_sandbox, first + last)
    assert answer.count(b"HTTP/1.1 201") == 2
    assert answer.index(b'"text":"first"') < answer.index(b'"text":"last"')


async def test_a_body_in_pieces_is_read_to_its_end(driver: Driver) -> None:
    """Packets end where they like."""
    account = await driver.connect("x", "slow")
    token = account["credentials"]["access_token"]
    whole = request_bytes("/x/2/tweets", token, "piece by piece", more="connection: close\r\n")
    answer = exchange(driver.base, whole[:40], whole[40:-5], whole[-5:])
    assert answer.startswith(b"HTTP/1.1 201")
    assert await driver.texts() == ["piece by piece"]


async def test_a_long_body_is_read_to_its_end(driver: Driver) -> None:
    """Longer than what a server takes in before somebody reads it."""
    page = await driver.connect("facebook", "novelist")
    token = page["credentials"]["access_token"]
    path = f"/facebook/v25.0/{page['account_id']}/feed"
    novel = "ж" * 60_000
    answer = await driver.http.post(path, data={"message": novel, "access_token": token})
    assert answer.status_code == 200
    assert await driver.texts() == [novel]


async def test_who_asks_whether_to_go_on_is_told_so(driver: Driver) -> None:
    """`Expect: 100-continue` takes the long way, which knows it."""
    account = await driver.connect("x", "polite")
    token = account["credentials"]["access_token"]
    more = "expect: 100-continue\r\nconnection: close\r\n"
    whole = request_bytes("/x/2/tweets", token, "may I", more=more)
    head, _, body = whole.partition(b"\r\n\r\n")
    answer = exchange(driver.base, head + b"\r\n\r\n", body)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201")
