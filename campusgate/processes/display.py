"""The screen of a gate as a process: from the gate's broker to a browser on the same device."""

import threading
from dataclasses import dataclass

from access.policy import Direction
from bus import Connection, random_client_id
from campusgate.processes.watchdog import Watchdog
from campusgate.processes.web_server import serve
from campusgate.settings import Settings
from campusgate.wiring.broker import make_broker_address
from gate_display.app import follow, make_display_app
from gate_display.screen import Screen
from messages import GateTopics

_TURN_WITHIN_S = 20.0
"""Of the thread that takes what the gate says; nothing in it waits."""


@dataclass(frozen=True, slots=True)
class DisplayOptions:
    """Which gate, how people know it, and where the page is served."""

    gate: str
    title: str
    host: str
    port: int
    direction: Direction | None


def run_display(settings: Settings, options: DisplayOptions, stop: threading.Event) -> None:
    """Serve the screen until `stop` is set. It needs no key and no token: it hears its gate, and says nothing.

    Raises:
        OperatorError: a setting cannot be used.
    """
    screen = Screen(options.direction)
    bus = Connection(make_broker_address(settings), random_client_id(f"display-{settings.site}-{options.gate}"))
    follow(bus, GateTopics(settings.site, options.gate), screen)
    watchdog = Watchdog(settings.heartbeat_file)
    bus.on_handler_turn(watchdog.watch("handlers", _TURN_WITHIN_S))
    bus.start()
    app = make_display_app(screen, options.title, settings.time_zone, stop)
    try:
        serve(app, options.host, options.port, stop, watchdog=watchdog)
    finally:
        stop.set()
        bus.stop()
