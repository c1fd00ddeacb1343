"""Whether a meter's model and address are its protocol's, so that a slip of the pen is told when it is entered."""

from collections.abc import Mapping

from metering.frames import modbus_models
from metering.frames.cjt188 import models as cjt188
from metering.frames.dlt645 import models as dlt645
from metering.reader_contract import Protocol
from web.problems import ProblemError

_BROADCAST = "9" * 12


class MeterPlateError(ProblemError):
    """The protocol has no such model, or no such address; `detail` says what it has."""

    code = "meter_plate"
    status = 422
    title = "This model or address is none of the protocol's"


def require_plate(protocol: Protocol | None, model: str, address: str) -> None:
    """Check a meter's model and address; one without a line may be of any protocol, and have no address yet.

    Raises:
        MeterPlateError: see there.
    """
    protocols = [one for one in Protocol if _has_model(one, model)]
    if not protocols or protocol not in {None, *protocols}:
        known = list(Protocol) if protocol is None else [protocol]
        raise MeterPlateError(f"models: {'; '.join(_MODELS[one] for one in known)}")
    if not address and protocol is None:
        return
    if not _fits(protocols[0], address):
        raise MeterPlateError(f"address: {_ADDRESSES[protocols[0]]}")


def _has_model(protocol: Protocol, model: str) -> bool:
    match protocol:
        case Protocol.DLT645:
            return model in dlt645.MODELS
        case Protocol.CJT188:
            return model in cjt188.MODELS
        case Protocol.MODBUS:
            return modbus_models.find_model(model) is not None


def _fits(protocol: Protocol, address: str) -> bool:
    if not (address.isascii() and address.isdecimal()):
        return False
    match protocol:
        case Protocol.DLT645:
            return len(address) == 12 and address != _BROADCAST
        case Protocol.CJT188:
            return len(address) in {14, 16}
        case Protocol.MODBUS:
            # No zeros before it: 07 would be another meter at the same unit.
            return address[0] != "0" and int(address) <= modbus_models.HIGHEST_UNIT


_MODELS: Mapping[Protocol, str] = {
    Protocol.DLT645: ", ".join(dlt645.MODELS),
    Protocol.CJT188: ", ".join(cjt188.MODELS),
    Protocol.MODBUS: f"{', '.join(modbus_models.NAMED_MODELS)}, u32-REGISTER with -input, -swapped",
}
_ADDRESSES: Mapping[Protocol, str] = {
    Protocol.DLT645: "the 12 digits printed on the meter",
    Protocol.CJT188: "14 digits, or 16 with the meter's type before them",
    Protocol.MODBUS: f"its unit, 1 to {modbus_models.HIGHEST_UNIT}",
}
