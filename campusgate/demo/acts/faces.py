"""People who are known, and people who are not."""

import time

from access.reasons import Reason
from campusgate.demo.report import SceneResult
from campusgate.demo.stage import ANSWER_S, CLOSED, NEXT_PASSAGE_S, OPENED, SETTLE_S, WALKS, Mark, Stage, describe, poll
from edge.liveness import LivenessPolicy
from messages import Event, EventKind, Method
from operations.alarms.rules import AlarmKind


def walks_up(stage: Stage, name: str) -> Event | None:
    """Let somebody whom the gate knows walk up until it lets them in, and return that event; None when it does not."""
    for _ in range(WALKS):
        mark = Mark(stage)
        stage.camera.play(stage.films.walk(name))
        if (granted := mark.event(EventKind.ACCESS_GRANTED)) is not None:
            return granted
        time.sleep(NEXT_PASSAGE_S)
    return None


def known_person_opens(stage: Stage) -> SceneResult:
    """Somebody enrolled from one photograph walks up, as another photograph shows them."""
    mark = Mark(stage)
    granted = walks_up(stage, "wang-at-the-gate")
    by_face = granted is not None and granted.method is Method.FACE
    right = granted is not None and granted.person_id == stage.campus.people["wang"]
    got = (
        OPENED
        if by_face and right and mark.opened() and mark.openings == 1
        else f"{mark.openings} openings, {describe(granted)}"
    )
    return SceneResult("known_person_opens", OPENED, got)


def stranger_refused(stage: Stage) -> SceneResult:
    """Somebody nobody enrolled walks up and waits."""
    mark = Mark(stage)
    stage.camera.play(stage.films.walk("stranger"))
    refused = mark.event(EventKind.FACE_REFUSED)
    got = CLOSED if mark.openings == 0 and refused is not None else f"{mark.openings} openings, {describe(refused)}"
    return SceneResult("stranger_refused", CLOSED, got)


def spoof_refused(stage: Stage) -> SceneResult:
    """Somebody holds up a telephone with a photograph of somebody enrolled; facilities staff see it on the board.

    The gate tells it by the telephone's edge, and the liveness network would have told it too.
    """
    mark = Mark(stage)
    stage.camera.play(stage.films.telephone("wang"))
    spoof = mark.event(EventKind.SPOOF)
    alarm = poll(lambda: any(one["kind"] == AlarmKind.SPOOF for one in stage.staff.alarms()), ANSWER_S)
    score = None if spoof is None else spoof.details.get("liveness")
    told = isinstance(score, float) and score < LivenessPolicy().least_score
    expected = f"{CLOSED}, spoof on the board, the network agrees"
    right = mark.openings == 0 and spoof is not None and spoof.reason == Reason.SPOOF and alarm and told
    got = expected if right else f"{mark.openings} openings, {describe(spoof)}, alarm {alarm}, liveness {score}"
    return SceneResult("spoof_refused", expected, got)


def camera_stayed_well(stage: Stage) -> SceneResult:
    """Nothing is said against a camera that saw everything all day."""
    expected = "no alarm about the camera"
    kinds = {AlarmKind.CAMERA_LOST.value, AlarmKind.CAMERA_IMPAIRED.value}

    def wrong() -> list[str]:
        return sorted(f"{one['kind']} ({one['reason']})" for one in stage.staff.alarms() if one["kind"] in kinds)

    poll(lambda: not wrong(), SETTLE_S)
    return SceneResult("camera_stayed_well", expected, ", ".join(wrong()) or expected)
