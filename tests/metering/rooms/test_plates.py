"""Models and addresses of meters, by protocol."""

import pytest

from metering.reader_contract import Protocol
from metering.rooms.plates import MeterPlateError, require_plate

DLT, CJT, MODBUS = Protocol.DLT645, Protocol.CJT188, Protocol.MODBUS


@pytest.mark.parametrize(
    ("protocol", "model", "address"),
    [
        (DLT, "dlt645-2007", "000000219998"),
        (DLT, "dlt645-2007-zero-expiry", "000000000000"),
        (CJT, "cjt188", "11110000000001"),
        (CJT, "cjt188-low-first", "3011110000000001"),
        (MODBUS, "ddsu666", "1"),
        (MODBUS, "u32-0156-input-swapped", "247"),
        (None, "dlt645-2007", "000000219998"),
        (None, "ddsu666", ""),
    ],
)
def test_what_a_plate_says_is_taken(protocol: Protocol | None, model: str, address: str) -> None:
    require_plate(protocol, model, address)


@pytest.mark.parametrize(
    ("protocol", "model", "address", "said"),
    [
        (DLT, "dlt645-single", "000000219998", "dlt645-2007"),
        (DLT, "ddsu666", "000000219998", "dlt645-2007"),
        (None, "dlt645", "000000219998", "u32-REGISTER"),
        (DLT, "dlt645-2007", "21999", "12 digits"),
        (DLT, "dlt645-2007", "0000002199AA", "12 digits"),
        (DLT, "dlt645-2007", "９００００００００００１", "12 digits"),
        (DLT, "dlt645-2007", "999999999999", "12 digits"),
        (DLT, "dlt645-2007", "", "12 digits"),
        (CJT, "cjt188", "000000219998", "14 digits"),
        (MODBUS, "ddsu666", "0", "1 to 247"),
        (MODBUS, "ddsu666", "07", "1 to 247"),
        (MODBUS, "ddsu666", "248", "1 to 247"),
        (None, "ddsu666", "000000219998", "1 to 247"),
    ],
)
def test_a_slip_of_the_pen_is_told_with_what_there_is(
    protocol: Protocol | None, model: str, address: str, said: str
) -> None:
    with pytest.raises(MeterPlateError) as caught:
        require_plate(protocol, model, address)
    assert said in str(caught.value.detail)
