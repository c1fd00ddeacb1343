"""A relay on a pin of a single-board computer, through gpiozero."""

from typing import Any

from gpiozero import DigitalOutputDevice

from gate_controller import pins
from gate_controller.relays import RelayError


class GpioRelay:
    """One output pin. `active_high=False` for relay boards that switch on a low level.

    The pin becomes an output with the level of rest, in one operation where the driver can: the relay must not click
    when the controller starts. Before that, at power-up, only a pull resistor of the board decides.
    """

    def __init__(self, pin: int | str, *, active_high: bool = True, pin_factory: Any = None) -> None:
        """Take the pin (`17`, `GPIO17`, `BOARD11`); `pin_factory` replaces gpiozero's own choice.

        Raises:
            RelayError: no such pin, or no access to it.
        """
        try:
            self._device = DigitalOutputDevice(
                pin, active_high=active_high, initial_value=False, pin_factory=pin_factory
            )
        except pins.errors() as error:
            raise RelayError(f"relay on pin {pin}: {error}{pins.advice(error)}") from error

    @property
    def energised(self) -> bool:
        """Whether the pin is on."""
        return bool(self._device.value)

    def energise(self) -> None:
        """Switch on."""
        try:
            self._device.on()
        except pins.errors() as error:
            raise RelayError(f"the relay cannot be energised: {error}") from error

    def release(self) -> None:
        """Switch off."""
        try:
            self._device.off()
        except pins.errors() as error:
            raise RelayError(f"the relay cannot be released: {error}") from error

    def close(self) -> None:
        """Switch off and give the pin back."""
        self._device.close()
