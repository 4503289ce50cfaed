"""What every store does alike."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from cache.key_value_store import KeyValueStore
from cache.rates import Admission, Rate
from tests.patience import PATIENCE

HOUR = timedelta(hours=1)
SOON = timedelta(milliseconds=50)
SEVEN_AN_HOUR = Rate(limit=7, window=HOUR)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.005)


async def gone(store: KeyValueStore, key: str) -> None:
    async def is_gone() -> bool:
        return await store.get(key) is None

    await until(is_gone)


async def test_nothing_is_there_at_first(store: KeyValueStore) -> None:
    assert await store.get("a") is None


async def test_keeps_bytes_as_they_are(store: KeyValueStore) -> None:
    for value in (b"", b"\x00\xff", "é".encode(), b"x" * 100_000):
        await store.set("a", value, ttl=HOUR)
        assert await store.get("a") == value
    assert await store.get("b") is None


async def test_deletes_what_is_there_and_minds_nothing_else(store: KeyValueStore) -> None:
    for key in ("a", "b", "c"):
        await store.set(key, b"1", ttl=HOUR)
    await store.delete("a", "b", "nobody")
    await store.delete()
    assert [await store.get(key) for key in ("a", "b", "c")] == [None, None, b"1"]


async def test_forgets_when_the_time_is_over(store: KeyValueStore) -> None:
    await store.set("a", b"1", ttl=SOON)
    await gone(store, "a")


async def test_the_last_time_to_live_holds(store: KeyValueStore) -> None:
    await store.set("short", b"1", ttl=HOUR)
    await store.set("long", b"1", ttl=SOON)
    await store.set("long", b"2", ttl=HOUR)
    await store.set("short", b"2", ttl=SOON)
    await gone(store, "short")
    assert await store.get("long") == b"2"


async def test_a_time_to_live_of_nothing_is_over(store: KeyValueStore) -> None:
    await store.set("a", b"1", ttl=timedelta())
    await gone(store, "a")


async def test_counts_from_one(store: KeyValueStore) -> None:
    assert [await store.increment_within("a", HOUR) for _ in range(3)] == [1, 2, 3]
    assert await store.increment_within("b", HOUR) == 1
    assert await store.get("a") == b"3"
    await store.delete("a")
    assert await store.increment_within("a", HOUR) == 1


async def test_every_increment_counts(store: KeyValueStore) -> None:
    counts = await asyncio.gather(*(store.increment_within("a", HOUR) for _ in range(200)))
    assert sorted(counts) == list(range(1, 201))


async def test_the_first_increment_opens_the_window(store: KeyValueStore) -> None:
    async def starts_again() -> bool:
        return await store.increment_within("a", SOON) == 1

    await store.increment_within("a", SOON)
    await until(starts_again)


async def test_admits_exactly_the_limit(store: KeyValueStore) -> None:
    answers = [await store.admit("a", SEVEN_AN_HOUR) for _ in range(10)]
    assert [answer.admitted for answer in answers] == [True] * 7 + [False] * 3
    assert [answer.remaining for answer in answers] == [6, 5, 4, 3, 2, 1, 0, 0, 0, 0]
    refused = answers[-1]
    assert timedelta(minutes=8) < refused.retry_after <= HOUR / 7
    assert timedelta(minutes=59) < refused.reset_after <= HOUR
    assert (await store.admit("b", SEVEN_AN_HOUR)).admitted


async def test_admits_exactly_the_limit_of_many_at_once(store: KeyValueStore) -> None:
    rate = Rate(limit=100, window=timedelta(days=1))
    answers = await asyncio.gather(*(store.admit("a", rate) for _ in range(300)))
    assert sum(answer.admitted for answer in answers) == 100
    assert sorted(answer.remaining for answer in answers if answer.admitted) == list(range(100))


async def test_admits_again_when_it_said(store: KeyValueStore) -> None:
    rate = Rate(limit=2, window=timedelta(seconds=1))

    async def refusal() -> Admission:
        while (answer := await store.admit("a", rate)).admitted:
            pass
        return answer

    async def admitted() -> bool:
        return (await store.admit("a", rate)).admitted

    started = time.monotonic()
    refused = await refusal()
    await until(admitted)
    assert time.monotonic() - started >= refused.retry_after.total_seconds() - 0.01


async def test_another_rate_takes_hold_at_once(store: KeyValueStore) -> None:
    for _ in range(7):
        await store.admit("a", SEVEN_AN_HOUR)
    refused = await store.admit("a", Rate.per_minute(1))
    assert not refused.admitted
    assert refused.retry_after <= timedelta(minutes=1)


async def test_a_subject_leaves_nothing_behind(store: KeyValueStore) -> None:
    await store.admit("a", Rate(limit=20, window=timedelta(seconds=1)))
    await gone(store, "a")
