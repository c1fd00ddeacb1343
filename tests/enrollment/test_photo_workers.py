import asyncio
import threading
from contextvars import ContextVar

import pytest

from enrollment.photo_workers import PhotoWorkers

_asked = ContextVar[str]("asked", default="nobody")


def where() -> tuple[str, str]:
    return threading.current_thread().name, _asked.get()


async def rush(workers: PhotoWorkers, count: int) -> list[tuple[str, str]]:
    _asked.set("who asks")
    return list(await asyncio.gather(*(workers.run(where) for _ in range(count))))


def test_photos_are_always_worked_on_by_the_same_few_threads() -> None:
    workers = PhotoWorkers(2)
    done = [*asyncio.run(rush(workers, 40)), *asyncio.run(rush(workers, 40))]
    assert {name for name, _ in done} <= {"photo_0", "photo_1"}
    assert {context for _, context in done} == {"who asks"}


def test_no_more_of_them_are_worked_on_at_once_than_there_are_threads() -> None:
    begun, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2, timeout=30)

    def work() -> None:
        nonlocal begun, most
        with lock:
            begun += 1
            most = max(most, begun)
        both.wait()
        with lock:
            begun -= 1

    async def all_at_once() -> None:
        workers = PhotoWorkers(2)
        await asyncio.gather(*(workers.run(work) for _ in range(8)))

    asyncio.run(all_at_once())
    assert most == 2


def test_memory_is_given_back_once_when_nobody_waits_any_more() -> None:
    given_back = threading.Semaphore(0)
    workers = PhotoWorkers(2, when_idle=given_back.release)
    asyncio.run(rush(workers, 20))
    assert given_back.acquire(timeout=30)
    asyncio.run(rush(workers, 1))
    assert given_back.acquire(timeout=30)
    assert not given_back.acquire(blocking=False)


def test_what_goes_wrong_reaches_whoever_asked_and_the_next_is_worked_on() -> None:
    def fail() -> None:
        raise ValueError("no photo")

    async def one_after_the_other() -> tuple[str, str]:
        workers = PhotoWorkers(1)
        with pytest.raises(ValueError, match="no photo"):
            await workers.run(fail)
        return await workers.run(where)

    assert asyncio.run(one_after_the_other())[0] == "photo_0"
