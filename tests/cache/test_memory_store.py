"""What the store in memory does besides the contract: it stays small, and keeps to its clock."""

from datetime import timedelta

import pytest

from cache.memory_store import ENTRY_OVERHEAD, InMemoryStore
from tests.cache.fake_clock import FakeClock

MINUTE = timedelta(minutes=1)


async def test_forgets_what_was_not_used_for_longest() -> None:
    store = InMemoryStore(max_bytes=3 * (ENTRY_OVERHEAD + 2))
    for key in ("a", "b", "c"):
        await store.set(key, b"1", ttl=MINUTE)
    await store.get("a")
    await store.set("d", b"1", ttl=MINUTE)
    assert [await store.get(key) for key in ("a", "b", "c", "d")] == [b"1", None, b"1", b"1"]


async def test_makes_room_by_size() -> None:
    store = InMemoryStore(max_bytes=10_000)
    await store.set("small", b"1", ttl=MINUTE)
    await store.set("large", b"x" * 9_500, ttl=MINUTE)
    assert await store.get("small") is None
    assert await store.get("large") is not None
    await store.set("too large", b"x" * 10_000, ttl=MINUTE)
    assert await store.get("too large") is None


async def test_room_that_was_given_back_can_be_used_again(clock: FakeClock) -> None:
    store = InMemoryStore(max_bytes=3 * (ENTRY_OVERHEAD + 5), clock=clock)
    await store.set("kept", b"1", ttl=2 * MINUTE)
    for _ in range(10):
        await store.set("a", b"1", ttl=MINUTE)
        await store.delete("a")
        await store.set("b", b"1", ttl=MINUTE)
        clock.advance(1)
    clock.advance(60)
    assert await store.get("b") is None
    await store.set("c", b"1", ttl=MINUTE)
    assert await store.get("kept") == b"1"


@pytest.mark.parametrize(("passed", "value"), [(59.9, b"1"), (60, None), (1e6, None)])
async def test_a_value_lives_as_long_as_it_was_told(
    clock: FakeClock, passed: float, value: bytes | None
) -> None:
    store = InMemoryStore(clock=clock)
    await store.set("a", b"1", ttl=MINUTE)
    clock.advance(passed)
    assert await store.get("a") == value


async def test_more_increments_do_not_keep_a_window_open(clock: FakeClock) -> None:
    store = InMemoryStore(clock=clock)
    counts = []
    for _ in range(4):
        counts.append(await store.increment_within("a", MINUTE))
        clock.advance(25)
    assert counts == [1, 2, 3, 1]
