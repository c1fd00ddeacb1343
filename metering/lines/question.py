"""One meter asked by hand, on a line that nobody else reads: for installers and for whoever looks for a fault."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from errors import OperatorError
from metering.lines.address import parse_address
from metering.lines.connection import LineLostError, open_connection
from metering.lines.exchange import (
    Exchange,
    MeterRefusedError,
    Request,
    SilentError,
    Timing,
    UnreadableError,
)
from metering.lines.protocol import MeterError, MeterProtocol, Registers, Status
from metering.lines.protocols.registry import PROTOCOLS, ProtocolOptions
from metering.reader_contract import MeterPlan, Protocol

Value = TypeVar("Value")

_MODELS = {
    Protocol.DLT645: ("dlt645-2007",),
    # The order of a data id differs by maker, and only asking both ways tells which.
    Protocol.CJT188: ("cjt188", "cjt188-low-first"),
    Protocol.MODBUS: ("ddsu666",),
}


class QuestionError(Exception):
    """The meter gives no answer that could be used."""


class QuestionImpossibleError(OperatorError):
    """The question cannot be asked: the address or the model is none, or the line does not open."""


@dataclass(frozen=True, slots=True)
class MeterAnswer:
    """What the meter said, and as which model it was asked."""

    address: str
    model: str
    registers: Registers
    status: Status | None
    clock: datetime | None


async def ask_meter(
    url: str,
    protocol: Protocol,
    address: str,
    *,
    model: str | None,
    bits_per_s: int,
    zone: ZoneInfo,
    timing: Timing | None = None,
) -> MeterAnswer:
    """Ask a meter for its registers, its relay or valve, and its clock.

    Raises:
        QuestionError: it does not answer, or refuses.
        OperatorError: the line does not open, or the address or model is none.
    """
    line = parse_address(url)
    spoken = PROTOCOLS[protocol](line, ProtocolOptions(zone))
    exchange = Exchange(
        spoken.make_decoder(), bits_per_s=bits_per_s, timing=timing or Timing(), extra_wait_s=line.extra_wait_s
    )
    models = (model,) if model is not None else _MODELS[protocol]
    try:
        meters = [_meter(address, one) for one in models]
        for meter in meters:
            spoken.read_registers(meter)
        exchange.attach(await open_connection(line, bits_per_s, exchange.receive, exchange.lose))
        return await _ask(exchange, spoken, meters)
    except (MeterError, LineLostError) as error:
        raise QuestionImpossibleError(str(error)) from error
    finally:
        exchange.close()


async def _ask(exchange: Exchange, protocol: MeterProtocol, meters: Sequence[MeterPlan]) -> MeterAnswer:
    why = ""
    for meter in meters:
        try:
            registers = await exchange.ask(protocol.read_registers(meter))
        except SilentError:
            why = "it does not answer"
            continue
        except (MeterRefusedError, UnreadableError) as error:
            why = f"it answers without a reading: {error}"
            continue
        status = await _ask_further(exchange, protocol.read_status(meter))
        clock = await _ask_further(exchange, protocol.read_clock(meter, datetime.now(UTC)))
        return MeterAnswer(meter.address, meter.model, registers, status, clock)
    raise QuestionError(f"the meter {meters[0].address} gives no reading: {why}")


async def _ask_further(exchange: Exchange, request: Request[Value] | None) -> Value | None:
    if request is None:
        return None
    try:
        return await exchange.ask(request)
    except (SilentError, MeterRefusedError, UnreadableError):
        return None


def _meter(address: str, model: str) -> MeterPlan:
    try:
        return MeterPlan(id=UUID(int=0), address=address, serial="unknown", model=model, has_relay=True)
    except ValidationError as error:
        raise MeterError(f"{address!r} or {model!r} is no address or model of a meter") from error
