"""The protocols that a line may speak, by name; one more is a file beside this one and a line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from metering.frames.dlt645.orders import Credentials
from metering.lines.address import LineAddress
from metering.lines.protocol import MeterProtocol
from metering.lines.protocols.cjt188 import Cjt188
from metering.lines.protocols.dlt645 import Dlt645
from metering.lines.protocols.modbus import Modbus
from metering.reader_contract import Protocol


@dataclass(frozen=True, slots=True)
class ProtocolOptions:
    """What protocols are given: the campus's time, and with what meters are ordered."""

    zone: ZoneInfo
    credentials: Credentials = field(default_factory=Credentials)


PROTOCOLS: Mapping[Protocol, Callable[[LineAddress, ProtocolOptions], MeterProtocol]] = {
    Protocol.DLT645: lambda _address, options: Dlt645(options.zone, options.credentials),
    Protocol.CJT188: lambda _address, options: Cjt188(options.zone),
    Protocol.MODBUS: lambda address, _options: Modbus(address.framing),
}
