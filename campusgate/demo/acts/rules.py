"""Rules of the gate that staff change while it works: curfew, anti-passback."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from access.reasons import Notice
from campusgate.demo.campus import CARD
from campusgate.demo.report import SceneResult
from campusgate.demo.stage import ANSWER_S, SETTLE_S, Mark, Stage, poll
from messages import EventKind

_ALL_DAY = [{"start": "00:00", "end": "00:00"}]


def curfew_return_reported(stage: Stage) -> SceneResult:
    """After curfew a resident still gets in, and the warden hears of it."""
    late = {"schedules": [{"name": "night", "windows": _ALL_DAY}], "curfew": {"schedule": "night"}}
    with _policy(stage, late):
        mark = Mark(stage)
        answer = stage.at_the_reader(f"card {CARD['wang']}")
        mark.event(EventKind.ACCESS_GRANTED)
        noted = stage.observer.wait(lambda: any(Notice.LATE_RETURN in event.details for event in mark.events), ANSWER_S)
    expected = "opened, late return reported"
    return SceneResult("curfew_return_reported", expected, expected if noted else f"{answer}, not reported")


def passed_back_card_refused(stage: Stage) -> SceneResult:
    """Somebody goes in and hands the card out to a friend."""
    rule = {
        "direction": "entry",
        "anti_passback": {"kind": "timed", "within": "PT5M", "hard": True, "offline_hard": True},
    }
    with _policy(stage, rule):
        first = stage.at_the_reader(f"card {CARD['zhao']}")
        stage.at_the_reader("contact on")
        stage.at_the_reader("contact off")
        stage.observer.wait(stage.is_locked, SETTLE_S)
        second = stage.at_the_reader(f"card {CARD['zhao']}")
    expected = "granted, then denied passed_back"
    return SceneResult("passed_back_card_refused", expected, f"{first}, then {second}")


@contextmanager
def _policy(stage: Stage, changes: dict[str, Any]) -> Iterator[None]:
    """Change the gate's policy for a while, and wait each time until the gate has it."""
    stage.observer.wait(stage.is_locked, SETTLE_S)
    gate = stage.topics.gate
    before = stage.staff.policy(gate)
    _set(stage, before | changes)
    try:
        yield
    finally:
        stage.observer.wait(stage.is_locked, SETTLE_S)
        _set(stage, before)


def _set(stage: Stage, policy: dict[str, Any]) -> None:
    gate = stage.topics.gate
    revision = stage.staff.published(gate)
    stage.staff.set_policy(gate, policy)
    poll(lambda: min(stage.staff.revisions(gate)) > revision, ANSWER_S)
