from datetime import UTC, datetime, timedelta

import pytest

from database import new_id
from directory.lag import Lag
from messages import Availability, DoorState, DoorStatus, Health, ProcessStatus
from operations.alarms.conditions import Limits, Observation, OpenAlarm, signals
from operations.alarms.rules import EVERYWHERE, AlarmKind
from operations.board import Board, GateView

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
BOOT, DEVICE = new_id(), new_id()
LIMITS = Limits()


def at(second: float) -> datetime:
    return NOW + timedelta(seconds=second)


def seen(*views: GateView, second: float = 0, lags: tuple[Lag, ...] = (), broker_lost: float | None = None, **more):
    return Observation(
        now=at(second),
        started_at=at(-1000),
        gates=["north"],
        views={view.gate: view for view in views},
        lags=lags,
        broker_lost_at=None if broker_lost is None else at(broker_lost),
        **more,
    )


def view(controller: ProcessStatus = ProcessStatus.ONLINE, since: float = 0, **changes: object) -> GateView:
    return GateView("north", controller=controller, controller_since=at(since), **changes)


def lag(behind_s: float, revocations: int = 0) -> Lag:
    behind = 1 if behind_s else 0
    return Lag("north", "full", DEVICE, 5, 5 - behind, behind, behind_s, revocations, NOW, NOW)


def told(observation: Observation, *alarms: OpenAlarm) -> list[tuple[str, str, bool, str | None]]:
    return [(one.gate, one.kind.value, one.raises, one.reason) for one in signals(observation, alarms, LIMITS)]


def open_alarm(kind: AlarmKind, second: float = 0, *, gate: str = "north") -> OpenAlarm:
    return OpenAlarm(gate, kind, at(second), over=False)


@pytest.mark.parametrize(("second", "alarmed"), [(60, False), (61, True)])
def test_a_controller_that_is_gone_for_longer_than_allowed(second: float, alarmed: bool) -> None:
    found = told(seen(view(ProcessStatus.OFFLINE), second=second))
    assert found == ([("north", "controller_offline", True, "offline")] if alarmed else [])


def test_a_controller_that_was_stopped_on_purpose_leaves_a_gate_unguarded_too() -> None:
    assert told(seen(view(ProcessStatus.STOPPED), second=99)) == [("north", "controller_offline", True, "stopped")]


def test_a_gate_that_never_spoke() -> None:
    assert told(seen()) == [("north", "controller_offline", True, "never_heard")]


def test_a_gate_without_an_edge_is_no_alarm_and_a_lost_edge_is_one() -> None:
    assert told(seen(view(), second=99)) == []
    lost = view(edge=ProcessStatus.OFFLINE, edge_since=NOW)
    assert told(seen(lost, second=99)) == [("north", "edge_offline", True, "offline")]


def test_it_is_raised_once_and_ends_when_the_controller_is_back() -> None:
    alarm = open_alarm(AlarmKind.CONTROLLER_OFFLINE)
    assert told(seen(view(ProcessStatus.OFFLINE), second=99), alarm) == []
    assert told(seen(view(), second=99), alarm) == [("north", "controller_offline", False, None)]


def test_without_a_broker_there_is_one_alarm_and_no_word_about_the_gates() -> None:
    lost = open_alarm(AlarmKind.EDGE_OFFLINE)
    assert told(seen(second=5, broker_lost=0), lost) == []
    assert told(seen(second=11, broker_lost=0), lost) == [(EVERYWHERE, "broker_lost", True, "events")]
    back = open_alarm(AlarmKind.BROKER_LOST, gate=EVERYWHERE)
    assert told(seen(view(), second=20), back) == [(EVERYWHERE, "broker_lost", False, None)]


def test_a_server_that_hears_and_cannot_order_is_an_alarm_and_the_gates_are_still_judged() -> None:
    gone = view(ProcessStatus.OFFLINE)
    assert told(seen(gone, second=99, orders_lost_at=at(80))) == [
        (EVERYWHERE, "broker_lost", True, "orders"),
        ("north", "controller_offline", True, "offline"),
    ]
    assert told(seen(second=99, broker_lost=80, orders_lost_at=at(80))) == [
        (EVERYWHERE, "broker_lost", True, "events_and_orders")
    ]


def test_a_connection_that_is_ended_again_and_again_is_an_alarm_until_it_holds() -> None:
    raised = [(EVERYWHERE, "connection_contested", True, "orders")]
    assert told(seen(view(), contested="orders")) == raised
    alarm = open_alarm(AlarmKind.CONNECTION_CONTESTED, gate=EVERYWHERE)
    assert told(seen(view(), second=20, contested="orders"), alarm) == []
    assert told(seen(view(), second=70), alarm) == [(EVERYWHERE, "connection_contested", False, None)]


@pytest.mark.parametrize(
    ("behind_s", "revocations", "found"),
    [
        (59, 3, []),
        (61, 0, [("north", "directory_lag", True, None)]),
        (61, 3, [("north", "directory_lag", True, "revocations_waiting")]),
    ],
)
def test_a_directory_that_is_behind(behind_s: float, revocations: int, found: list) -> None:
    assert told(seen(view(), lags=(lag(behind_s, revocations),))) == found


