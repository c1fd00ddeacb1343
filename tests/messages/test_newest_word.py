"""Words of availability in every order that brokers may bring them: an older one never takes a newer one's place."""

from itertools import permutations
from uuid import UUID

import pytest

from messages import Availability, NewestWord, ProcessStatus, newest_only

ONLINE, OFFLINE, STOPPED = ProcessStatus.ONLINE, ProcessStatus.OFFLINE, ProcessStatus.STOPPED


def word(status: ProcessStatus, connection: int | None, boot: int = 1) -> Availability:
    return Availability(gate="north", status=status, boot_id=UUID(int=boot), connection=connection)


def last_of(*words: Availability) -> Availability:
    taken: list[Availability] = []
    handle = newest_only(lambda one, _retained: taken.append(one))
    for one in words:
        handle(one, False)
    return taken[-1]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_last_of_three_connections_has_the_last_word_whatever_wills_come_late(order: tuple[int, ...]) -> None:
    words = [word(OFFLINE, 1), word(OFFLINE, 2), word(ONLINE, 3)]
    assert last_of(*(words[one] for one in order)) == words[2]


def test_who_is_lost_is_lost_with_the_connection_that_is_named() -> None:
    assert last_of(word(ONLINE, 3), word(OFFLINE, 3)).status is OFFLINE
    assert last_of(word(ONLINE, 3), word(STOPPED, 3)).status is STOPPED


@pytest.mark.parametrize("number", [1, None])
def test_the_will_of_a_former_boot_takes_nothing_from_the_one_that_lives(number: int | None) -> None:
    living = word(ONLINE, number, boot=2)
    assert last_of(word(ONLINE, number), living, word(OFFLINE, number)) == living
    assert last_of(word(ONLINE, number), living, word(OFFLINE, number), word(OFFLINE, number, boot=2)).status is OFFLINE


def test_after_a_restart_numbers_begin_anew() -> None:
    assert last_of(word(ONLINE, 9), word(ONLINE, 1, boot=2)).boot_id == UUID(int=2)


def test_of_two_devices_that_take_turns_each_presence_is_heard() -> None:
    newest = NewestWord()
    assert all(newest.takes(word(ONLINE, 1, boot=number % 2)) for number in range(6))


def test_gates_that_do_not_count_are_heard_as_before() -> None:
    assert last_of(word(ONLINE, None), word(OFFLINE, None)).status is OFFLINE
    assert last_of(word(OFFLINE, None), word(ONLINE, None)).status is ONLINE
    assert Availability.decode(word(ONLINE, None).model_dump_json(exclude={"connection"}).encode()).connection is None
