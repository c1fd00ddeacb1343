"""A wire on a pin of a single-board computer, through gpiozero."""

from collections.abc import Callable
from typing import Any

from gpiozero import DigitalInputDevice

from gate_controller import pins
from gate_controller.inputs import InputError

BOUNCE_S = 0.02
"""Contacts of buttons and reeds bounce for 5 to 10 ms."""


class GpioInput:
    """One input pin with its pull-up, wired to ground.

    `active_when_open=True` for a contact that closes the circuit at rest (a door contact, a fire alarm's or a tamper
    loop: then a cut wire counts as an alarm); False for a button that closes it when pressed.
    """

    def __init__(self, pin: int | str, *, active_when_open: bool, pin_factory: Any = None) -> None:
        """Take the pin.

        Raises:
            InputError: no such pin, or no access to it.
        """
        # With a pull-up gpiozero calls the closed circuit active.
        self._open_is_active = active_when_open
        self._changed: Callable[[bool], None] | None = None
        try:
            self._device = DigitalInputDevice(pin, pull_up=True, bounce_time=BOUNCE_S, pin_factory=pin_factory)
        except pins.errors() as error:
            raise InputError(f"input on pin {pin}: {error}{pins.advice(error)}") from error
        self._device.when_activated = self._report
        self._device.when_deactivated = self._report

    @property
    def active(self) -> bool:
        """Its state now."""
        return bool(self._device.value) is not self._open_is_active

    def watch(self, changed: Callable[[bool], None]) -> None:
        """Call `changed` with every new state."""
        self._changed = changed

    def close(self) -> None:
        """Give the pin back."""
        self._device.close()

    def _report(self) -> None:
        if self._changed is not None:
            self._changed(self.active)
