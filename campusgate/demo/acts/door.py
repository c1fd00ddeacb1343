"""The door itself: forced, held, opened by fire, locked down."""

import time

from campusgate.demo.campus import CARD, GATE
from campusgate.demo.report import SceneResult
from campusgate.demo.stage import ANSWER_S, QUIET_S, SETTLE_S, Mark, Stage
from messages import DoorStatus, EventKind


def forced_door_noticed(stage: Stage) -> SceneResult:
    """The door opens although nobody was let in."""
    mark = Mark(stage)
    stage.at_the_reader("contact on")
    forced = mark.event(EventKind.DOOR_FORCED)
    stage.at_the_reader("contact off")
    ended = mark.event(EventKind.DOOR_FORCED_ENDED)
    return SceneResult("forced_door_noticed", "forced, then ended", _both(forced, ended, "forced, then ended"))


def held_door_noticed(stage: Stage) -> SceneResult:
    """Somebody passes and puts a foot into the door."""
    mark = Mark(stage)
    stage.at_the_reader(f"card {CARD['wang']}")
    stage.at_the_reader("contact on")
    held = mark.event(EventKind.DOOR_HELD, seconds=SETTLE_S)
    stage.at_the_reader("contact off")
    ended = mark.event(EventKind.DOOR_HELD_ENDED)
    return SceneResult("held_door_noticed", "held, then ended", _both(held, ended, "held, then ended"))


def fire_opens(stage: Stage) -> SceneResult:
    """The fire alarm's wire opens the door, with nobody's leave, and its end is recorded."""
    mark = Mark(stage)
    stage.at_the_reader("fire on")
    opened = mark.event(EventKind.FIRE_OPENED)
    unlocked = stage.observer.wait(lambda: _is_open_for_fire(stage), ANSWER_S)
    stage.at_the_reader("fire off")
    restored = mark.event(EventKind.FIRE_RESTORED)
    got = _both(opened, restored, "opened, then restored") if unlocked else "stayed locked"
    return SceneResult("fire_opens", "opened, then restored", got)


def lockdown_refuses_everyone(stage: Stage) -> SceneResult:
    """Staff lock the gate down; a good card does not open it, and afterwards it does again."""
    expected = "locked down, refused, then opened"
    effect = stage.staff.order("lockdown", GATE)
    mark = Mark(stage)
    refused = stage.at_the_reader(f"card {CARD['wang']}")
    time.sleep(QUIET_S)
    shut = mark.openings == 0 and refused.startswith("denied")
    released = stage.staff.order("release", GATE)
    stage.observer.wait(stage.is_locked, SETTLE_S)
    after = stage.at_the_reader(f"card {CARD['wang']}")
    right = (effect, released, after) == ("done", "done", "granted") and shut
    got = expected if right else f"{effect}, {refused}, {released}, {after}, {mark.openings} openings"
    return SceneResult("lockdown_refuses_everyone", expected, got)


def _is_open_for_fire(stage: Stage) -> bool:
    door = stage.observer.door
    return door is not None and door.unlocked and door.state is DoorStatus.FIRE_OPEN


def _both(first: object, second: object, words: str) -> str:
    if first is None:
        return "not noticed"
    return words if second is not None else "its end was not noticed"