def test_a_directory_that_has_caught_up_ends_its_alarm() -> None:
    found = told(seen(view(), lags=(lag(0),)), open_alarm(AlarmKind.DIRECTORY_LAG))
    assert found == [("north", "directory_lag", False, None)]


def door(second: float, **changes: object) -> GateView:
    values = {"state": DoorStatus.LOCKED} | changes
    return view(door=DoorState(gate="north", boot_id=BOOT, sequence=1, at=at(second), unlocked=False, **values))


@pytest.mark.parametrize(
    ("kind", "goes_on"),
    [
        (AlarmKind.FORCED, {"state": DoorStatus.FORCED}),
        (AlarmKind.HELD, {"state": DoorStatus.HELD}),
        (AlarmKind.TAMPER, {"tamper": True}),
        (AlarmKind.FIRE, {"fire": True}),
        (AlarmKind.CLOCK_UNSURE, {"clock_sure": False}),
    ],
)
def test_after_a_restart_the_doors_state_ends_what_no_event_will_end(kind: AlarmKind, goes_on: dict) -> None:
    alarm = open_alarm(kind, second=10)
    assert told(seen(door(20)), alarm) == [("north", kind.value, False, None)]
    assert told(seen(door(20, **goes_on)), alarm) == []
    assert told(seen(door(5)), alarm) == [], "a state from before the alarm says nothing about it"


def edge(second: float, **figures: object) -> GateView:
    return view(health={"edge": Health(gate="north", source="edge", at=at(second), figures=figures)})


@pytest.mark.parametrize(
    ("kind", "well", "ill"),
    [
        (AlarmKind.CAMERA_LOST, {"camera": "running"}, {"camera": "lost"}),
        (AlarmKind.CAMERA_IMPAIRED, {"view": "good"}, {"view": "covered"}),
        (AlarmKind.MODEL_MISMATCH, {"model_mismatch": None}, {"model_mismatch": "sface-1"}),
    ],
)
def test_after_a_restart_the_edges_figures_do_the_same(kind: AlarmKind, well: dict, ill: dict) -> None:
    alarm = open_alarm(kind, second=10)
    assert told(seen(edge(20, **well)), alarm) == [("north", kind.value, False, None)]
    assert told(seen(edge(20, **ill)), alarm) == []
    assert told(seen(edge(20)), alarm) == []


def test_what_is_over_already_is_left_alone() -> None:
    assert told(seen(door(20)), OpenAlarm("north", AlarmKind.FORCED, NOW, over=True)) == []


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"temperature_c": 81.0, "disk_free_mb": 9000.0}, "hot"),
        ({"temperature_c": 81.0, "disk_free_mb": 12.0}, "disk_low"),
        ({"temperature_c": 80.0, "disk_free_mb": 500.0}, None),
        ({"temperature_c": None, "disk_free_mb": None}, None),
    ],
)
def test_a_gate_computer_that_is_hot_or_full(figures: dict, reason: str | None) -> None:
    health = Health(gate="north", source="controller", at=NOW, figures=figures)
    now = seen(view(health={"controller": health}))
    assert told(now) == ([("north", "machine", True, reason)] if reason else [])
    assert told(now, open_alarm(AlarmKind.MACHINE)) == ([] if reason else [("north", "machine", False, None)])


def test_a_gate_computer_without_the_weights_of_a_model_that_people_need() -> None:
    lacking, complete = (
        seen(view(health={"edge": Health(gate="north", source="edge", at=NOW, figures={"models_missing": models})}))
        for models in ("mobilefacenet-1+sface-int8-1", None)
    )
    assert told(lacking) == [("north", "machine", True, "model_missing")]
    assert told(complete, open_alarm(AlarmKind.MACHINE)) == [("north", "machine", False, None)]


def test_two_boots_that_take_turns_are_a_copied_card() -> None:
    board, boots = Board(), [new_id(), new_id(), new_id()]

    def speaks(boot: int, second: float) -> list:
        figures = {"boot_id": str(boots[boot])}
        message = Health(gate="north", source="controller", at=at(second), figures=figures)
        board.health(message, heard_at=at(second))
        online = Availability(gate="north", status=ProcessStatus.ONLINE, boot_id=boots[boot])
        board.availability(online, source="controller", heard_at=at(second))
        return [one for one in told(seen(*board.views(), second=second)) if one[1] == "cloned_card"]

    assert speaks(0, 0) == speaks(1, 30) == speaks(2, 60) == [], "restarts follow one another"
    assert speaks(1, 90) == [], "once may be an old word that a broker kept"
    assert speaks(2, 120) == [("north", "cloned_card", True, "controller")]
    view = board.views()[0]
    alarm = open_alarm(AlarmKind.CLONED_CARD)
    assert ("north", "cloned_card", False, None) in told(seen(view, second=600), alarm)
