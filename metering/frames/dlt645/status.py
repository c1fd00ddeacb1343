"""Status word 3 (04000503H): what the relay does, and what it was told to do."""

from dataclasses import dataclass

STATUS_WORD_3 = 0x04000503
_SUPPLIES = {0: "mains", 2: "battery"}
_PREPAYMENTS = {0: "not prepaid", 1: "prepaid in kWh", 2: "prepaid in money"}
_BITS = {
    0: "second set of periods",
    3: "may be programmed",
    5: "second set of zones",
    7: "pre-trip alarm",
    10: "second set of prices",
    11: "second set of tiers",
    12: "power kept on",
    13: "identity authenticated",
}


@dataclass(frozen=True, slots=True)
class StatusWord3:
    """The word and what its bits mean.

    A meter that accepts an order has not carried it out: the relay has moved when `is_relay_open` says so.
    """

    word: int

    @property
    def is_relay_open(self) -> bool:
        """Whether the room has no supply (bit 4)."""
        return bool(self.word & 0x10)

    @property
    def is_told_to_open(self) -> bool:
        """Whether the relay's last order was to open (bit 6)."""
        return bool(self.word & 0x40)

    @property
    def is_armed(self) -> bool:
        """Whether the relay is open and closes when the resident presses the button."""
        return self.is_relay_open and not self.is_told_to_open

    @property
    def is_power_kept_on(self) -> bool:
        """Whether the meter refuses to trip (bit 12)."""
        return bool(self.word & 0x1000)

    @property
    def words(self) -> tuple[str, ...]:
        """The bits in words."""
        relay = "closed" if not self.is_relay_open else "open, may be closed" if self.is_armed else "open"
        told = ", told to open" if self.is_told_to_open and not self.is_relay_open else ""
        supply = _SUPPLIES.get(self.word >> 1 & 3, "unknown supply")
        kind = _PREPAYMENTS.get(self.word >> 8 & 3, "unknown kind")
        flags = [text for bit, text in _BITS.items() if self.word >> bit & 1]
        return (f"relay {relay}{told}", supply, kind, *flags)
