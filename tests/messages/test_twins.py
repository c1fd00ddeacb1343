"""Whether another process speaks in one's own name."""

from uuid import uuid4

from messages import Availability, ProcessStatus, TwinWatch

MINE, OTHER = uuid4(), uuid4()


def says(boot_id, status: ProcessStatus = ProcessStatus.ONLINE) -> Availability:
    return Availability(gate="north", status=status, boot_id=boot_id)


def test_ones_own_word_and_ones_last_life_are_no_twin() -> None:
    watch = TwinWatch(MINE)
    assert not watch.heard(says(MINE), retained=False, connections=1)
    assert not watch.heard(says(OTHER), retained=True, connections=1), "kept from before this start"
    assert not watch.heard(says(OTHER, ProcessStatus.OFFLINE), retained=False, connections=1), "a last will"


def test_a_live_twin_is_told_once() -> None:
    watch = TwinWatch(MINE)
    assert [watch.heard(says(OTHER), retained=False, connections=1) for _ in range(3)] == [True, False, False]


def test_whoever_is_thrown_out_again_and_again_knows_by_whom() -> None:
    watch = TwinWatch(MINE)
    assert [watch.heard(says(OTHER), retained=True, connections=number) for number in (2, 3, 4)] == [False, True, False]
