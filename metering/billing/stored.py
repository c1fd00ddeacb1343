"""How plans, lines, quotes and states stand in columns of text: as JSON of the pure values."""

from typing import TypeVar

from pydantic import TypeAdapter

from metering.billing.day_charge import Quote
from metering.tariffs.electricity import PricePlan
from metering.tariffs.electricity_charge import BillState, Line

_T = TypeVar("_T")

PLAN = TypeAdapter(PricePlan)
LINES = TypeAdapter(tuple[Line, ...])
QUOTES = TypeAdapter(tuple[Quote, ...])
STATE = TypeAdapter(BillState)


def dump(adapter: TypeAdapter[_T], value: _T) -> str:
    """Return a value as text."""
    return adapter.dump_json(value).decode()


def load(adapter: TypeAdapter[_T], text: str) -> _T:
    """Return the value that a text holds."""
    return adapter.validate_json(text)
