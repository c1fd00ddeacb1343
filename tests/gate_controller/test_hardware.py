"""Relay and wires: on gpiozero's mock pins, and simulated, behind the same tests."""

import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from gpiozero.exc import BadPinFactory
from gpiozero.pins.mock import MockFactory, MockPin

from gate_controller.inputs import InputError
from gate_controller.inputs.gpio import GpioInput
from gate_controller.inputs.simulated import SimulatedInput
from gate_controller.pins import advice
from gate_controller.relays import RelayError
from gate_controller.relays.gpio import GpioRelay
from gate_controller.relays.simulated import SimulatedRelay


class WatchfulPin(MockPin):
    """Sets direction and level in one operation, as real drivers do, and remembers every level it drove."""

    def __init__(self, factory, info) -> None:
        self.driven: list[bool] = []
        super().__init__(factory, info)

    def output_with_state(self, state) -> None:
        self._function = "output"
        self._state = bool(state)
        self.driven.append(bool(state))

    def _set_state(self, value) -> None:
        super()._set_state(value)
        self.driven.append(bool(value))


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    factory = MockFactory(pin_class=WatchfulPin)
    yield factory
    factory.reset()
    factory.close()


@pytest.fixture(params=["gpio", "gpio low", "simulated"])
def relay(request, pins):
    relay = (
        SimulatedRelay()
        if request.param == "simulated"
        else GpioRelay(17, active_high=request.param == "gpio", pin_factory=pins)
    )
    yield relay
    relay.close()


def test_a_relay_rests_until_it_is_energised(relay) -> None:
    assert relay.energised is False
    relay.energise()
    assert relay.energised is True
    relay.energise()
    relay.release()
    assert relay.energised is False


@pytest.mark.parametrize("active_high", [True, False])
def test_the_relay_does_not_pulse_at_start(pins: MockFactory, active_high: bool) -> None:
    relay = GpioRelay(17, active_high=active_high, pin_factory=pins)
    rest, energised = not active_high, active_high
    assert pins.pin(17).driven == [rest]
    relay.energise()
    assert pins.pin(17).driven == [rest, energised]
    relay.close()


def test_a_pin_that_does_not_exist_is_named(pins: MockFactory) -> None:
    with pytest.raises(RelayError, match="4711"):
        GpioRelay(4711, pin_factory=pins)
    with pytest.raises(InputError, match="4711"):
        GpioInput(4711, active_when_open=True, pin_factory=pins)


def test_two_devices_on_one_pin_are_refused(pins: MockFactory) -> None:
    relay = GpioRelay(17, pin_factory=pins)
    with pytest.raises(RelayError, match="17"):
        GpioRelay(17, pin_factory=pins)
    relay.close()


def test_a_closed_loop_is_rest_and_a_cut_wire_is_an_alarm(pins: MockFactory) -> None:
    pin = pins.pin(22)
    wire = GpioInput(22, active_when_open=True, pin_factory=pins)
    seen: list[bool] = []
    wire.watch(seen.append)
    assert wire.active  # the pull-up alone: nothing is connected
    pin.drive_low()
    pin.drive_high()
    assert seen == [False, True]
    wire.close()


def test_a_button_closes_the_loop(pins: MockFactory) -> None:
    wire = GpioInput(23, active_when_open=False, pin_factory=pins)
    seen: list[bool] = []
    wire.watch(seen.append)
    assert not wire.active
    pins.pin(23).drive_low()
    assert (wire.active, seen) == (True, [True])
    wire.close()


def test_a_simulated_wire_tells_only_changes() -> None:
    wire, seen = SimulatedInput(), []
    wire.watch(seen.append)
    for active in (False, True, True, False):
        wire.set(active)
    assert seen == [True, False]


def test_the_controller_works_on_gpio_pins(bench, operator, pins: MockFactory) -> None:
    from messages import Action, DoorStatus

    moved = threading.Event()
    bench.relay, bench.contact = GpioRelay(17, pin_factory=pins), GpioInput(22, active_when_open=True, pin_factory=pins)
    pins.pin(22).drive_low()
    bench.start()
    operator.state(DoorStatus.LOCKED)
    assert operator.ask(Action.OPEN).accepted
    assert pins.pin(17).state
    pins.pin(22).drive_high()
    operator.state(DoorStatus.OPEN)
    assert not pins.pin(17).state
    assert not moved.is_set()


def test_an_error_of_the_driver_below_is_one_of_ours(pins, monkeypatch) -> None:
    """A busy pin is lgpio's own error, which gpiozero lets through."""

    class BusyError(Exception):
        pass

    def busy(*_args: object, **_named: object) -> None:
        raise BusyError("GPIO busy")

    monkeypatch.setitem(sys.modules, "lgpio", SimpleNamespace(error=BusyError))
    monkeypatch.setattr(pins, "pin", busy)
    with pytest.raises(RelayError, match="GPIO busy"):
        GpioRelay(17, pin_factory=pins)
    with pytest.raises(InputError, match="GPIO busy"):
        GpioInput(22, active_when_open=True, pin_factory=pins)


def test_without_pins_the_message_says_what_to_install() -> None:
    assert "constraints/gate.txt" in advice(BadPinFactory("Unable to load any default pin factory!"))
