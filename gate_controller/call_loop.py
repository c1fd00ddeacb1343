"""The controller's one thread: what comes in waits in a queue, and each call in it runs alone and in order."""

import queue
import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger()

QUEUE_LIMIT = 1000
"""Calls that may wait: a second's work at most, since whatever waited longer than two opens nothing any more."""


class CallLoop:
    """Runs calls, and `tick` whenever something is due."""

    def __init__(
        self, gate: str, *, tick: Callable[[], None], until_next_s: Callable[[], float], after_each: Callable[[], None]
    ) -> None:
        """`until_next_s` returns the seconds until `tick` is due; `after_each` runs after every call and tick."""
        self._gate = gate
        self._tick = tick
        self._until_next_s = until_next_s
        self._after_each = after_each
        self._calls: queue.Queue[Callable[[], object] | None] = queue.Queue(QUEUE_LIMIT)
        self._thread: threading.Thread | None = None
        self.on_turn: Callable[[], None] = lambda: None
        """Called before each call and tick; for the rim to set."""

    @property
    def is_full(self) -> bool:
        """Whether no further call can wait."""
        return self._calls.full()

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name=f"door-{self._gate}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Run what waits, and end the thread."""
        if self._thread is not None:
            self._calls.put(None)
            self._thread.join()

    def post(self, call: Callable[[], object]) -> None:
        """Let `call` run when its turn comes, from any thread; one for which there is no room is dropped and logged."""
        try:
            self._calls.put_nowait(call)
        except queue.Full:
            log.error("controller_queue_full", gate=self._gate)

    def _run(self) -> None:
        while True:
            self.on_turn()
            try:
                call = self._calls.get(timeout=self._until_next_s())
            except queue.Empty:
                call = self._tick
            if call is None:
                return
            try:
                call()
                if self._until_next_s() <= 0:
                    self._tick()
                self._after_each()
            except Exception:
                # The door must go on: the next card and the fire alarm come through the same loop.
                log.exception("controller_failed", gate=self._gate)
