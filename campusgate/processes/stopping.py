"""The signals that stop a service."""

import signal
import threading


def make_stop_event() -> threading.Event:
    """Return an event that is set by Ctrl-C and by the service manager (SIGINT, SIGTERM)."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
