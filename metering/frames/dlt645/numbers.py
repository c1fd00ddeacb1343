"""The data items that are numbers: energies, momentary values and frozen energies, by the table of the standard."""

from collections.abc import Sequence
from dataclasses import dataclass

from metering.frames import bcd
from metering.frames.bcd import CodecError

COMBINED_ENERGY = 0x00000000
FORWARD_ENERGY = 0x00010000
REVERSE_ENERGY = 0x00020000
FROZEN_FORWARD_ENERGY = 0x05060101
"""Forward energy of the last daily freeze: the total, then each tariff. A higher last byte is an earlier day."""
ACTIVE_POWER = 0x02030000
"""Of all phases together, now."""

BLOCK = 0xFF
MOST_TARIFFS = 63
_LAST_SETTLEMENT = 0x0C


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How the numbers of an item are written: `size` bytes each, in units of 10^-`decimals` of `unit`."""

    name: str
    unit: str
    size: int
    decimals: int
    is_signed: bool = False
    most: int = 1
    """How many there may be; one unless the item is a block."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of an item: `digits` in units of 10^-`decimals` of `unit`, `None` where the meter has no value."""

    name: str
    digits: int | None
    decimals: int
    unit: str

    def __str__(self) -> str:
        """Its name, value and unit."""
        if self.digits is None:
            return f"{self.name}: no value"
        sign, size = ("-" if self.digits < 0 else ""), abs(self.digits)
        whole, part = divmod(size, 10**self.decimals)
        return f"{self.name}: {sign}{whole}.{part:0{self.decimals}d} {self.unit}".rstrip()


_ENERGIES = {0x00: "combined active energy", 0x01: "forward active energy", 0x02: "reverse active energy"}
_BY_PHASE = {
    0x01: NumberFormat("voltage", "V", 2, 1),
    0x02: NumberFormat("current", "A", 3, 3, is_signed=True),
    0x03: NumberFormat("active power", "kW", 3, 4, is_signed=True),
    0x04: NumberFormat("reactive power", "kvar", 3, 4, is_signed=True),
    0x05: NumberFormat("apparent power", "kVA", 3, 4, is_signed=True),
    0x06: NumberFormat("power factor", "", 2, 3, is_signed=True),
}
_WITHOUT_TOTAL = frozenset((0x01, 0x02))
_SINGLE = {
    0x02800001: NumberFormat("neutral current", "A", 3, 3),
    0x02800002: NumberFormat("frequency", "Hz", 2, 2),
    0x02800007: NumberFormat("temperature inside", "°C", 2, 1, is_signed=True),
    0x02800008: NumberFormat("clock battery", "V", 2, 2),
}
_FREEZES = {0x00: "timed freeze", 0x01: "instant freeze", 0x06: "daily freeze"}


def find_format(item: int) -> NumberFormat | None:
    """Return how the numbers of `item` are written, `None` where it is no item of numbers that is known here."""
    kind, what, which, nth = item.to_bytes(4, "big")
    if kind == 0x00:
        return _find_energy(what, which, nth)
    if kind == 0x02:
        return _SINGLE.get(item) or (_find_by_phase(what, which) if nth == 0 else None)
    if kind == 0x05 and what in _FREEZES and which in (0x01, 0x02) and 1 <= nth <= 0xFE:
        name = f"{_ENERGIES[which]}, {_FREEZES[what]} {nth}"
        return NumberFormat(name, "kWh", 4, 2, most=1 + MOST_TARIFFS)
    return None


def decode(item: int, data: bytes) -> tuple[int | None, ...]:
    """Return the numbers in the data of `item`, without its id; `None` for each without a value.

    Raises:
        CodecError: the item is not known, or `data` has another length than its numbers, or these are no digits.
    """
    form = _known(item)
    if not data or len(data) % form.size or len(data) > form.size * form.most:
        raise CodecError(f"{len(data)} bytes cannot be {form.name} ({item:08X})")
    read = bcd.decode_signed if form.is_signed else bcd.decode
    return tuple(read(data[at : at + form.size]) for at in range(0, len(data), form.size))


def encode(item: int, digits: Sequence[int | None]) -> bytes:
    """Return the data of `item`, without its id.

    Raises:
        CodecError: the item is not known, or these numbers do not fit into it.
    """
    form = _known(item)
    if not 1 <= len(digits) <= form.most:
        raise CodecError(f"{form.name} ({item:08X}) has not {len(digits)} numbers")
    write = bcd.encode_signed if form.is_signed else bcd.encode
    return b"".join(b"\xff" * form.size if value is None else write(value, form.size) for value in digits)


def describe(item: int, digits: Sequence[int | None]) -> tuple[Quantity, ...]:
    """Return the numbers of `item` with their names and units."""
    form = _known(item)
    names = [form.name] if len(digits) == 1 else [f"{form.name} {part}" for part in _parts(item, len(digits))]
    return tuple(Quantity(name, value, form.decimals, form.unit) for name, value in zip(names, digits, strict=True))


def _known(item: int) -> NumberFormat:
    form = find_format(item)
    if form is None:
        raise CodecError(f"there is no item of numbers {item:08X} here")
    return form


def _find_energy(what: int, which: int, nth: int) -> NumberFormat | None:
    if what not in _ENERGIES or not (which <= MOST_TARIFFS or which == BLOCK) or nth > _LAST_SETTLEMENT:
        return None
    tariff = "" if which in (0, BLOCK) else f", tariff {which}"
    name = _ENERGIES[what] + tariff + (f", settlement {nth}" if nth else "")
    # only the combined energy has a sign: a forward total goes up to 999,999.99 kWh
    return NumberFormat(name, "kWh", 4, 2, is_signed=what == 0, most=1 + MOST_TARIFFS if which == BLOCK else 1)


def _find_by_phase(what: int, which: int) -> NumberFormat | None:
    form = _BY_PHASE.get(what)
    if form is None:
        return None
    first = 1 if what in _WITHOUT_TOTAL else 0
    if which == BLOCK:
        return NumberFormat(form.name, form.unit, form.size, form.decimals, form.is_signed, most=4 - first)
    if not first <= which <= 3:
        return None
    name = f"{form.name} {_PHASES[which]}"
    return NumberFormat(name, form.unit, form.size, form.decimals, form.is_signed)


_PHASES = ("total", "phase A", "phase B", "phase C")


def _parts(item: int, count: int) -> Sequence[str]:
    if item >> 24 == 0x02:
        return _PHASES[1 if item >> 16 & 0xFF in _WITHOUT_TOTAL else 0 :][:count]
    return ["total", *(f"tariff {number}" for number in range(1, count))]
