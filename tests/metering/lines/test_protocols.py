"""Questions and answers of the three protocols, without a line."""

import struct
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse, ReadInputRegistersResponse

from metering.frames.cjt188 import frame as cjt188
from metering.frames.dlt645.frame import Frame
from metering.frames.dlt645.orders import Credentials
from metering.lines.address import Framing
from metering.lines.exchange import MeterRefusedError, UnreadableError
from metering.lines.protocol import MeterError
from metering.lines.protocols.cjt188 import Cjt188
from metering.lines.protocols.dlt645 import Dlt645
from metering.lines.protocols.modbus import Modbus
from metering.reader_contract import MeterPlan
from metering.vocabulary import MeterAction, SupplyState

CAMPUS = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)


def meter(address: str, model: str, *, has_relay: bool = False) -> MeterPlan:
    return MeterPlan(id=UUID(int=1), address=address, serial="1", model=model, has_relay=has_relay)


def modbus_frame(answer: ModbusPDU, framing: Framing) -> bytes:
    kind = FramerRTU if framing is Framing.RTU else FramerSocket
    return kind(DecodePDU(is_server=True)).buildFrame(answer)


def words(value: int) -> list[int]:
    return [value >> 16, value & 0xFFFF]


class TestDlt645:
    def test_public_frames_are_asked_and_read(self) -> None:
        protocol = Dlt645(CAMPUS, Credentials())
        request = protocol.read_registers(meter("000000000161", "dlt645-2007"))
        assert request.payload == bytes.fromhex("FEFEFEFE 68610100000000681104333334331416")
        (frame,) = protocol.make_decoder().feed(
            bytes.fromhex("68610100000000689108333334335933333 38A16".replace(" ", ""))
        )
        registers = request.read_answer(frame)
        assert registers is not None
        assert registers.digits == 26

    def test_a_trip_carries_its_expiry_seconds_first(self) -> None:
        protocol = Dlt645(CAMPUS, Credentials(operator="00000001"))
        until = datetime(2026, 11, 27, 10, tzinfo=CAMPUS)
        request = protocol.order(meter("000000219998", "dlt645-2007", has_relay=True), MeterAction.TRIP, until)
        assert request is not None
        assert request.payload.lstrip(b"\xfe") == bytes.fromhex(
            "68989921000000681C103533333334333333 4D333333435A44590916".replace(" ", "")
        )

    @pytest.mark.parametrize("address", ["12345", "00000000000X", "0000000000001"])
    def test_an_address_that_is_none_is_refused(self, address: str) -> None:
        with pytest.raises(MeterError):
            Dlt645(CAMPUS, Credentials()).read_registers(meter(address, "dlt645-2007"))

    def test_a_model_that_is_not_known_is_refused_with_those_that_are(self) -> None:
        with pytest.raises(MeterError, match="dlt645-2007"):
            Dlt645(CAMPUS, Credentials()).read_registers(meter("000000000161", "ddsy-1"))

    def test_a_clock_before_midnight_is_of_the_day_before(self) -> None:
        protocol = Dlt645(CAMPUS, Credentials())
        now = datetime(2026, 11, 28, 0, 0, 10, tzinfo=CAMPUS)
        request = protocol.read_clock(meter("000000000161", "dlt645-2007"), now)
        assert request is not None
        answer = Frame("000000000161", 0x91, bytes.fromhex("02010004 555923"))
        assert request.read_answer(answer) == datetime(2026, 11, 27, 23, 59, 55, tzinfo=CAMPUS)


class TestCjt188:
    def answer(self, request: bytes, *, status: str = "0000", unit: str = "2C") -> bytes:
        asked = cjt188.decode(request)
        data = asked.data[:3] + bytes.fromhex(f"00776655{unit}007766552C310122110515 20{status}".replace(" ", ""))
        return cjt188.encode(cjt188.Frame(asked.meter_type, asked.address, 0x81, data))

    def test_a_counter_and_a_valve_are_read(self) -> None:
        protocol = Cjt188(CAMPUS)
        flat = meter("78330011223344", "cjt188", has_relay=True)
        registers = protocol.read_registers(flat)
        (frame,) = protocol.make_decoder().feed(self.answer(registers.payload))
        assert registers.read_answer(frame).digits == 55667700
        status = protocol.read_status(flat)
        (frame,) = protocol.make_decoder().feed(self.answer(status.payload, status="0100"))
        assert status.read_answer(frame).supply is SupplyState.OFF

    def test_a_late_answer_to_the_question_before_does_not_count(self) -> None:
        protocol = Cjt188(CAMPUS)
        flat = meter("78330011223344", "cjt188")
        first, second = protocol.read_registers(flat), protocol.read_registers(flat)
        (late,) = protocol.make_decoder().feed(self.answer(first.payload))
        assert second.read_answer(late) is None
        assert first.read_answer(late) is not None

    def test_a_meter_that_shows_another_unit_than_before_is_not_read(self) -> None:
        protocol = Cjt188(CAMPUS)
        flat = meter("78330011223344", "cjt188")
        for unit, expected in (("2C", True), ("29", False), ("2C", True)):
            request = protocol.read_registers(flat)
            (frame,) = protocol.make_decoder().feed(self.answer(request.payload, unit=unit))
            if expected:
                assert request.read_answer(frame) is not None
            else:
                with pytest.raises(UnreadableError):
                    request.read_answer(frame)

    def test_a_valve_is_closed_by_a_trip_and_nobody_is_let_open_it(self) -> None:
        protocol = Cjt188(CAMPUS)
        flat = meter("1178330011223344", "cjt188", has_relay=True)
        request = protocol.order(flat, MeterAction.TRIP, NOON)
        assert request is not None
        asked = cjt188.decode(request.payload)
        assert (asked.meter_type, asked.address, asked.data[3]) == (0x11, "78330011223344", 0x99)
        assert protocol.order(flat, MeterAction.ARM, NOON) is None
        ack = cjt188.Frame(0x11, "78330011223344", 0x84, asked.data[:3] + b"\x01\x00")
        assert request.read_answer(ack) is True


