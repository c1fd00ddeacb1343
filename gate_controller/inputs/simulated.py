"""A wire without hardware, for tests and demonstrations."""

from collections.abc import Callable


class SimulatedInput:
    """A wire whose state is set by a call."""

    def __init__(self, *, active: bool = False) -> None:
        self._active = active
        self._changed: Callable[[bool], None] | None = None

    @property
    def active(self) -> bool:
        """Its state now."""
        return self._active

    def watch(self, changed: Callable[[bool], None]) -> None:
        """Call `changed` with every new state."""
        self._changed = changed

    def set(self, active: bool) -> None:
        """Change the state."""
        if active != self._active:
            self._active = active
            if self._changed is not None:
                self._changed(active)

    def close(self) -> None:
        """Nothing to give back."""
