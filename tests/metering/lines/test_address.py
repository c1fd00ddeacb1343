"""Where a line is reached."""

import pytest

from metering.lines.address import Framing, LineAddressError, Parity, SerialLine, TcpLine, parse_address


def test_addresses_are_read_with_their_options() -> None:
    assert parse_address("tcp://10.0.3.7:8899") == TcpLine("10.0.3.7", 8899)
    assert parse_address("tcp://gw.example:502?framing=mbap&wait_ms=1500") == TcpLine(
        "gw.example", 502, Framing.MBAP, 1.5
    )
    assert parse_address("tcp://[::1]:4001") == TcpLine("::1", 4001)
    assert parse_address("serial:///dev/ttyUSB0") == SerialLine("/dev/ttyUSB0")
    assert parse_address("serial:///dev/ttyS1?parity=N&stop=2") == SerialLine("/dev/ttyS1", Parity.NONE, 2)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "10.0.3.7:8899",
        "http://10.0.3.7:8899",
        "tcp://10.0.3.7",
        "tcp://:8899",
        "tcp://10.0.3.7:0",
        "tcp://10.0.3.7:99999",
        "tcp://10.0.3.7:8899/path",
        "tcp://10.0.3.7:8899?parity=E",
        "tcp://10.0.3.7:8899?wait_ms=-1",
        "tcp://10.0.3.7:8899?wait_ms=1.5",
        "tcp://[::1:8899",
        "serial://ttyUSB0",
        "serial:///dev/ttyUSB0?parity=X",
        "serial:///dev/ttyUSB0?stop=3",
        "serial:///dev/ttyUSB0?wait_ms=999999",
    ],
)
def test_what_is_no_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(LineAddressError, match="tcp://10"):
        parse_address(url)
