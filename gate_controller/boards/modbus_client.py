"""A relay board with inputs on the network, through Modbus TCP: one connection, one thread that reads it.

Nothing is written when the connection is made: the relay stays as it is until the door moves it. The door's thread
never waits for the network to read. A write goes before the next reading, so it waits for one answer at most; and
neighbouring inputs, which are read in one request, leave few readings to wait for.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from gate_controller.inputs.reported import ReportedInput
from gate_controller.relays import RelayError
from gate_controller.supervision import Loop, LoopState

log = structlog.get_logger()

TIMEOUT_S = 0.5
"""A board answers within some 20 ms; a door that waits longer for its relay keeps people standing."""
POLL_S = 0.05
"""A push of an exit button lasts 100 ms and more."""
RETRY_S = 1.0
"""A board that is gone is reported, and one that is back used, within a second."""
FULL_SCALE = 65535
"""The reading of a register at the supply's voltage."""
_HANG_UP_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER, on, no seconds: what was not delivered is forgotten when the connection is closed."""
_MOST_AT_ONCE = 64
"""Neighbours in one request; boards answer for many more, and few have so many inputs."""


_FAILURES = (ModbusException, OSError)
_Request = Callable[..., ModbusPDU]


def group_neighbours(numbers: Iterable[int]) -> list[range]:
    """Return `numbers` as runs of neighbours: each is one request. What no wire uses is never asked for."""
    found: list[range] = []
    for number in sorted(numbers):
        if found and number == found[-1].stop and len(found[-1]) < _MOST_AT_ONCE:
            found[-1] = range(found[-1].start, number + 1)
        else:
            found.append(range(number, number + 1))
    return found


class _Line:
    """The one connection: one request at a time, and whoever has to write comes before whoever reads.

    When a request fails, `hang_up` runs before anybody else may use the line. Otherwise a reading that waits would go
    out first, and what was given up could be delivered until it too is given up.
    """

    def __init__(self, hang_up: Callable[[], None]) -> None:
        self._hang_up = hang_up
        self._turn = threading.Condition()
        self._busy = False
        self._urgent = 0

    @contextmanager
    def for_writing(self) -> Iterator[None]:
        """Use the line next."""
        with self._turn:
            self._urgent += 1
            self._turn.wait_for(lambda: not self._busy)
            self._urgent -= 1
            self._busy = True
        yield from self._use()

    @contextmanager
    def for_reading(self) -> Iterator[None]:
        """Use the line when nobody has to write."""
        with self._turn:
            self._turn.wait_for(lambda: not self._busy and not self._urgent)
            self._busy = True
        yield from self._use()

    def _use(self) -> Iterator[None]:
        try:
            yield
        except _FAILURES:
            self._hang_up()
            raise
        finally:
            with self._turn:
                self._busy = False
                self._turn.notify_all()


@dataclass(slots=True)
class _Wire:
    number: int
    active_when_open: bool
    input: ReportedInput
    loop: Loop | None = None
    """For a supervised one, which is an input register (voltage as a part of 65535) instead of a discrete input."""


class ModbusClient:
    """One board. `start` returns at once; what cannot be reached is tried again and again."""

    def __init__(self, host: str, port: int = 502, *, unit: int = 1) -> None:
        self.name = f"{host}:{port}"
        self._unit = unit
        self._client = ModbusTcpClient(host, port=port, timeout=TIMEOUT_S, retries=0)
        self._line = _Line(self._close)
        self._wires: list[_Wire] = []
        self._coils: dict[int, bool | None] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._reachable: bool | None = None

    def add_input(self, number: int, *, active_when_open: bool) -> ReportedInput:
        """Return discrete input `number` as a wire; an input reads 1 while its loop is closed."""
        return self._add(_Wire(number, active_when_open, ReportedInput()))

    def add_supervised_input(self, number: int, *, active_when_open: bool, loop: Loop | None = None) -> ReportedInput:
        """Return input register `number` as a supervised wire (`gate_controller.supervision`).

        While it is broken it keeps its last state, but one that is active when open – a fire alarm's – turns active.
        """
        return self._add(_Wire(number, active_when_open, ReportedInput(), loop or Loop()))

    def add_relay(self, number: int) -> "ModbusRelay":
        """Return coil `number` as a relay."""
        self._coils[number] = None
        return ModbusRelay(self, number)

    def start(self) -> None:
        """Read the board once, so that its wires are known, and go on in a thread."""
        self._round()
        self._thread = threading.Thread(target=self._run, name=f"modbus-{self.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Read no more and hang up."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        with self._line.for_writing():
            self._close()

    def read_coil(self, number: int) -> bool:
        """Return a coil as the last reading found it.

        Raises:
            RelayError: the board does not answer.
        """
        value = self._coils[number]
        if value is None:
            raise RelayError(f"the relay board {self.name} does not answer")
        return value

    def write_coil(self, number: int, value: bool) -> None:
        """Set a coil and read it back.

        Raises:
            RelayError: the board does not answer, or the coil did not follow.
        """
        try:
            with self._line.for_writing():
                self._connect()
                self._check(self._client.write_coil(number, value, device_id=self._unit))
                read = bool(self._check(self._client.read_coils(number, count=1, device_id=self._unit)).bits[0])
                self._coils[number] = read
        except _FAILURES as error:
            self._lost(error)
            raise RelayError(f"the relay board {self.name} does not answer: {error}") from error
        if read != value:
            raise RelayError(f"relay {number} of the board {self.name} does not follow")

    def _add(self, wire: _Wire) -> ReportedInput:
        self._wires.append(wire)
        return wire.input

    def _run(self) -> None:
        while not self._stopping.wait(POLL_S if self._reachable else RETRY_S):
            self._round()

    def _round(self) -> None:
        try:
            with self._line.for_reading():
                self._connect()
            for run in group_neighbours(self._coils):
                self._read_coils(run)
            loops = self._read_wires(self._client.read_input_registers, [one for one in self._wires if one.loop])
            plain = self._read_wires(self._client.read_discrete_inputs, [one for one in self._wires if not one.loop])
        except _FAILURES as error:
            self._lost(error)
            return
        if self._reachable is not True:
            log.info("relay_board_reached", board=self.name)
        self._reachable = True
        now = time.monotonic()
        for wire, value in [*loops, *plain]:
            _report(wire, value, now)

    def _close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]  # pymodbus has none

    def _connect(self) -> None:
        if self._client.connected:
            return
        if not self._client.connect():  # type: ignore[no-untyped-call]  # pymodbus has none
            raise ConnectionError("no connection")
        # Otherwise the kernel would deliver a given-up "on" for minutes: as soon as a pulled cable is back.
        if (connection := self._client.socket) is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HANG_UP_AT_ONCE)

    def _read_coils(self, run: range) -> None:
        with self._line.for_reading():
            values = self._values(self._client.read_coils, run)
            # While the line is still ours: a coil that is written next is not overwritten by what it was before.
            self._coils.update({number: bool(value) for number, value in values.items()})

    def _read_wires(self, read: _Request, wires: list[_Wire]) -> list[tuple[_Wire, int]]:
        values: dict[int, int] = {}
        for run in group_neighbours({wire.number for wire in wires}):
            with self._line.for_reading():
                values |= self._values(read, run)
        return [(wire, values[wire.number]) for wire in wires]

    def _values(self, read: _Request, run: range) -> dict[int, int]:
        answer = self._check(read(run.start, count=len(run), device_id=self._unit))
        found = answer.registers or [int(bit) for bit in answer.bits]
        if len(found) < len(run):
            raise ModbusException(f"the board answered {len(found)} of {len(run)} values")
        return dict(zip(run, found, strict=False))

    @staticmethod
    def _check(answer: ModbusPDU) -> ModbusPDU:
        if answer.isError():
            raise ModbusException(f"the board refused: {answer}")
        return answer

    def _lost(self, error: Exception) -> None:
        if self._reachable is not False:
            log.error("relay_board_lost", board=self.name, error=str(error))
        self._reachable = False
        self._coils = dict.fromkeys(self._coils)
        for wire in self._wires:
            wire.input.report_fault("lost")


def _report(wire: _Wire, value: int, now: float) -> None:
    if wire.loop is None:
        wire.input.report_fault(None)
        wire.input.report((value == 0) is wire.active_when_open)
        return
    wire.loop = wire.loop.measure(value / FULL_SCALE, now)
    fault = wire.loop.fault
    wire.input.report_fault(fault)
    if fault is None:
        wire.input.report((wire.loop.state is LoopState.OPEN) is wire.active_when_open)
    elif wire.active_when_open:
        wire.input.report(True)


class ModbusRelay:
    """One coil of a board."""

    def __init__(self, board: ModbusClient, number: int) -> None:
        self._board = board
        self._number = number

    @property
    def energised(self) -> bool:
        """Whether the coil is on, as the board itself says."""
        return self._board.read_coil(self._number)

    def energise(self) -> None:
        """Switch on."""
        self._board.write_coil(self._number, True)

    def release(self) -> None:
        """Switch off."""
        self._board.write_coil(self._number, False)

    def close(self) -> None:
        """Switch off, if the board can be reached."""
        try:
            if self.energised:
                self.release()
        except RelayError as error:
            log.error("relay_not_released", error=str(error))
