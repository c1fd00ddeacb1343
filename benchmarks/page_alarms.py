"""Alarms at a gate of the demonstration that come and are acknowledged, while somebody watches a page."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from campusgate.demo.running import RunningDemonstration
from campusgate.demo.staff import Staff
from campusgate.demo.stage import say

_OPEN_MS = 400


class Alarms:
    """The contact of a door that is pushed open, and the guard who acknowledges what comes of it."""

    def __init__(self, told: RunningDemonstration) -> None:
        """Sign the guard in."""
        guard = told.accounts["guard"]
        self._port = told.reader_port
        self._staff = Staff(told.server_url, guard.number, guard.password)

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Sign out."""
        self._staff.close()

    def come_and_go(self, pause: Callable[[float], None], lasting_ms: int) -> None:
        """Let alarms come and go for about `lasting_ms`; `pause` waits so many milliseconds."""
        each = lasting_ms // 4
        for _ in range(2):
            say(self._port, "contact on")
            pause(_OPEN_MS)
            say(self._port, "contact off")
            pause(each - _OPEN_MS)
            for alarm in self._staff.alarms():
                self._staff.acknowledge(alarm["id"], "somebody carried a cupboard through")
            pause(each)
