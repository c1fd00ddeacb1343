"""The server hangs, which no connection tells: what waited in it opens nothing later, and the page says so."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from campusgate.demo.campus import GATE
from campusgate.demo.live_page import LIVE, STALE, LivePage
from campusgate.demo.report import SceneResult
from campusgate.demo.stage import ANSWER_S, QUIET_S, SETTLE_S, Mark, Stage
from console.live.heartbeat import SILENT_S
from web.tickets import LIFE

_CANCELLED_AFTER_S = 1.5


def cancelled_order_stays_cancelled(stage: Stage) -> SceneResult:
    """Staff open the gate while the server hangs, and cancel; when it goes on nothing opens, until they ask again."""
    expected = "nothing opened, then done"
    with _page(stage) as page:
        page.wait(LIVE, SETTLE_S)
        mark, ticket = Mark(stage), page.get_ticket("open")
        with _hanging(stage):
            # One order waits in the server, with its ticket; another does not even get one.
            sent = page.send_order("open", GATE, ticket or "", patience_s=_CANCELLED_AFTER_S)
            pressed = page.get_ticket("open", patience_s=_CANCELLED_AFTER_S)
            time.sleep(LIFE.total_seconds())
        stage.cast.wait_for_server()
        time.sleep(QUIET_S)
        late = mark.openings
        again = page.send_order("open", GATE, page.get_ticket("open") or "", patience_s=SETTLE_S)
        opened = stage.observer.wait(lambda: mark.openings == late + 1, ANSWER_S)
    cancelled = (sent, pressed) == (None, None)
    right = cancelled and late == 0 and again == "done" and opened
    got = expected if right else f"{late} late openings, cancelled: {cancelled}, then {again}"
    return SceneResult("cancelled_order_stays_cancelled", expected, got)


def hung_server_is_shown(stage: Stage) -> SceneResult:
    """The server hangs: the open page says how old its data is, and is live again by itself when the server goes on."""
    expected = "data as of, then live"
    with _page(stage) as page:
        live = page.wait(LIVE, SETTLE_S)
        with _hanging(stage):
            shown = page.wait(STALE, SILENT_S + SETTLE_S)
        back = page.wait(LIVE, SETTLE_S)
    right = live and shown and page.as_of is not None and back
    return SceneResult(
        "hung_server_is_shown", expected, expected if right else f"live {live}, shown {shown}, back {back}"
    )


def _page(stage: Stage) -> LivePage:
    guard = stage.campus.personas.guard
    return LivePage(stage.campus.server_url, guard.number, guard.password)


@contextmanager
def _hanging(stage: Stage) -> Iterator[None]:
    stage.cast.suspend("server")
    stage.narrator.write("The server is made to hang on purpose: open pages lose their colours until it goes on.")
    try:
        yield
    finally:
        stage.cast.resume("server")
