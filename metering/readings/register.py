"""How a register advances: pure arithmetic on its digits."""

from datetime import datetime, timedelta

from metering.readings.values import Register

_TIMING = timedelta(minutes=1)
"""How far apart the instants of two readings may be from what their times say: a line waits, a clock drifts."""


class RegisterBackwardsError(ValueError):
    """A register shows less than before and did not wrap: what passed is unknown."""


def is_wrap(old: int, new: int, register: Register) -> bool:
    """Return whether the register may have passed its highest value: from its last hundredth into its first."""
    return old * 100 > 99 * register.size and new * 100 < register.size


def advance(old: int, new: int, register: Register) -> int:
    """Return by how many of its last digits a register went on from `old` to `new`.

    Raises:
        RegisterBackwardsError: it went backwards.
    """
    if new >= old:
        return new - old
    if is_wrap(old, new, register):
        return new - old + register.size
    raise RegisterBackwardsError(f"from {old} to {new}")


def is_plausible(step: int, since: datetime, until: datetime, register: Register) -> bool:
    """Return whether `step` last digits can have passed in the time between, at the most power of the connection.

    One digit more is believed, which was nearly full before, and a minute more, by which readings may be mistimed.
    """
    seconds = int((until - since + _TIMING).total_seconds())
    # wh <= W * s / 3600, in integers
    return register.to_wh(max(step - 1, 0)) * 3_600 <= register.max_w * seconds
