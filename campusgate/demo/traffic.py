"""What goes on after the day: people come by one gate and leave by the other, shower, and use electricity."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from campusgate.demo.campus import CARD, PEOPLE
from campusgate.demo.stage import SETTLE_S, Mark, Stage
from messages import EventKind

_PAUSE_S = 6.0
_SHOWER_S = 3.0
_IN_THE_DOOR_S = 0.6
_GRANTED_WITHIN_S = 8.0
_UNKNOWN_CARD = "04BADCAFE00180"


@dataclass(frozen=True, slots=True)
class _Visit:
    """Somebody at a gate, and how they try to pass."""

    who: str
    act: Callable[[Stage], None]


def keep_playing(stage: Stage) -> None:
    """Let people come and go until somebody presses Ctrl-C."""
    while True:
        play_round(stage)


def play_round(stage: Stage, *, pause_s: float = _PAUSE_S) -> None:
    """Let everybody come and go once, one after the other."""
    for visit in _visits():
        stage.narrator.show(f"next: {visit.who} (Ctrl-C ends)")
        time.sleep(pause_s)
        stage.cast.check()
        stage.narrator.show(f"now: {visit.who} (Ctrl-C ends)")
        stage.observer.wait(stage.is_locked, SETTLE_S)
        visit.act(stage)


def _visits() -> Iterator[_Visit]:
    """Yield one round: most people get in, two do not, and the dormitory is lived in."""
    yield _comes("he")
    yield _walks("wang-again", "Wang Xiaoming, known from another photograph")
    yield _comes("xu")
    yield _Visit("the dormitory: a shower, and the room", _live_in_the_dormitory)
    yield _leaves("he")
    yield _walks("stranger", "Zhao Lei, let in once a reviewer has approved the photo")
    yield _comes("guo")
    yield _Visit("a card that was reported lost, at the north gate", lambda stage: _enter(stage, CARD["li"]))
    yield _leaves("wang")
    yield _leaves("xu")
    yield _walks("li", "Sun Min, let in once a reviewer has approved the photo")
    yield _comes("he")
    yield _Visit("a card from elsewhere, at the north gate", lambda stage: _enter(stage, _UNKNOWN_CARD))
    yield _leaves("guo")
    yield _leaves("he")


def _comes(key: str) -> _Visit:
    return _Visit(f"{PEOPLE[key].pinyin} taps at the north gate", lambda stage: _enter(stage, CARD[key]))


def _leaves(key: str) -> _Visit:
    return _Visit(f"{PEOPLE[key].pinyin} leaves by the south gate", lambda stage: _leave(stage, CARD[key]))


def _walks(photograph: str, who: str) -> _Visit:
    return _Visit(f"{who}, walks up to the north gate", lambda stage: _walk(stage, photograph))


def _enter(stage: Stage, card: str) -> None:
    if stage.at_the_reader(f"card {card}") == "granted":
        _pass(stage.at_the_reader)


def _leave(stage: Stage, card: str) -> None:
    if stage.at_the_exit(f"card {card}") == "granted":
        _pass(stage.at_the_exit)


def _walk(stage: Stage, name: str) -> None:
    """Let somebody walk up, and through as long as the door is open for them."""
    mark = Mark(stage)
    film = threading.Thread(target=stage.camera.play, args=(stage.films.walk(name),))
    film.start()
    is_granted = mark.event(EventKind.ACCESS_GRANTED, seconds=_GRANTED_WITHIN_S) is not None
    # The news may come late on a busy machine; who opens a door that is locked again forces it.
    if is_granted and mark.opened(seconds=_IN_THE_DOOR_S) and not stage.is_locked():
        _pass(stage.at_the_reader)
    film.join()


def _pass(at_the_reader: Callable[[str], str]) -> None:
    at_the_reader("contact on")
    time.sleep(_IN_THE_DOOR_S)
    at_the_reader("contact off")


def _live_in_the_dormitory(stage: Stage) -> None:
    installations = stage.installations
    if installations.is_room_armed:
        # A visitor has paid for the room on the page.
        installations.press_meters_button()
    begun = stage.at_the_shower(f"card {CARD['wang']}")
    time.sleep(_SHOWER_S)
    if begun == "granted":
        stage.at_the_shower(f"card {CARD['wang']}")
