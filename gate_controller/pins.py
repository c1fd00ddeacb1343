"""What gpiozero and the driver below it raise when a pin cannot be had, and what to do about it."""

import sys

from gpiozero.exc import BadPinFactory, GPIOZeroError


def errors() -> tuple[type[BaseException], ...]:
    """Return what to catch around a pin.

    lgpio 0.2 raises an error of its own ("GPIO busy"), which gpiozero 2.0 lets through. It is asked for only where it
    is loaded: importing it leaves a pipe in the current folder.
    """
    driver = getattr(sys.modules.get("lgpio"), "error", None)
    return (GPIOZeroError, OSError, ImportError, *([driver] if driver is not None else []))


def advice(error: BaseException) -> str:
    """Return what to add to the message about `error`."""
    if isinstance(error, BadPinFactory):
        return (
            "; this computer has no pins, or no driver for them (install constraints/gate.txt and start in a folder "
            "that may be written to)"
        )
    if isinstance(error, PermissionError):
        return "; the account that runs this must be in the group gpio"
    return ""
