"""What goes on after the day: people walk up to the gate, somebody showers, a room uses electricity by itself."""

import itertools
import time

from campusgate.demo.campus import CARD
from campusgate.demo.stage import Stage

_PAUSE_S = 6.0
_SHOWER_S = 3.0
_PASSERS_BY = {
    "wang-again": "Wang Xiaoming, whom the gate knows from another photograph",
    "stranger": "Zhao Lei, let in once a reviewer has approved the photo",
    "wang-at-the-gate": "Wang Xiaoming again, in another light",
    "li": "Sun Min, let in once a reviewer has approved the photo",
}
"""Who walks up after the day, by the photograph on the film."""


def keep_playing(stage: Stage) -> None:
    """Let people walk up, one after the other, until somebody presses Ctrl-C."""
    for name, who in itertools.cycle(_PASSERS_BY.items()):
        stage.narrator.show(f"next at the gate: {who} (Ctrl-C ends)")
        _live_in_the_dormitory(stage)
        time.sleep(_PAUSE_S - _SHOWER_S)
        stage.cast.check()
        stage.narrator.show(f"at the gate: {who} (Ctrl-C ends)")
        stage.camera.play(stage.films.walk(name))


def _live_in_the_dormitory(stage: Stage) -> None:
    installations = stage.installations
    if installations.is_room_armed:
        # A visitor has paid for the room on the page.
        installations.press_meters_button()
    begun = stage.at_the_shower(f"card {CARD['wang']}")
    time.sleep(_SHOWER_S)
    if begun == "granted":
        stage.at_the_shower(f"card {CARD['wang']}")