class TestModbus:
    @pytest.mark.parametrize("framing", list(Framing))
    @pytest.mark.parametrize("noise", [b"", b"\x00\xff", b"\x05\x03\x40"])
    def test_an_integer_register_is_read_behind_noise(self, framing: Framing, noise: bytes) -> None:
        protocol = Modbus(framing)
        request = protocol.read_registers(meter("5", "u32-0000"))
        if framing is Framing.MBAP and noise:
            pytest.skip("TCP between us and a Modbus TCP gateway brings no noise")
        answer = ReadHoldingRegistersResponse(registers=words(12345678), dev_id=5, transaction_id=1)
        frames = protocol.make_decoder().feed(noise + modbus_frame(answer, framing))
        assert [found.digits for frame in frames if (found := request.read_answer(frame))] == [12345678]

    def test_frames_are_found_however_the_bytes_come(self) -> None:
        protocol = Modbus(Framing.RTU)
        request = protocol.read_registers(meter("5", "u32-0156-input-swapped"))
        answer = ReadInputRegistersResponse(registers=[0x5678, 0x1234], dev_id=5)
        decoder = protocol.make_decoder()
        # The echo of the request comes first.
        raw = request.payload + modbus_frame(answer, Framing.RTU)
        found = [request.read_answer(one) for byte in raw for one in decoder.feed(bytes((byte,)))]
        assert [one.digits for one in found if one] == [0x12345678]

    @pytest.mark.parametrize(("unit", "function"), [(6, ReadHoldingRegistersResponse), (5, ReadInputRegistersResponse)])
    def test_another_units_answer_and_another_functions_do_not_count(self, unit: int, function: type) -> None:
        protocol = Modbus(Framing.RTU)
        request = protocol.read_registers(meter("5", "u32-0000"))
        frames = protocol.make_decoder().feed(modbus_frame(function(registers=[0, 1], dev_id=unit), Framing.RTU))
        assert frames
        assert [request.read_answer(frame) for frame in frames] == [None] * len(frames)

    def test_another_transactions_answer_does_not_count(self) -> None:
        protocol = Modbus(Framing.MBAP)
        protocol.read_registers(meter("5", "u32-0000"))
        request = protocol.read_registers(meter("5", "u32-0000"))
        late = ReadHoldingRegistersResponse(registers=[0, 1], dev_id=5, transaction_id=1)
        (frame,) = protocol.make_decoder().feed(modbus_frame(late, Framing.MBAP))
        assert request.read_answer(frame) is None

    def test_an_exception_is_a_refusal(self) -> None:
        protocol = Modbus(Framing.RTU)
        request = protocol.read_registers(meter("5", "u32-0000"))
        raw = modbus_frame(ExceptionResponse(3, exception_code=2, device_id=5), Framing.RTU)
        (frame,) = protocol.make_decoder().feed(raw)
        with pytest.raises(MeterRefusedError, match="2"):
            request.read_answer(frame)

    @given(st.integers(0, 13_107_199))
    def test_a_float_register_gives_the_hundredth_that_was_meant(self, digits: int) -> None:
        protocol = Modbus(Framing.RTU)
        request = protocol.read_registers(meter("1", "ddsu666"))
        high, low = struct.unpack(">HH", struct.pack(">f", digits / 100))
        raw = modbus_frame(ReadHoldingRegistersResponse(registers=[high, low], dev_id=1), Framing.RTU)
        (frame,) = protocol.make_decoder().feed(raw)
        assert request.read_answer(frame).digits == digits

    @pytest.mark.parametrize("kwh", [262144.01, 131072.0, float("nan"), float("inf"), -1.0])
    def test_a_float_register_without_hundredths_is_not_read(self, kwh: float) -> None:
        protocol = Modbus(Framing.RTU)
        request = protocol.read_registers(meter("1", "ddsu666"))
        high, low = struct.unpack(">HH", struct.pack(">f", kwh))
        raw = modbus_frame(ReadHoldingRegistersResponse(registers=[high, low], dev_id=1), Framing.RTU)
        (frame,) = protocol.make_decoder().feed(raw)
        with pytest.raises(UnreadableError):
            request.read_answer(frame)

    @pytest.mark.parametrize(
        ("address", "model"), [("0", "ddsu666"), ("248", "ddsu666"), ("x", "ddsu666"), ("1", "u32-1")]
    )
    def test_an_address_or_model_that_is_none_is_refused(self, address: str, model: str) -> None:
        with pytest.raises(MeterError):
            Modbus(Framing.RTU).read_registers(meter(address, model))
