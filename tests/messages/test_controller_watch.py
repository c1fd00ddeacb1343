"""What is known of a gate's controller, from what it says and the broker keeps."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from messages import Availability, DoorState, DoorStatus, GateTopics, ProcessStatus
from messages.controller_watch import ControllerView, ControllerWatch
from tests.messages.memory_bus import MemoryBus

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
NORTH = GateTopics("main", "north")
BOOT = uuid4()


@pytest.fixture
def watch() -> ControllerWatch:
    watch = ControllerWatch(MemoryBus(), NORTH)
    watch.listen()
    return watch


def say_state(watch: ControllerWatch, boot_id: UUID, sequence: int) -> None:
    state = DoorState(gate="north", boot_id=boot_id, sequence=sequence, at=NOW, state=DoorStatus.LOCKED, unlocked=False)
    watch._bus.say(NORTH.state, state.encode(), retained=True)


def say_status(watch: ControllerWatch, status: ProcessStatus) -> None:
    watch._bus.say(NORTH.availability, Availability(gate="north", status=status, boot_id=BOOT).encode(), retained=True)


def test_the_watch_knows_what_the_controller_said_last(watch: ControllerWatch) -> None:
    old, new = uuid4(), uuid4()
    assert watch.view == ControllerView()
    assert not watch.wait_known(0)
    say_status(watch, ProcessStatus.ONLINE)
    say_state(watch, old, 7)
    assert watch.wait_known(0)
    assert watch.view == ControllerView(old, ProcessStatus.ONLINE)
    say_state(watch, new, 1)
    say_status(watch, ProcessStatus.STOPPED)
    assert watch.view == ControllerView(new, ProcessStatus.STOPPED)


def test_the_watch_drops_what_it_cannot_read(watch: ControllerWatch) -> None:
    say_state(watch, BOOT, 1)
    for topic in (NORTH.state, NORTH.availability):
        watch._bus.say(topic, b"{}")
    assert watch.view == ControllerView(BOOT)


def test_what_was_known_ends_with_the_connection(watch: ControllerWatch) -> None:
    say_status(watch, ProcessStatus.ONLINE)
    say_state(watch, BOOT, 1)
    watch._bus.lose()
    assert watch.view == ControllerView()


def test_status_is_known_before_the_boot(watch: ControllerWatch) -> None:
    """The broker sends what it kept in the order of the subscriptions: nobody is asked who is said to be away."""
    assert list(watch._bus.handlers) == [NORTH.availability, NORTH.state]
