"""Cards: for whoever is not known by face, and lost ones."""

import threading
import time

from access.reasons import Reason
from campusgate.demo.campus import CARD
from campusgate.demo.report import SceneResult
from campusgate.demo.stage import ANSWER_S, OPENED, QUIET_S, SETTLE_S, Mark, Stage, poll
from messages import EventKind, Method

_REVOCATION_S = 2.0
_CUT_S = 3.0
_TRIES = 3
"""What is shown while a busy machine lets the line time out is dropped as well; people show it again."""


def card_fallback_opens(stage: Stage) -> SceneResult:
    """Somebody who gave no photograph stands there, is not known by face, and taps the card."""
    walk = stage.films.walk("li")
    mark = Mark(stage)
    film = threading.Thread(target=stage.camera.play, args=(walk,))
    film.start()
    mark.event(EventKind.FACE_REFUSED, seconds=SETTLE_S)
    answer = stage.at_the_reader(f"card {CARD['li']}")
    granted = mark.event(EventKind.ACCESS_GRANTED)
    film.join()
    by_card = granted is not None and granted.method is Method.CARD
    got = (
        OPENED
        if by_card and mark.opened() and mark.openings == 1
        else f"{mark.openings} openings, reader says {answer}"
    )
    return SceneResult("card_fallback_opens", OPENED, got)


def one_card_one_person(stage: Stage) -> SceneResult:
    """The card lies on the reader for longer than one reading: the same answer, one grant, and one passage."""
    mark = Mark(stage)
    answers = [stage.at_the_reader(f"card {CARD['wang']}") for _ in range(2)]
    mark.event(EventKind.GRANT_RENEWED)
    stage.at_the_reader("contact on")
    stage.at_the_reader("contact off")
    mark.event(EventKind.CLOSED)
    grants = sum(event.kind == EventKind.ACCESS_GRANTED for event in mark.events)
    passages = sum(event.kind == EventKind.PASSED for event in mark.events)
    expected = "granted twice, one grant, one passage"
    well = (answers, grants, passages, mark.openings) == (["granted"] * 2, 1, 1, 1)
    got = expected if well else f"{' and '.join(answers)}, {grants} grants, {passages} passages"
    return SceneResult("one_card_one_person", expected, got)


def lost_card_refused(stage: Stage) -> SceneResult:
    """The card is reported lost at the counter; as soon as the gate knows, somebody tries it."""
    gate = stage.topics.gate
    before = stage.staff.published(gate)
    stage.card_centre.report_lost(stage.campus.people["li"])
    poll(lambda: min(stage.staff.revisions(gate)) > before, ANSWER_S)
    mark = Mark(stage)
    answer = stage.at_the_reader(f"card {CARD['li']}")
    time.sleep(QUIET_S)
    expected = Reason.CARD_LOST.value
    refused = answer == f"denied {expected}" and mark.openings == 0
    got = expected if refused else f"{answer}, {mark.openings} openings"
    return SceneResult("lost_card_refused", expected, got)


def late_card_stays_out(stage: Stage) -> SceneResult:
    """A good card is shown while the reader's line is cut; it opens nothing until it is shown again."""
    expected = "dropped, opened when shown again"
    mark = Mark(stage)
    stage.cast.reader.line.cut()
    stage.cast.reader.present_card(CARD["wang"])
    time.sleep(_CUT_S)
    stage.cast.reader.line.mend()
    dropped = mark.event(EventKind.READINGS_DROPPED, seconds=SETTLE_S)
    time.sleep(QUIET_S)
    late = mark.openings
    again = any(_shown_opens(stage) for _ in range(_TRIES))
    got = expected if dropped is not None and late == 0 and again else f"{dropped}, {late} openings, again {again}"
    return SceneResult("late_card_stays_out", expected, got)


def _shown_opens(stage: Stage) -> bool:
    mark = Mark(stage)
    stage.cast.reader.present_card(CARD["wang"])
    granted = mark.event(EventKind.ACCESS_GRANTED)
    return granted is not None and granted.method is Method.CARD and mark.opened()


def revocation_within_2s(stage: Stage) -> SceneResult:
    """Another card is reported lost; within two seconds every device of the gate refuses it."""
    expected = f"refused within {_REVOCATION_S:.0f} s"
    gate = stage.topics.gate
    before = stage.staff.published(gate)
    stage.card_centre.report_lost(stage.campus.people["zhao"])
    in_time = poll(lambda: min(stage.staff.revisions(gate)) > before, _REVOCATION_S)
    answer = stage.at_the_reader(f"card {CARD['zhao']}")
    got = f"{'in time' if in_time else 'too late'}, {answer}"
    if in_time and answer == "denied card_lost":
        got = expected
    return SceneResult("revocation_within_2s", expected, got)
