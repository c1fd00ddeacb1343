"""The models of meters with this protocol and where they vary; one more is an entry here.

The sum of a frame is the same for both orders of a data id, so a wrong order does not show as a broken frame: ask a new
meter both ways, and keep the model it answers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Valve(StrEnum):
    """What a meter says of its valve."""

    OPEN = "open"
    CLOSED = "closed"
    FAULTY = "faulty"


@dataclass(frozen=True, slots=True)
class Status:
    """A meter's status as its model means it; `word` is ST as sent, its first byte the low one."""

    word: int
    valve: Valve
    is_battery_low: bool


def read_status(word: int) -> Status:
    """Return the standard's meaning: bit 0 closed, bit 1 abnormal, bit 2 battery low."""
    valve = Valve.FAULTY if word & 2 else Valve.CLOSED if word & 1 else Valve.OPEN
    return Status(word, valve, bool(word & 4))


def read_status_of_high_bits(word: int) -> Status:
    """Return another meaning: bits 7 and 6 the valve (00 open, 01 closed, else faulty), bit 5 battery low."""
    valve = {0: Valve.OPEN, 1: Valve.CLOSED}.get(word >> 6 & 3, Valve.FAULTY)
    return Status(word, valve, bool(word & 0x20))


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterModel:
    """How a model is spoken to where models differ."""

    name: str
    preamble: int = 2
    """How many FE go before a request."""
    is_id_high_first: bool = True
    """Whether a data id goes out as it is written: 901F as 90 1F, or else as 1F 90. Both orders are read."""
    open_code: int = 0x55
    close_code: int = 0x99
    valve_answer: int = 0x84
    """The control code of the answer to an order to the valve."""
    read_status: Callable[[int], Status] = read_status


_MODELS = (
    MeterModel(name="cjt188"),
    MeterModel(name="cjt188-low-first", is_id_high_first=False),
    MeterModel(name="cjt188-high-status", read_status=read_status_of_high_bits),
    MeterModel(name="cjt188-low-first-high-status", is_id_high_first=False, read_status=read_status_of_high_bits),
    MeterModel(name="cjt188-free-valve", open_code=0x66, close_code=0x77),
    MeterModel(name="cjt188-valve-answer-aa", valve_answer=0xAA),
)
MODELS: Mapping[str, MeterModel] = {model.name: model for model in _MODELS}
