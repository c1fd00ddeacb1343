"""Look-ups of many requests in one query: nothing is remembered, nobody is forgotten."""

import asyncio
import threading
from collections.abc import Collection, Mapping

import pytest

from tests.waiting import PATIENCE_S
from web.batched_reads import LARGEST_BATCH, BatchedReads


class Register:
    """What is looked up; while `gate` is closed, a look-up that has begun does not end."""

    def __init__(self) -> None:
        self.values = {1: "one", 2: "two"}
        self.asked: list[set[int]] = []
        self.begun, self.gate = threading.Event(), threading.Event()
        self.gate.set()
        self.fault: Exception | None = None

    def load(self, keys: Collection[int]) -> Mapping[int, str]:
        self.asked.append(set(keys))
        self.begun.set()
        assert self.gate.wait(PATIENCE_S)
        if self.fault is not None:
            raise self.fault
        return {key: self.values[key] for key in keys if key in self.values}


def test_each_gets_its_own_answer_and_unknown_keys_none() -> None:
    register = Register()
    reads = BatchedReads(register.load)

    async def ask() -> list[str | None]:
        return await asyncio.gather(*(reads.get(key) for key in (1, 2, 3, 1)))

    for _ in range(2):  # another loop: its queue is another one
        assert asyncio.run(ask()) == ["one", "two", None, "one"]
    assert register.asked == [{1, 2, 3}] * 2


def test_whoever_asks_during_a_look_up_is_answered_by_a_later_one_that_sees_what_changed() -> None:
    register = Register()
    reads = BatchedReads(register.load)

    async def ask() -> list[str | None]:
        register.gate.clear()
        first = asyncio.create_task(reads.get(1))
        assert await asyncio.to_thread(register.begun.wait, PATIENCE_S)
        register.values = {2: "changed"}
        late = [asyncio.create_task(reads.get(key)) for key in (1, 2)]
        await asyncio.sleep(0)
        register.gate.set()
        return await asyncio.gather(first, *late)

    assert asyncio.run(ask()) == [None, None, "changed"]
    assert register.asked == [{1}, {1, 2}], "the late ones share one look-up, which began after they asked"


def test_a_fault_reaches_everybody_who_asked_and_nobody_after_them() -> None:
    register = Register()
    reads = BatchedReads(register.load)

    async def ask() -> None:
        register.fault = OSError("the disk is away")
        for answer in await asyncio.gather(reads.get(1), reads.get(2), return_exceptions=True):
            assert answer is register.fault
        register.fault = None
        assert await reads.get(1) == "one"

    asyncio.run(ask())


def test_whoever_gives_up_leaves_the_others_their_answers() -> None:
    register = Register()
    reads = BatchedReads(register.load)

    async def ask() -> None:
        register.gate.clear()
        asked = [asyncio.create_task(reads.get(key)) for key in (1, 2)]
        assert await asyncio.to_thread(register.begun.wait, PATIENCE_S)
        asked[0].cancel()
        await asyncio.sleep(0)
        register.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await asked[0]
        assert await asked[1] == "two"
        assert await reads.get(1) == "one"

    asyncio.run(ask())


def test_more_than_a_query_takes_are_looked_up_in_several() -> None:
    register = Register()
    register.values = {key: str(key) for key in range(2 * LARGEST_BATCH + 1)}
    reads = BatchedReads(register.load)

    async def ask() -> list[str | None]:
        return await asyncio.gather(*map(reads.get, register.values))

    assert asyncio.run(ask()) == list(register.values.values())
    assert [len(keys) for keys in register.asked] == [LARGEST_BATCH, LARGEST_BATCH, 1]


def test_nobody_waits_for_a_look_up_that_was_ended() -> None:
    """As an event loop ends what is under way when it stops."""
    register = Register()
    reads = BatchedReads(register.load)

    async def ask() -> list[str | BaseException | None]:
        register.gate.clear()
        first = asyncio.create_task(reads.get(1))
        assert await asyncio.to_thread(register.begun.wait, PATIENCE_S)
        late = asyncio.create_task(reads.get(2))
        await asyncio.sleep(0)
        (reader,) = asyncio.all_tasks() - {first, late, asyncio.current_task()}
        reader.cancel()
        register.gate.set()
        ended = await asyncio.wait_for(asyncio.gather(first, late, return_exceptions=True), PATIENCE_S)
        assert await reads.get(1) == "one", "and whoever asks later is answered"
        return ended

    assert [type(one) for one in asyncio.run(ask())] == [asyncio.CancelledError] * 2
