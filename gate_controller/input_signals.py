"""What each wire means to the door: every change becomes a signal."""

from collections.abc import Callable

from gate_controller.clock import ClockWatch
from gate_controller.door_driver import DoorDriver
from gate_controller.inputs import Input, Inputs, Supervised
from gate_controller.readers import Reader
from gate_controller.readers.freshness import STALE_S
from gate_controller.reporter import Reporter
from gate_controller.signals import (
    ContactChanged,
    ExitRequested,
    FireChanged,
    InterlockChanged,
    PassageSensed,
    Signal,
    TamperChanged,
    TimePassed,
    WireChanged,
)
from messages import EventKind, Refusal

Post = Callable[[Signal], None]


def apply_signal(signal: Signal, since: float, driver: DoorDriver, reporter: Reporter, clock: ClockWatch) -> None:
    """Apply a signal of `since` (monotonic seconds); a button that was pressed long ago opens nothing any more."""
    if isinstance(signal, ExitRequested) and clock.monotonic() - since > STALE_S:
        at, _ = clock.read()
        reporter.record(EventKind.EXIT_REFUSED, at, granted=False, reason=Refusal.TOO_LATE.value)
        return
    driver.apply(signal)


def watch_inputs(inputs: Inputs, post: Post) -> None:
    """Post a signal for every wire as it is, and from now on for every change."""
    _watch("interlock", inputs.interlock, post, InterlockChanged)
    _watch("contact", inputs.contact, post, ContactChanged)
    _watch("fire", inputs.fire, post, FireChanged)
    _watch("tamper", inputs.tamper, post, TamperChanged)
    _watch("exit_button", inputs.exit_button, post, lambda pressed: ExitRequested() if pressed else TimePassed())
    _watch("passage", inputs.passage, post, lambda seen: PassageSensed(forward=True) if seen else TimePassed())
    _watch("reverse", inputs.reverse, post, lambda seen: PassageSensed(forward=False) if seen else TimePassed())


def watch_reader(reader: Reader | None, post: Post) -> None:
    """Post a signal when the reader itself is lost or back, if it can tell."""
    if isinstance(reader, Supervised):
        reader.watch_fault(lambda fault: post(WireChanged("reader", fault)))


def _watch(name: str, wire: Input | None, post: Post, signal: Callable[[bool], Signal]) -> None:
    if wire is None:
        return
    wire.watch(lambda active: post(signal(active)))
    post(signal(wire.active))
    if isinstance(wire, Supervised):
        wire.watch_fault(lambda fault: post(WireChanged(name, fault)))
