"""The models of Modbus meters: where each keeps its energy; one more is an entry here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

HIGHEST_UNIT: Final = 247
_MODEL: Final = re.compile(r"u32-(?P<register>[0-9a-f]{4})(?P<input>-input)?(?P<swapped>-swapped)?")


@dataclass(frozen=True, slots=True)
class MeterModel:
    """Where a model keeps its energy: two registers, an integer of its last digit or a float of kWh (0.01 shown)."""

    register: int
    is_float: bool = False
    is_input: bool = False
    is_swapped: bool = False
    """Whether the word with the lower half comes first."""


NAMED_MODELS: Final[Mapping[str, MeterModel]] = {
    "ddsu666": MeterModel(0x4000, is_float=True),
    "dtsu666": MeterModel(0x101E, is_float=True),
}


def find_model(name: str) -> MeterModel | None:
    """Return the model of that name: `ddsu666`, `dtsu666`, or `u32-REGISTER` with `-input`, `-swapped` as needed."""
    match = _MODEL.fullmatch(name)
    if match is None:
        return NAMED_MODELS.get(name)
    return MeterModel(int(match["register"], 16), is_input=bool(match["input"]), is_swapped=bool(match["swapped"]))
