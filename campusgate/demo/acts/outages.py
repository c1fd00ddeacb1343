"""Whatever dies, a card still opens; and whatever comes back, nothing opens late."""

import threading
import time

from campusgate.demo.acts.faces import walks_up
from campusgate.demo.campus import CARD
from campusgate.demo.report import SceneResult
from campusgate.demo.stage import OPENED, QUIET_S, SETTLE_S, Mark, Stage
from messages import EventKind

_ALONE_MS = 300.0
_RECONNECT_S = 30.0


def edge_dead_card_opens(stage: Stage) -> SceneResult:
    """The edge dies without a word; the controller decides about a card alone, within 300 ms."""
    expected = f"opened within {_ALONE_MS:.0f} ms"
    stage.cast.kill("edge")
    stage.narrator.write("The edge is killed on purpose: until it is back nobody is recognised, and cards open alone.")
    stage.observer.forget_status("edge")
    mark = Mark(stage)
    answer = stage.at_the_reader(f"card {CARD['wang']}")
    granted = mark.event(EventKind.ACCESS_GRANTED)
    stage.cast.start_edge(stage.camera.url)
    stage.cast.wait_for_edge(stage.observer)
    latency = granted.latency_ms if granted is not None else None
    in_time = answer == "granted" and latency is not None and latency <= _ALONE_MS
    return SceneResult("edge_dead_card_opens", expected, expected if in_time else f"{answer} after {latency} ms")


def server_dead_gate_works(stage: Stage) -> SceneResult:
    """The server dies; a code, a card and a face still open the gate, from what the gate knows."""
    shown = stage.resident.show_code()
    stage.cast.kill("server")
    stage.narrator.write(
        "The server is killed on purpose: the pages do not answer until it is back. The gate works on."
    )
    code = stage.at_the_reader(f"code {shown}")
    stage.observer.wait(stage.is_locked, SETTLE_S)
    card = stage.at_the_reader(f"card {CARD['wang']}")
    stage.observer.wait(stage.is_locked, SETTLE_S)
    by_face = walks_up(stage, "wang-at-the-gate") is not None
    stage.cast.start_server()
    stage.cast.wait_for_server()
    stage.narrator.write("The server is back: open pages go on by themselves; reload one that shows an error.")
    expected = "code, card and face opened"
    opened = code == card == "granted" and by_face
    got = expected if opened else f"code {code}, card {card}, face {by_face}"
    return SceneResult("server_dead_gate_works", expected, got)


def broker_dead_card_opens(stage: Stage) -> SceneResult:
    """The broker dies while somebody known stands there; the card opens, and its return opens nothing."""
    expected = f"{OPENED} by card, nothing opened late"
    walk = stage.films.walk("wang-at-the-gate")
    stage.cast.kill("broker")
    stage.narrator.write("The broker is killed on purpose: on the board nobody's presence is known until it is back.")
    stage.observer.forget_status()
    film = threading.Thread(target=stage.camera.play, args=(walk,))
    film.start()
    card = stage.at_the_reader(f"card {CARD['wang']}")
    film.join()
    time.sleep(SETTLE_S / 3)
    mark = Mark(stage)
    stage.cast.start_broker()
    back = stage.observer.wait(lambda: stage.bus.connected, _RECONNECT_S)
    stage.cast.wait_for_edge(stage.observer)
    time.sleep(QUIET_S)
    right = card == "granted" and back and mark.openings == 0
    got = expected if right else f"card {card}, {mark.openings} late openings"
    return SceneResult("broker_dead_card_opens", expected, got)
