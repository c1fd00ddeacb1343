"""Handlers run here, on a thread of their own, so that a slow or broken one never stops the network."""

import queue
import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger()

QUEUE_LIMIT = 2000
"""Calls that may wait at a gate, whose memory is small; beyond it new ones are dropped and counted."""
_TURN_S = 1.0
"""The longest turn with nothing to do."""


class HandlerThread:
    """Runs calls one after the other, in order. What a call raises is logged and does not stop the next."""

    def __init__(self, name: str, limit: int = QUEUE_LIMIT) -> None:
        self._name = name
        self._calls: queue.Queue[Callable[[], None] | None] = queue.Queue(limit)
        self._thread: threading.Thread | None = None
        self.dropped = 0
        self.on_turn: Callable[[], None] = lambda: None
        """Called before each call, and once a second where none waits; for the rim to set."""

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name=f"{self._name}-handlers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Run what is waiting, then end. From within a handler: ask for the end without waiting for it."""
        if self._thread is None:
            return
        if self._thread is threading.current_thread():
            self._calls.put_nowait(None)
            return
        self._calls.put(None)
        self._thread.join()
        self._thread = None

    def call(self, function: Callable[[], None]) -> bool:
        """Let `function` run when its turn comes; False when too many wait and it was dropped."""
        try:
            self._calls.put_nowait(function)
        except queue.Full:
            self.dropped += 1
            log.error("bus_handler_queue_full", connection=self._name, dropped=self.dropped)
            return False
        return True

    def call_surely(self, function: Callable[[], None]) -> None:
        """Let `function` run when its turn comes; where too many wait, wait for room. Not for the network's thread."""
        self._calls.put(function)

    def _run(self) -> None:
        while True:
            self.on_turn()
            try:
                call = self._calls.get(timeout=_TURN_S)
            except queue.Empty:
                continue
            if call is None:
                return
            try:
                call()
            except Exception:
                log.exception("bus_handler_failed", connection=self._name)
