"""A thread for the browser and for whoever drives it.

Playwright's synchronous interface leaves an event loop running in the thread that uses it, where no other test could
run one of its own any more; and nothing of it can be used from another thread.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

_T = TypeVar("_T")


class BrowserThread:
    """Runs one call after the other in its thread."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="browser", daemon=True)
        self._thread.start()
        self._is_stuck = False

    def run(self, call: Callable[[], _T]) -> _T:
        """Return what `call` returns, or raise what it raises."""
        if threading.current_thread() is self._thread:
            return call()
        if self._is_stuck:
            raise RuntimeError("a test before this one ran out of time and still holds the browser")
        future: Future[_T] = Future()
        self._calls.put((future, call))
        try:
            return future.result()
        finally:
            # Only what interrupts the waiting, as a test's timeout does, leaves without a result.
            self._is_stuck = not future.done()

    def stop(self) -> None:
        """End the thread, unless a call never ended."""
        self._calls.put(None)
        if not self._is_stuck:
            self._thread.join()

    def _work(self) -> None:
        while (given := self._calls.get()) is not None:
            future, call = given
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001 - raised again where the result is waited for
                future.set_exception(error)
