"""The relay that releases the lock: the port, one file for each driver."""

from typing import Protocol

from errors import OperatorError


class RelayError(OperatorError):
    """The relay does not obey; the message says what the driver said."""


class Relay(Protocol):
    """One relay. Opening a driver never moves it: the lock stays as it is until `energise`."""

    @property
    def energised(self) -> bool:
        """Whether the lock is released at this moment."""
        ...

    def energise(self) -> None:
        """Release the lock.

        Raises:
            RelayError: it did not obey.
        """
        ...

    def release(self) -> None:
        """Let the lock fall.

        Raises:
            RelayError: it did not obey.
        """
        ...

    def close(self) -> None:
        """Let the lock fall and give the hardware back."""
        ...
