"""A kiosk's card dispenser on its serial line: nothing is moved, nothing started, and no running process disturbed."""

import grp
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from campusgate.doctor.findings import Finding, fault, ok, skip, warn
from campusgate.doctor.running import find_holders, read_command
from campusgate.settings import Settings
from campusgate.settings.dispenser import DispenserSettings
from card_dispensing.contract import Fault, Stacker
from card_dispensing.dispenser import DispenserError, DispenserState, Position
from card_dispensing.registry import DISPENSERS, DispenserDriver
from gate_controller.readers import ReaderError
from gate_controller.readers.serial_port import SerialPort

_LINK: Final = "dispenser"
_COMMAND: Final = "dispenser"
"""A word of the command line of `campusgate dispenser`."""
_Processes = Mapping[int, list[str]]
"""The words of their command lines, by their ids."""


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Examine that a port and a driver that there is are named."""
    if settings.dispenser.device is None:
        yield fault(_LINK, "CAMPUSGATE_DISPENSER__DEVICE is not set: name the serial port of the card dispenser")
    if (name := settings.dispenser.driver) not in DISPENSERS:
        known = ", ".join(DISPENSERS)
        yield fault(_LINK, f"there is no driver {name!r} (CAMPUSGATE_DISPENSER__DRIVER); there are {known}")


def check_dispenser(settings: Settings) -> Iterator[Finding]:
    """Examine the port, what answers there, and what it lacks."""
    yield from check_settings(settings)
    device, driver = settings.dispenser.device, DISPENSERS.get(settings.dispenser.driver)
    if device is None or driver is None:
        return
    others = {process: read_command(process) for process in find_holders(device)}
    ours = [process for process, command in others.items() if _COMMAND in command]
    if ours:
        yield skip(_LINK, f"the running process {ours[0]} has {device}; its alarms at the server tell of faults")
        return
    try:
        port = SerialPort(device, driver.bits_per_s)
    except ReaderError as error:
        yield fault(_LINK, _say_why_shut(device, error, others))
        return
    with closing(port):
        yield from _ask(port, settings.dispenser, driver, others)


def _say_why_shut(device: Path, error: ReaderError, others: _Processes) -> str:
    match error.__cause__:
        case FileNotFoundError():
            return f"{device} is not there: plug the dispenser in, or mend CAMPUSGATE_DISPENSER__DEVICE"
        case PermissionError():
            return f"this account may not open {device}: add it to the group {_group(device)}"
        case BlockingIOError():
            who = _name(others) if others else "a process that this account may not see"
            return f"{device} is used by {who}: end it, or name another port"
    return f"{error}; mend CAMPUSGATE_DISPENSER__DEVICE"


def _group(device: Path) -> str:
    number = device.stat().st_gid
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _name(others: _Processes) -> str:
    return ", ".join(
        f"process {process} ({' '.join(' '.join(words).split())[:60]})" for process, words in others.items()
    )


class _Listened:
    """A line that tells whether anything came over it."""

    def __init__(self, port: SerialPort) -> None:
        self._port = port
        self.has_heard = False

    def read(self, most: int, *, wait_s: float = 0.0) -> bytes:
        came = self._port.read(most, wait_s=wait_s)
        self.has_heard = self.has_heard or bool(came)
        return came

    def write(self, data: bytes) -> int:
        return self._port.write(data)


def _ask(
    port: SerialPort, settings: DispenserSettings, driver: DispenserDriver, others: _Processes
) -> Iterator[Finding]:
    line = _Listened(port)
    try:
        state = driver.open(line, settings.address).look()
    except DispenserError as error:
        yield fault(_LINK, _say_what_is_wrong(settings, error, others, has_heard=line.has_heard))
        return
    yield ok(_LINK, f"{settings.device} answers as a {settings.driver}")
    if state is None:
        yield skip(_LINK, "it was not started since it has power and says no more; `campusgate dispenser` starts it")
    else:
        yield from _judge(state)


def _say_what_is_wrong(
    settings: DispenserSettings, error: DispenserError, others: _Processes, *, has_heard: bool
) -> str:
    at, model = settings.device, settings.driver
    besides = f"; {_name(others)} has the port open too" if others else ""
    if error.fault is not Fault.NO_ANSWER:
        return f"the {model} at {at} answers with a fault ({error}): open it and look"
    if has_heard:
        return f"what answers at {at} is no {model}: mend CAMPUSGATE_DISPENSER__DEVICE, __DRIVER or the cable{besides}"
    return (
        f"nothing answers at {at}: is the {model} switched on, its cable in, its address {settings.address}?{besides}"
    )


def _judge(state: DispenserState) -> Iterator[Finding]:
    if state.stacker is Stacker.EMPTY:
        yield fault(_LINK, "no cards are left, so it hands out none: fill the stacker")
    elif state.stacker is Stacker.FEW:
        yield warn(_LINK, "few cards are left: fill the stacker")
    if state.is_bin_full:
        yield fault(_LINK, "its bin is full, so it hands out no cards: empty it, and destroy the cards")
    if state.position is Position.GATE:
        yield warn(_LINK, "a card stands in the gate, so it hands out no other: whoever it is for takes it, or you do")
    elif state.position is Position.READER:
        yield warn(_LINK, "a card lies at the reader: `campusgate dispenser` hands it out or puts it into the bin")
