"""Messages wait device by device, in order, bounded, and nobody waits behind somebody else's flood."""

import threading
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from metering.sessions.device_queue import DeviceQueue

A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)


def test_devices_take_turns_and_each_keeps_its_order() -> None:
    waiting: DeviceQueue[int] = DeviceQueue()
    for item in (1, 2, 3):
        waiting.put(A, item)
    waiting.put(B, 9)
    taken = []
    for _ in range(4):
        found = waiting.take()
        assert found is not None
        taken.append(found)
        waiting.done(found[0])
    assert taken == [(A, 1), (B, 9), (A, 2), (A, 3)]


def test_a_device_is_worked_on_by_one_at_a_time() -> None:
    waiting: DeviceQueue[int] = DeviceQueue()
    waiting.put(A, 1)
    assert waiting.take() == (A, 1)
    waiting.put(A, 2)
    waiting.put(B, 3)
    assert waiting.take() == (B, 3), "the first of A is under way"
    waiting.done(A)
    assert waiting.take() == (A, 2)


def test_what_waits_already_counts_once_and_what_finds_no_room_is_turned_away() -> None:
    waiting: DeviceQueue[int] = DeviceQueue(most=4, most_of_a_device=2)
    assert [waiting.put(A, item) for item in (1, 1, 2, 3)] == [True, True, True, False]
    assert [waiting.put(device, 1) for device in (B, B, C)] == [True, True, True]
    assert not waiting.put(C, 2)
    assert (len(waiting), waiting.turned_away) == (4, 2)


def test_closed_it_gives_out_what_is_left_and_wakes_who_waits() -> None:
    waiting: DeviceQueue[int] = DeviceQueue()
    got: list[object] = []

    def work() -> None:
        while (found := waiting.take()) is not None:
            got.append(found)
            waiting.done(found[0])

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for item in range(5):
        waiting.put(A, item)
    waiting.close()
    for thread in threads:
        thread.join(30)
    assert got == [(A, item) for item in range(5)]
    assert not waiting.put(A, 7)


@given(st.lists(st.tuples(st.sampled_from([A, B, C]), st.integers(0, 5)), max_size=60), st.data())
def test_nothing_is_lost_or_doubled_or_overtaken(items: list[tuple[UUID, int]], data: st.DataObject) -> None:
    waiting: DeviceQueue[tuple[int, int]] = DeviceQueue(most=1_000, most_of_a_device=1_000)
    put: dict[UUID, list[tuple[int, int]]] = {A: [], B: [], C: []}
    got: dict[UUID, list[tuple[int, int]]] = {A: [], B: [], C: []}
    under_way: list[UUID] = []

    def take() -> None:
        found = waiting.take()
        assert found is not None
        assert found[0] not in under_way
        got[found[0]].append(found[1])
        under_way.append(found[0])

    for place, (device, value) in enumerate(items):
        waiting.put(device, (place, value))
        put[device].append((place, value))
        if data.draw(st.booleans()) and any(len(put[one]) > len(got[one]) for one in put if one not in under_way):
            take()
        if under_way and data.draw(st.booleans()):
            waiting.done(under_way.pop())
    while under_way:
        waiting.done(under_way.pop())
    while len(waiting):
        take()
        waiting.done(under_way.pop())
    assert got == put
