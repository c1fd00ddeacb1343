"""The code of a virtual card, held to the scanner of a gate."""

from campusgate.demo.report import SceneResult
from campusgate.demo.stage import ANSWER_S, OPENED, SETTLE_S, Mark, Stage, poll
from gate_controller.code_authentication import CodeRefusal
from messages import EventKind, Method


def code_opens(stage: Stage) -> SceneResult:
    """Somebody claims their virtual card; as soon as the gate knows it, its code opens."""
    before = stage.staff.published(stage.topics.gate)
    stage.resident.claim_virtual_card()
    poll(lambda: min(stage.staff.revisions(stage.topics.gate)) > before, ANSWER_S)
    mark = Mark(stage)
    answer = stage.at_the_reader(f"code {stage.resident.show_code()}")
    granted = mark.event(EventKind.ACCESS_GRANTED)
    by_code = granted is not None and granted.method is Method.CODE
    got = OPENED if answer == "granted" and by_code and mark.opened() else f"reader says {answer}"
    return SceneResult("code_opens", OPENED, got)


def used_code_refused(stage: Stage) -> SceneResult:
    """Somebody goes in by a code; whoever stands behind them shows a photograph of it."""
    code = stage.resident.show_code()
    first = stage.at_the_reader(f"code {code}")
    stage.at_the_reader("contact on")
    stage.at_the_reader("contact off")
    stage.observer.wait(stage.is_locked, SETTLE_S)
    second = stage.at_the_reader(f"code {code}")
    expected = f"granted, then denied {CodeRefusal.USED.value}"
    return SceneResult("used_code_refused", expected, f"{first}, then {second}")
