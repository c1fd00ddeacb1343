"""The TOML file of a shower's controller: its device, its valve, its pulse meters, its times."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from errors import OperatorError
from metering.reader_contract import MeterPlan, Protocol
from metering.vocabulary import Utility
from web.text import Line, Slug


class ShowerFileError(OperatorError):
    """The file cannot be used; the message says which field is wrong."""


class _Part(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class LineEnd(_Part):
    """What hangs on a line: where the line is, what is spoken, and who answers."""

    url: Line
    protocol: Protocol
    address: Line
    model: Slug
    bits_per_s: int = Field(default=2_400, ge=300, le=115_200)

    def plan(self, *, has_relay: bool) -> MeterPlan:
        """Return it as the line's clients take it."""
        return MeterPlan(
            id=uuid5(UUID(int=0), f"{self.url} {self.address}"),
            address=self.address,
            serial=self.address,
            model=self.model,
            has_relay=has_relay,
        )


class ValveFile(LineEnd):
    """The valve: a CJ/T 188 meter with one, ordered with A017."""

    protocol: Literal[Protocol.CJT188] = Protocol.CJT188


class PulseMeterFile(LineEnd):
    """A counter whose register counts pulses of the water meter and outlives a power cut.

    A pulse counter on Modbus, or a CJ/T 188 meter that counts in hundredths of a litre (unit 29): the steps of a
    reading in cubic metres are 10 litres, too coarse to bill a shower.
    """

    utility: Literal[Utility.COLD_WATER, Utility.HOT_WATER]
    pulses_per_m3: Annotated[int, Field(ge=100_000, le=10**10)]
    """At least one for ten millilitres."""


class ShowerFile(_Part):
    """A shower's controller. `device` is the id that `campusgate devices add NAME meter` gave it."""

    device: UUID
    valve: ValveFile
    meters: Annotated[tuple[PulseMeterFile, ...], Field(min_length=1, max_length=4)]
    poll_s: float = Field(default=0.5, ge=0.1, le=5)
    time_zone: ZoneInfo = ZoneInfo("Asia/Shanghai")
