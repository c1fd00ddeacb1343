"""How a service that runs until it is stopped hears that it is to stop."""

import signal
import threading


def until_stopped() -> threading.Event:
    """Return an event that is set by Ctrl-C and by the service manager (SIGINT, SIGTERM)."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
