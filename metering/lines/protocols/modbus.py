"""Electricity meters that speak Modbus, as RTU on the wire or with the header of Modbus TCP; messages by pymodbus.

The line is ours, so that no two requests meet on one gateway. An RTU answer does not say which register it holds: each
meter is asked one thing only, so a late answer is at worst its own of a moment ago. pymodbus drops everything it holds
when noise comes before an RTU frame; here each byte may begin one.
"""

import itertools
import math
import struct
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from metering.frames.modbus_models import HIGHEST_UNIT, NAMED_MODELS, MeterModel, find_model
from metering.lines.address import Framing
from metering.lines.exchange import Decoder, MeterRefusedError, Request, UnreadableError
from metering.lines.protocol import MeterError, Registers, Status
from metering.reader_contract import MeterPlan
from metering.vocabulary import MeterAction

EXACT_FLOAT_KWH: Final = 131_072
"""From here on a single-precision number has no hundredths: 262144.01 kWh comes as 262144.0."""
_READS: Final = (0x03, 0x04)
_RTU_FRAME_BYTES: Final = 5
"""Unit, function, count of bytes, and two bytes of check."""
_MBAP_FRAME_BYTES: Final = 9


class Modbus:
    """Meters of which a unit number is the address; they are only read."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._transactions = itertools.count(1)

    def make_decoder(self) -> Decoder:
        """Return what finds frames."""
        return RtuDecoder() if self._framing is Framing.RTU else MbapDecoder()

    def read_registers(self, meter: MeterPlan) -> Request[Registers]:
        """Ask for the two registers of the energy."""
        model, unit = _find_model(meter.model), _unit(meter.address)
        kind = ReadInputRegistersRequest if model.is_input else ReadHoldingRegistersRequest
        transaction = next(self._transactions) % 0x10000
        message = kind(address=model.register, count=2, dev_id=unit, transaction_id=transaction)
        framer = (FramerRTU if self._framing is Framing.RTU else FramerSocket)(DecodePDU(is_server=False))

        def read_answer(answer: ModbusPDU) -> Registers | None:
            if answer.dev_id != unit or answer.function_code & 0x7F != kind.function_code:
                return None
            if self._framing is Framing.MBAP and answer.transaction_id != transaction:
                return None
            if isinstance(answer, ExceptionResponse):
                raise MeterRefusedError(f"modbus exception {answer.exception_code}")
            if len(answer.registers) != 2:
                return None
            return Registers(_digits(answer.registers, model), step="0.01 kWh" if model.is_float else "")

        overhead = _RTU_FRAME_BYTES if self._framing is Framing.RTU else _MBAP_FRAME_BYTES
        return Request(framer.buildFrame(message), overhead + 4, read_answer)

    def read_status(self, meter: MeterPlan) -> Request[Status] | None:
        """No relay is asked for."""
        del meter
        return None

    def read_frozen_at(self, meter: MeterPlan, back: int) -> Request[datetime] | None:
        """There is no daily freeze."""
        del meter, back
        return None

    def read_frozen(self, meter: MeterPlan, back: int) -> Request[Registers] | None:
        """There is no daily freeze."""
        del meter, back
        return None

    def order(self, meter: MeterPlan, action: MeterAction, expires_at: datetime) -> Request[bool] | None:
        """No relay is moved."""
        del meter, action, expires_at
        return None

    def has_followed(self, action: MeterAction, status: Status) -> bool:
        """Return False: no relay is moved."""
        del action, status
        return False

    def set_clocks(self, meter: MeterPlan, now: datetime) -> Request[None] | None:
        """No clock is set."""
        del meter, now
        return None

    def read_power(self, meter: MeterPlan) -> Request[int] | None:
        """No power is asked for."""
        del meter
        return None

    def read_clock(self, meter: MeterPlan, now: datetime) -> Request[datetime] | None:
        """No clock is read."""
        del meter, now
        return None


class RtuDecoder:
    """Finds answers of functions 3 and 4 in what a line brings; frames may begin at any byte."""

    def __init__(self) -> None:
        self._buffer = b""
        self._pdus = DecodePDU(is_server=False)

    def feed(self, data: bytes) -> Sequence[ModbusPDU]:
        """Return the answers that are complete with `data`, in the order of their ends."""
        before = len(self._buffer)
        self._buffer += data
        found = []
        for start in range(len(self._buffer) - 1):
            end = self._end(start)
            if end is not None and before < end <= len(self._buffer) and self._is_sound(start, end):
                found.append((end, start))
        self._drop_what_is_over()
        return [pdu for end, start in sorted(found) if (pdu := self._read(start, end)) is not None]

    def clear(self) -> None:
        """Forget what is not complete."""
        self._buffer = b""

    def _drop_what_is_over(self) -> None:
        """Keep no more than the longest answer: a line that only makes noise is cleared with the next request."""
        self._buffer = self._buffer[-256:]

    def _end(self, start: int) -> int | None:
        function = self._buffer[start + 1]
        if function & 0x7F not in _READS:
            return None
        if function & 0x80:
            return start + _RTU_FRAME_BYTES
        if start + 2 >= len(self._buffer):
            return None
        return start + _RTU_FRAME_BYTES + self._buffer[start + 2]

    def _is_sound(self, start: int, end: int) -> bool:
        return FramerRTU.check_CRC(self._buffer[start : end - 2], int.from_bytes(self._buffer[end - 2 : end], "big"))

    def _read(self, start: int, end: int) -> ModbusPDU | None:
        return _decode(self._pdus, self._buffer[start], 0, self._buffer[start + 1 : end - 2])


class MbapDecoder:
    """Finds answers in what a Modbus TCP gateway sends, which says how long each is."""

    def __init__(self) -> None:
        self._buffer = b""
        self._pdus = DecodePDU(is_server=False)
        self._framer = FramerSocket(self._pdus)

    def feed(self, data: bytes) -> Sequence[ModbusPDU]:
        """Return the answers that are complete with `data`."""
        self._buffer += data
        found: list[ModbusPDU] = []
        while True:
            used, unit, transaction, body = self._framer.decode(self._buffer)
            if not used:
                return found
            self._buffer = self._buffer[used:]
            if (pdu := _decode(self._pdus, unit, transaction, body)) is not None:
                found.append(pdu)

    def clear(self) -> None:
        """Forget what is not complete."""
        self._buffer = b""


def _find_model(name: str) -> MeterModel:
    model = find_model(name)
    if model is None:
        raise MeterError(
            f"Modbus has no model {name!r}; there are {', '.join(NAMED_MODELS)} and u32-REGISTER (four hexadecimal"
            " digits), with -input for input registers and -swapped where the lower word comes first"
        )
    return model


def _decode(pdus: DecodePDU, unit: int, transaction: int, body: bytes) -> ModbusPDU | None:
    if not body or body[0] & 0x7F not in _READS:
        return None
    pdu = pdus.decode(body)
    if pdu is not None:
        pdu.dev_id, pdu.transaction_id = unit, transaction
    return pdu


def _unit(address: str) -> int:
    if not (address.isascii() and address.isdecimal() and 1 <= int(address) <= HIGHEST_UNIT):
        raise MeterError(f"a Modbus meter's address is a number from 1 to {HIGHEST_UNIT}, not {address!r}")
    return int(address)


def _digits(registers: Sequence[int], model: MeterModel) -> int:
    high, low = (registers[1], registers[0]) if model.is_swapped else registers
    if not model.is_float:
        return high << 16 | low
    kwh = float(struct.unpack(">f", struct.pack(">HH", high, low))[0])
    if not math.isfinite(kwh) or not 0 <= kwh < EXACT_FLOAT_KWH:
        raise UnreadableError(f"{kwh} kWh is no number whose hundredths are known")
    # The register shows 0.01 kWh; below the limit the nearest hundredth is the one that was meant.
    return round(kwh * 100)
