"""What a shower's controller needs of its surroundings: the valve, the meters, and what the person in front sees."""

from typing import Protocol

from errors import OperatorError
from messages.metering import MeterTotal
from metering.shower.signals import Show, ValvePosition


class HydraulicsError(OperatorError):
    """The valve or a meter does not answer; the controller goes on without it."""


class Hydraulics(Protocol):
    """The valve and the water meters of one shower. Used by one thread."""

    def move_valve(self, *, is_open: bool) -> None:
        """Tell the valve where to go, without waiting for it.

        Raises:
            HydraulicsError: it was not told.
        """
        ...

    def position(self) -> ValvePosition:
        """Return what the valve says of itself.

        Raises:
            HydraulicsError: it does not answer.
        """
        ...

    def totals(self) -> tuple[MeterTotal, ...]:
        """Return the counters of each meter: since the controller's start, and since the installation.

        Raises:
            HydraulicsError: a meter does not answer.
        """
        ...

    def close(self) -> None:
        """Let the line go; the valve stays where it is."""
        ...


class Display(Protocol):
    """What the person in front sees."""

    def show(self, message: Show) -> None:
        """Show it, without waiting."""
        ...
