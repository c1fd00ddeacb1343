"""The page about gates says what the code does."""

from pathlib import Path

import pytest

from gate_controller import drawing
from gate_controller.gates_page import EVENTS, markdown
from messages import DoorStatus, EventKind

ROOT = Path(__file__).parents[2]


def test_the_page_is_current() -> None:
    page = (ROOT / "docs" / "gates.md").read_text(encoding="utf-8")
    assert page == markdown(), "run: campusgate door page > docs/gates.md"


def test_every_event_has_its_meaning() -> None:
    assert set(EVENTS) == set(EventKind)


def test_every_state_is_drawn() -> None:
    drawn = drawing.door_passage() + drawing.door_orders()
    assert not [status for status in DoorStatus if f"--> {status.value}" not in drawn]


@pytest.mark.parametrize(
    "arrow",
    ["locked --> granted: exit button / exit_requested<br/>grant / access_granted",
     "granted --> open: door opens / passed",
     "locked --> forced: door opens / door_forced", "open --> held: time / door_held",
     "held --> locked: door closes / door_held_ended"],
)  # fmt: skip
def test_a_passage_is_drawn_as_it_is(arrow: str) -> None:
    assert f"    {arrow}\n" in drawing.door_passage() + "\n"


def test_a_lockdown_is_left_by_a_release_or_a_fire_only() -> None:
    leaving = [line for line in drawing.door_orders().splitlines() if line.startswith("    lockdown --> ")]
    assert {line.split(" --> ")[1].split(":")[0] for line in leaving} == {"locked", "fire_open", "lockdown"}


def test_a_turnstile_tells_every_kind_of_passage() -> None:
    drawn = drawing.lane()
    for kind in ("passed", "tailgated", "passage_forced", "reverse_passage", "not_taken", "access_denied"):
        assert f"/ {kind}" in drawn
