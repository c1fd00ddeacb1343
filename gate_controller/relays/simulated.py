"""A relay without a lock, for tests and demonstrations."""

from collections.abc import Callable

from gate_controller.relays import RelayError


class SimulatedRelay:
    """Remembers every movement in `history`; `broken` makes it disobey."""

    def __init__(self, on_change: Callable[[bool], None] | None = None) -> None:
        self._on_change = on_change
        self._energised = False
        self.history: list[bool] = []
        self.broken = False

    @property
    def energised(self) -> bool:
        """Whether it is on."""
        return self._energised

    def energise(self) -> None:
        """Switch on."""
        self._set(True)

    def release(self) -> None:
        """Switch off."""
        self._set(False)

    def close(self) -> None:
        """Switch off."""
        if self._energised and not self.broken:
            self._set(False)

    def _set(self, energised: bool) -> None:
        if self.broken:
            raise RelayError("the simulated relay is broken")
        if energised != self._energised:
            self._energised = energised
            self.history.append(energised)
            if self._on_change is not None:
                self._on_change(energised)
