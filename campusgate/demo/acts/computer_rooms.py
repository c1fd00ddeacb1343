"""The computer room: a login by number and password, and its time on the same account."""

import time
from contextlib import closing

from campusgate.demo.computer_room import FEN_PER_HOUR, Seat
from campusgate.demo.report import SceneResult
from campusgate.demo.stage import Stage
from network_access.terms import cost_fen

_SESSION_S = 1


def computer_room_time_is_paid(stage: Stage) -> SceneResult:
    """Somebody logs in at a computer, for a moment: what is paid is the time, once, although the switch repeats it."""
    resident, before = stage.campus.personas.resident, stage.resident.wallet()["balance"]
    with closing(Seat(stage.campus.server_url, stage.campus.radius_token, resident.number)) as seat:
        wrong = seat.log_in("not their password")["Auth-Type"]
        right = seat.log_in(resident.password)["Auth-Type"]
        seat.tell("Start")
        held = bool(stage.resident.wallet()["holds"])
        time.sleep(_SESSION_S)
        for status in ("Stop", "Start", "Stop"):
            seat.tell(status, _SESSION_S)
    after = stage.resident.wallet()
    paid, due = before - after["balance"], cost_fen(_SESSION_S, FEN_PER_HOUR)
    expected = f"Reject, Accept, held, {due} fen paid, nothing held"
    got = (
        f"{wrong}, {right}, {'held' if held else 'not held'}, {paid} fen paid, "
        f"{'something' if after['holds'] else 'nothing'} held"
    )
    return SceneResult("computer_room_time_is_paid", expected, got)
