"""Whether a connection holds, or is ended again and again. Pure: times come in as arguments (monotonic seconds)."""

from collections import deque

OFTEN = 3
"""So many losses; a restart of the broker or of a switch is one, a second one may be chance."""
WITHIN_S = 60.0
"""Two clients that take one id in turns throw each other out every second or two; an update of the broker does not."""


class Steadiness:
    """The losses of one connection."""

    def __init__(self) -> None:
        self._losses: deque[float] = deque(maxlen=OFTEN)

    def lost(self, at: float) -> None:
        """Note that a connection that stood has ended, and not because we ended it."""
        self._losses.append(at)

    def is_thrown_out(self, now: float) -> bool:
        """Tell whether it was lost so often lately that somebody must look."""
        return len(self._losses) == OFTEN and now - self._losses[0] <= WITHIN_S
