"""The models of electricity meters and where they vary; one more is an entry here."""

from collections.abc import Mapping
from dataclasses import dataclass

from metering.frames.dlt645.numbers import COMBINED_ENERGY, FORWARD_ENERGY

STATE_GRID, SOUTHERN = 0x02, 0x03
"""The password's level in an order of plain form, by whose edition the meter follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterModel:
    """How a model is spoken to where models differ."""

    name: str
    preamble: int = 4
    """How many FE go before a request; a meter answers with none, or with four."""
    energy: int = FORWARD_ENERGY
    """The register that is billed. The daily freeze holds the forward energy, so both agree."""
    has_daily_freeze: bool = True
    order_level: int = STATE_GRID
    is_password_reversed: bool = False
    """Whether the last pair of the password's digits goes first; the makers do not agree."""
    is_expiry_zero: bool = False
    """Whether orders carry zeros in place of their expiry: some meters obey no others, and some never obey those."""


_MODELS = (
    MeterModel(name="dlt645-2007"),
    MeterModel(name="dlt645-2007-reversed-password", is_password_reversed=True),
    MeterModel(name="dlt645-2007-zero-expiry", is_expiry_zero=True),
    MeterModel(name="dlt645-2007-zero-expiry-reversed-password", is_expiry_zero=True, is_password_reversed=True),
    MeterModel(name="dlt645-2007-level-4", order_level=0x04),
    MeterModel(name="dlt645-2007-combined", energy=COMBINED_ENERGY, has_daily_freeze=False),
    MeterModel(name="dlt645-2007-southern", order_level=SOUTHERN),
)
MODELS: Mapping[str, MeterModel] = {model.name: model for model in _MODELS}
