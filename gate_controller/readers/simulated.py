"""A reader without hardware, for tests."""

import queue
from collections.abc import Callable
from typing import Literal

from gate_controller.readers import Outcome, Reading


class SimulatedReader:
    """Cards are presented by a call."""

    def __init__(self) -> None:
        self._read: Callable[[Reading], None] | None = None

    def start(self, read: Callable[[Reading], None]) -> None:
        """Take the listener."""
        self._read = read

    def stop(self) -> None:
        """Read no more."""
        self._read = None

    def present(
        self, value: str, *, kind: Literal["card", "code", "sun"] = "card", authenticated: bool = False
    ) -> "queue.Queue[Outcome]":
        """Present a card or type a code; the outcome comes out of the returned queue."""
        outcomes: queue.Queue[Outcome] = queue.Queue()
        if self._read is not None:
            self._read(Reading(value, kind, authenticated=authenticated, answer=outcomes.put))
        return outcomes
