"""The end of the day at the board: what was played is looked at, and nothing else is there to be looked at."""

from typing import Any

from campusgate.demo.report import SceneResult
from campusgate.demo.stage import Stage, poll
from operations.alarms.rules import AlarmKind

_PLAYED = frozenset({AlarmKind.FORCED, AlarmKind.SPOOF, AlarmKind.FIRE, AlarmKind.CURFEW, AlarmKind.WIRE_FAULT})
"""What the scenes raise and a guard must look at; everything else ends by itself."""
_ENDS_WITHIN_S = 60.0
_NOTE = "演示中的一幕，已查看。 Part of the demonstration; looked at."


def nothing_is_left_open(stage: Stage) -> SceneResult:
    """The guard looks at what was played, and notes it; every other alarm has ended by itself."""
    expected = "no alarm open"
    for alarm in stage.staff.alarms():
        if alarm["kind"] in _PLAYED and alarm["acknowledged_at"] is None:
            stage.staff.acknowledge(alarm["id"], _NOTE)
    poll(lambda: not stage.staff.alarms(), _ENDS_WITHIN_S)
    left = [_describe(alarm) for alarm in stage.staff.alarms()]
    return SceneResult("nothing_is_left_open", expected, ", ".join(left) or expected)


def _describe(alarm: dict[str, Any]) -> str:
    return f"{alarm['kind']} at {alarm['gate']} ({alarm['reason']})"
