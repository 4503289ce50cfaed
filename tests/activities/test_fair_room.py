"""Room for so many at once: by turns of the workspaces, and not for longer than one waits."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import UUID

import pytest

from activities.fair_room import FairRoom, NoRoom
from domain.ids import new_id

FOR_EVER = timedelta(hours=1)
AT_ONCE = timedelta(0)


async def visit(
    room: FairRoom, workspace: UUID, visits: list[UUID], patience: timedelta = FOR_EVER
) -> None:
    """Enter, write down that one was there, and leave when others had a chance to enter."""
    async with room.place(workspace, patience):
        visits.append(workspace)
        await asyncio.sleep(0)


async def test_as_many_as_there_is_room_for_are_inside() -> None:
    room, workspace = FairRoom(2), new_id()
    async with room.place(workspace, AT_ONCE), room.place(workspace, AT_ONCE):
        with pytest.raises(NoRoom):
            async with room.place(workspace, AT_ONCE):
                pass
    async with room.place(workspace, AT_ONCE):
        pass


async def test_who_has_fewer_inside_is_let_in_before_a_crowd_that_waits() -> None:
    room, crowd, single = FairRoom(2), new_id(), new_id()
    visits: list[UUID] = []
    many = [asyncio.create_task(visit(room, crowd, visits)) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.gather(visit(room, single, visits), *many)
    assert single in visits[:6]
    assert len(visits) == 21


async def test_equals_come_in_the_order_of_their_coming() -> None:
    room = FairRoom(1)
    workspaces = [new_id() for _ in range(5)]
    visits: list[UUID] = []
    await asyncio.gather(*(visit(room, one, visits) for one in workspaces))
    assert visits == workspaces


@pytest.mark.parametrize("comes", [False, True], ids=["while waiting", "as the place comes"])
async def test_who_is_cancelled_takes_no_place(comes: bool) -> None:
    room, workspace = FairRoom(1), new_id()
    async with AsyncExitStack() as inside:
        await inside.enter_async_context(room.place(workspace, AT_ONCE))
        waiting = asyncio.create_task(visit(room, workspace, []))
        await asyncio.sleep(0)
        if comes:
            await inside.aclose()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with room.place(workspace, AT_ONCE):
        pass


async def test_where_nobody_leaves_nobody_waits_for_long() -> None:
    room, workspace, patience = FairRoom(1), new_id(), timedelta(milliseconds=50)
    async with room.place(workspace, AT_ONCE):
        with pytest.raises(NoRoom):
            async with room.place(workspace, patience):
                pass
        asking = asyncio.create_task(visit(room, workspace, [], patience))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert asking.done()
        assert isinstance(asking.exception(), NoRoom)
