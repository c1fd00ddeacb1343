import threading
from datetime import UTC, datetime, timedelta

from database import new_id
from messages import Availability, DoorState, DoorStatus, Health, ProcessStatus
from operations.board import Board

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
BOOT = new_id()


def state(sequence: int, status: DoorStatus, boot_id=BOOT) -> DoorState:
    return DoorState(gate="north", boot_id=boot_id, sequence=sequence, at=NOW, state=status, unlocked=False)


def test_an_older_state_of_the_same_boot_does_not_overwrite_a_newer_one() -> None:
    board = Board()
    board.door(state(2, DoorStatus.OPEN), heard_at=NOW)
    board.door(state(1, DoorStatus.GRANTED), heard_at=NOW)
    assert board.view("north").door.state is DoorStatus.OPEN


def test_after_a_restart_counting_begins_anew() -> None:
    board = Board()
    board.door(state(9, DoorStatus.OPEN), heard_at=NOW)
    board.door(state(0, DoorStatus.LOCKED, boot_id=new_id()), heard_at=NOW)
    assert board.view("north").door.state is DoorStatus.LOCKED


def test_controller_and_edge_are_told_apart() -> None:
    board = Board()
    online = Availability(gate="north", status=ProcessStatus.ONLINE, boot_id=BOOT)
    board.availability(online, source="edge", heard_at=NOW)
    board.health(Health(gate="north", source="edge", at=NOW, figures={"frames_per_second": 20.0}), heard_at=NOW)
    [view] = board.views()
    assert (view.controller, view.edge) == (None, ProcessStatus.ONLINE)
    assert view.health["edge"].figures["frames_per_second"] == 20.0


def test_without_a_broker_nobodys_presence_is_known_until_it_is_heard_anew() -> None:
    board, later = Board(), NOW + timedelta(minutes=1)
    for gate in ("north", "south"):
        board.availability(
            Availability(gate=gate, status=ProcessStatus.ONLINE, boot_id=BOOT), source="controller", heard_at=NOW
        )
    board.door(state(0, DoorStatus.LOCKED), heard_at=NOW)
    before = board.version
    board.lost(later)
    assert (board.hears, board.version > before) == (False, True)
    assert [(view.controller, view.controller_since, view.edge_since) for view in board.views()] == [
        (None, later, None),
        (None, later, None),
    ]
    assert board.view("north").door is not None, "what was last heard stays, as old as it is"
    board.connected()
    north = Availability(gate="north", status=ProcessStatus.ONLINE, boot_id=BOOT)
    board.availability(north, source="controller", heard_at=later)
    assert [view.controller for view in board.views()] == [ProcessStatus.ONLINE, None]


def test_a_follower_wakes_on_a_change_and_not_before() -> None:
    board = Board()
    assert board.wait(board.version, timeout_s=0.01) == 0
    woken: list[int] = []
    follower = threading.Thread(target=lambda: woken.append(board.wait(0, timeout_s=30)))
    follower.start()
    board.touch()
    follower.join(30)
    assert woken == [1]


def test_a_will_that_comes_late_is_not_believed() -> None:
    board, former = Board(), new_id()
    for boot, number in ((former, 7), (BOOT, 1), (BOOT, 2)):
        word = Availability(gate="north", status=ProcessStatus.ONLINE, boot_id=boot, connection=number)
        board.availability(word, source="controller", heard_at=NOW)
    for boot, number in ((former, 7), (BOOT, 1)):
        will = Availability(gate="north", status=ProcessStatus.OFFLINE, boot_id=boot, connection=number)
        board.availability(will, source="controller", heard_at=NOW)
    assert board.view("north").controller is ProcessStatus.ONLINE
    board.availability(
        Availability(gate="north", status=ProcessStatus.OFFLINE, boot_id=BOOT, connection=2),
        source="controller",
        heard_at=NOW,
    )
    assert board.view("north").controller is ProcessStatus.OFFLINE


def test_what_gates_say_again_wakes_nobody_and_is_as_old_as_it_is() -> None:
    board, later = Board(), NOW + timedelta(seconds=30)
    online = Availability(gate="north", status=ProcessStatus.ONLINE, boot_id=BOOT, at=NOW, connection=1)
    for at in (NOW, later):
        board.availability(online.model_copy(update={"at": at}), source="controller", heard_at=at)
        board.door(state(1, DoorStatus.LOCKED), heard_at=at)
        seen = board.version
        if at is NOW:
            first = seen
    assert seen == first
    assert (board.view("north").heard_at, board.view("north").controller_since) == (later, NOW)
