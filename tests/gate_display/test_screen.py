"""What a gate's screen shows, and for how long."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from access.policy import Direction
from access.reasons import Reason
from edge.covering import Covering
from gate_controller.card_authentication import ProofRefusal
from gate_controller.code_authentication import CodeRefusal
from gate_display.guidance import GUIDANCE, UNKNOWN, guide
from gate_display.screen import ADVICE_S, GRANTED_S, REFUSED_S, Look, Screen
from gate_display.words import WORDS
from messages import Advice, DoorState, DoorStatus, Event, EventKind, ProcessStatus, Refusal

BOOT = uuid.uuid4()


@dataclass
class Gate:
    """A gate whose controller and edge are there, and its screen; time goes on only when told."""

    direction: Direction | None = None
    now: datetime = datetime(2026, 11, 27, 8, tzinfo=UTC)
    elapsed_s: float = 0.0
    sequence: int = 0
    screen: Screen = field(init=False)

    def __post_init__(self) -> None:
        self.screen = Screen(self.direction, now=lambda: self.now, monotonic=lambda: self.elapsed_s)
        self.screen.take_controller(ProcessStatus.ONLINE)
        self.screen.take_edge(ProcessStatus.ONLINE)
        self.door(DoorStatus.LOCKED)

    def door(self, status: DoorStatus, sequence: int | None = None) -> None:
        self.sequence += 1
        self.screen.take_door(
            DoorState(
                gate="north", boot_id=BOOT, sequence=self.sequence if sequence is None else sequence, at=self.now,
                state=status, unlocked=False,
            )
        )  # fmt: skip

    def happen(self, kind: str, reason: str | None = None, **more: object) -> Event:
        given = {"id": uuid.uuid4(), "gate": "north", "at": self.now, "kind": kind, "reason": reason, "details": {}}
        event = Event.model_validate(given | more)
        self.screen.take_event(event)
        return event

    def wait(self, seconds: float) -> None:
        self.elapsed_s += seconds
        self.now += timedelta(seconds=seconds)

    @property
    def shows(self) -> tuple[Look, str]:
        shown = self.screen.shown()
        return shown.look, shown.words


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.mark.parametrize("code", [*Reason, *Refusal, *Covering, *ProofRefusal, *CodeRefusal])
def test_every_refusal_has_guidance_of_its_own(code: str) -> None:
    assert code == Reason.GRANTED or code in GUIDANCE


def test_a_code_of_a_newer_release_sends_to_the_staff() -> None:
    assert guide("not_written_yet") == guide(None) == UNKNOWN


def test_everything_that_can_be_shown_has_words_in_both_languages() -> None:
    shown = {
        *GUIDANCE.values(), "idle", "card_only", "no_contact", "out_of_service", "evacuate", "lockdown", "closed_now",
        "open", "granted", "granted_entry", "granted_exit", "read_again",
        *(f"advice_{advice}" for advice in Advice if advice is not Advice.NOBODY),
    }  # fmt: skip
    assert shown == set(WORDS)
    assert all(set(parts) == {"title", "lead"} for parts in WORDS.values())


@pytest.mark.parametrize("word", ["挂失", "停用", "过期", "欠费", "冒用", "lost", "suspended", "expired", "blocked"])
def test_a_refusal_tells_strangers_nothing_of_the_person(word: str) -> None:
    said = [text for key in GUIDANCE.values() for pair in WORDS[key].values() for text in pair]
    assert not [text for text in said if word in text.lower()]


def test_nothing_is_claimed_before_anything_was_heard() -> None:
    assert Screen().shown().look is Look.NO_CONTACT


def test_who_is_let_in_is_told_so_for_a_moment(gate: Gate) -> None:
    gate.happen(EventKind.ACCESS_GRANTED)
    assert gate.shows == (Look.GRANTED, "granted")
    gate.wait(GRANTED_S)
    assert gate.shows == (Look.IDLE, "idle")


@pytest.mark.parametrize(("direction", "words"), [(Direction.ENTRY, "granted_entry"), (Direction.EXIT, "granted_exit")])
def test_the_direction_is_told(direction: Direction, words: str) -> None:
    gate = Gate(direction)
    gate.happen(EventKind.ACCESS_GRANTED)
    assert gate.shows == (Look.GRANTED, words)


def test_who_is_refused_is_told_what_to_do_for_longer(gate: Gate) -> None:
    gate.happen(EventKind.ACCESS_DENIED, Reason.OUTSIDE_SCHEDULE)
    gate.wait(REFUSED_S - 0.1)
    assert gate.shows == (Look.REFUSED, "another_time")
    gate.wait(0.1)
    assert gate.shows == (Look.IDLE, "idle")


@pytest.mark.parametrize(
    ("kind", "reason", "words"),
    [
        (EventKind.FACE_REFUSED, "mask_worn", "remove_mask"),
        (EventKind.SPOOF, None, "look_again"),
        (EventKind.READING_UNREADABLE, None, "read_again"),
        (EventKind.ACCESS_DENIED, "never_heard_of", "ask_staff"),
    ],
)
def test_each_way_to_be_refused_has_its_words(gate: Gate, kind: EventKind, reason: str | None, words: str) -> None:
    gate.happen(kind, reason)
    assert gate.shows == (Look.REFUSED, words)


def test_the_same_answer_twice_is_two_answers(gate: Gate) -> None:
    gate.happen(EventKind.ACCESS_DENIED, Reason.PIN_WRONG)
    first = gate.screen.shown()
    gate.happen(EventKind.ACCESS_DENIED, Reason.PIN_WRONG)
    assert gate.screen.shown().answer == first.answer + 1


def test_an_answer_told_again_or_late_is_not_shown(gate: Gate) -> None:
    event = gate.happen(EventKind.ACCESS_GRANTED)
    gate.wait(GRANTED_S)
    gate.screen.take_event(event)
    gate.happen(EventKind.ACCESS_GRANTED, at=gate.now - timedelta(seconds=11))
    gate.happen(EventKind.ACCESS_GRANTED, at=gate.now + timedelta(seconds=11))
    gate.happen(EventKind.ACCESS_GRANTED, historical=True)
    gate.happen(EventKind.PASSED)
    assert gate.shows == (Look.IDLE, "idle")


def test_advice_is_followed_and_does_not_stand_for_ever(gate: Gate) -> None:
    gate.screen.take_advice(Advice.COME_CLOSER)
    assert gate.shows == (Look.ADVICE, "advice_come_closer")
    gate.screen.take_advice(Advice.NOBODY)
    assert gate.shows == (Look.IDLE, "idle")
    gate.screen.take_advice(Advice.TAKE_OFF_MASK)
    gate.wait(ADVICE_S + 1)
    assert gate.shows == (Look.IDLE, "idle")


def test_without_a_camera_the_card_is_asked_for(gate: Gate) -> None:
    gate.screen.take_advice(Advice.COME_CLOSER)
    gate.screen.take_edge(ProcessStatus.OFFLINE)
    assert gate.shows == (Look.IDLE, "card_only")


@pytest.mark.parametrize(
    ("status", "look", "words"),
    [
        (DoorStatus.FIRE_OPEN, Look.EVACUATE, "evacuate"),
        (DoorStatus.LOCKDOWN, Look.CLOSED, "lockdown"),
        (DoorStatus.ALWAYS_CLOSED, Look.CLOSED, "closed_now"),
    ],
)
def test_what_holds_for_everybody_stands_above_what_one_was_told(
    gate: Gate, status: DoorStatus, look: Look, words: str
) -> None:
    gate.happen(EventKind.ACCESS_GRANTED)
    gate.door(status)
    assert gate.shows == (look, words)


def test_a_door_held_open_says_so_and_still_answers(gate: Gate) -> None:
    gate.door(DoorStatus.HELD_OPEN)
    assert gate.shows == (Look.OPEN, "open")
    gate.happen(EventKind.ACCESS_GRANTED)
    assert gate.shows == (Look.GRANTED, "granted")


def test_a_gate_without_its_controller_is_out_of_service(gate: Gate) -> None:
    gate.door(DoorStatus.FIRE_OPEN)
    gate.screen.take_controller(ProcessStatus.OFFLINE)
    assert gate.shows == (Look.OUT_OF_SERVICE, "out_of_service")


def test_an_older_state_of_the_door_changes_nothing(gate: Gate) -> None:
    gate.door(DoorStatus.LOCKDOWN)
    gate.door(DoorStatus.LOCKED, sequence=1)
    assert gate.shows == (Look.CLOSED, "lockdown")


def test_what_was_heard_before_the_broker_was_lost_is_not_known_any_more(gate: Gate) -> None:
    gate.door(DoorStatus.HELD_OPEN)
    gate.screen.lose_contact()
    assert gate.shows == (Look.NO_CONTACT, "no_contact")
