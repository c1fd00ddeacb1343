"""A reader without hardware, for tests."""

import queue
import time

from gate_controller.readers import Kind, Presented, Read, Reading, ReadingResult


class SimulatedReader:
    """Cards are presented by a call."""

    def __init__(self) -> None:
        self._read: Read | None = None
        self.monotonic_ns = time.monotonic_ns
        """The clock of whoever decides."""

    def start(self, read: Read) -> None:
        """Take the listener."""
        self._read = read

    def stop(self) -> None:
        """Read no more."""
        self._read = None

    def present(self, value: str, *, kind: Kind = "card", authenticated: bool = False) -> "queue.Queue[ReadingResult]":
        """Present a card or type a code; the outcome comes out of the returned queue."""
        results: queue.Queue[ReadingResult] = queue.Queue()
        at_ns = self.monotonic_ns()
        self.report(Reading(value, kind, authenticated=authenticated, read_ns=at_ns, answer=results.put))
        return results

    def report(self, presented: Presented) -> None:
        """Hand over whatever a reader can report."""
        if self._read is not None:
            self._read(presented)
