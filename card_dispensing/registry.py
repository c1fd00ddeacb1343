"""The drivers of card dispensers by their names in the settings; a further one is a file and a line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from card_dispensing.crt571 import Crt571, Line
from card_dispensing.dispenser import CardDispenser


@dataclass(frozen=True, slots=True)
class DispenserDriver:
    """One driver: how it is opened on a line at an address, and the line's speed in bits a second."""

    open: Callable[[Line, int], CardDispenser]
    bits_per_s: int = 9600


def _open_crt571(line: Line, address: int) -> CardDispenser:
    return Crt571(line, address=address)


DISPENSERS: Mapping[str, DispenserDriver] = {"crt571": DispenserDriver(_open_crt571)}
