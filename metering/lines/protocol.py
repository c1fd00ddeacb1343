"""What a line needs of a protocol: questions as bytes, and answers as values. One file for each backend."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from metering.lines.exchange import Decoder, Request
from metering.reader_contract import MeterPlan
from metering.vocabulary import MeterAction, SupplyState


@dataclass(frozen=True, slots=True)
class Registers:
    """What a meter counted, in units of its last digit: the total, and each tariff where it has them."""

    digits: int
    tariffs: tuple[int, ...] = ()
    step: str = ""
    """What one digit is, in words, where that is known."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a meter says of its relay or valve; `word` as it came."""

    supply: SupplyState
    word: int | None = None


class MeterProtocol(Protocol):
    """The questions of one protocol. What a protocol or a model has no question for is None.

    All may raise `MeterError`: the plan's address or model is none of the protocol's.
    """

    def make_decoder(self) -> Decoder:
        """Return what finds this protocol's frames."""

    def read_registers(self, meter: MeterPlan) -> Request[Registers]:
        """Ask what it counted."""

    def read_status(self, meter: MeterPlan) -> Request[Status] | None:
        """Ask for its relay or valve."""

    def read_frozen_at(self, meter: MeterPlan, back: int) -> Request[datetime] | None:
        """Ask for the time, naive and in campus time, of the last (`back` 1) daily freeze, or the one before (2)."""

    def read_frozen(self, meter: MeterPlan, back: int) -> Request[Registers] | None:
        """Ask for the registers of that freeze."""

    def order(self, meter: MeterPlan, action: MeterAction, expires_at: datetime) -> Request[bool] | None:
        """Tell its relay or valve; it must not obey after `expires_at`, where the protocol can say so."""

    def has_followed(self, action: MeterAction, status: Status) -> bool:
        """Return whether `status` shows what `action` was to bring about."""

    def set_clocks(self, meter: MeterPlan, now: datetime) -> Request[None] | None:
        """Tell every meter on the line the time, in the way that `meter` understands."""

    def read_power(self, meter: MeterPlan) -> Request[int] | None:
        """Ask for the power (W) that passes now, in either direction."""

    def read_clock(self, meter: MeterPlan, now: datetime) -> Request[datetime] | None:
        """Ask for its clock; where it shows no day, the one that brings it next to `now`."""


class MeterError(ValueError):
    """A meter of the plan cannot be asked: its address or model is none of the protocol's."""
