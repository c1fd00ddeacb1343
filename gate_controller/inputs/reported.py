"""A wire whose state a driver reports: on boards and in readers."""

import threading
from collections.abc import Callable


class ReportedInput:
    """A wire whose driver reports state and faults, from any thread; it passes on only changes."""

    def __init__(self, *, active: bool = False) -> None:
        self._lock = threading.Lock()
        self._active = active
        self._fault: str | None = None
        self._changed: Callable[[bool], None] | None = None
        self._fault_changed: Callable[[str | None], None] | None = None

    @property
    def active(self) -> bool:
        """Its state now, or the last one known."""
        return self._active

    @property
    def fault(self) -> str | None:
        """How it is broken: `cut`, `short` or `lost`; None when it is well."""
        return self._fault

    def watch(self, changed: Callable[[bool], None]) -> None:
        """Call `changed` with every new state."""
        self._changed = changed

    def watch_fault(self, changed: Callable[[str | None], None]) -> None:
        """Call `changed` with every new fault; at once if there is one already."""
        self._fault_changed = changed
        if self._fault is not None:
            changed(self._fault)

    def report(self, active: bool) -> None:
        """Set the state, and pass on a new one."""
        with self._lock:
            if active == self._active:
                return
            self._active = active
        if self._changed is not None:
            self._changed(active)

    def report_fault(self, fault: str | None) -> None:
        """Set the fault, None when all is well, and pass on a new one."""
        with self._lock:
            if fault == self._fault:
                return
            self._fault = fault
        if self._fault_changed is not None:
            self._fault_changed(fault)

    def close(self) -> None:
        """The driver gives the hardware back."""
