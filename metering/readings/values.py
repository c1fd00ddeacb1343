"""Values of readings: what a register is, what one reading says, why one is not believed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from metering.vocabulary import ReadingQuality, ReadingSource

MOST_DECIMALS = 3
"""A register's last digit is at least 1 Wh, so that energy is whole watt-hours."""


class Doubt(StrEnum):
    """Why a reading is not billed before a person has decided."""

    BACKWARDS = "backwards"
    IMPLAUSIBLE_STEP = "implausible_step"
    IN_THE_FUTURE = "in_the_future"
    TOO_OLD = "too_old"
    OTHER_SERIAL = "other_serial"
    FOLLOWS_DOUBTFUL = "follows_doubtful"
    OUTSIDE_REGISTER = "outside_register"
    SAID_DOUBTFUL = "said_doubtful"
    OTHER_VALUE = "other_value"
    WITHDRAWN = "withdrawn"
    """It was believed, until a person took it back."""


class ReviewState(StrEnum):
    """What a person decided on readings that are not believed."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Register:
    """A meter's energy register as it counts for one period: its digits, its transformers, what it can bear."""

    digits: int = 8
    """All of them, with the decimals: 8 digits with 2 decimals show up to 999999.99 kWh."""
    decimals: int = 2
    ratio: int = 1
    """Of current times voltage transformers: what passed is the register's difference times this."""
    max_w: int = 20_000
    """The most power that can pass, behind the transformers; a step above it is not believed."""

    def __post_init__(self) -> None:
        """Require a register that counts whole watt-hours.

        Raises:
            ValueError: it does not.
        """
        if not (0 <= self.decimals <= MOST_DECIMALS and self.decimals < self.digits <= 15):
            raise ValueError("a register has 0 to 3 decimals and fewer decimals than digits, at most 15")
        if self.ratio < 1 or self.max_w < 1:
            raise ValueError("ratio and power of a register are at least 1")

    @property
    def size(self) -> int:
        """The number of values of the register: after `size - 1` it shows zero."""
        return int(10**self.digits)

    @property
    def wh_per_digit(self) -> int:
        """How many watt-hours passed when the last digit moved by one."""
        return int(self.ratio * 10 ** (MOST_DECIMALS - self.decimals))

    def to_wh(self, digits: int) -> int:
        """Return the energy (Wh) of a difference of `digits`."""
        return digits * self.wh_per_digit


@dataclass(frozen=True, slots=True)
class Reading:
    """What a register showed from `at` until at least `seen_at` (aware UTC, whole seconds), in its last digits."""

    at: datetime
    seen_at: datetime
    digits: int
    source: ReadingSource = ReadingSource.CYCLE
    quality: ReadingQuality = ReadingQuality.GOOD
    tariffs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadingAt:
    """A register's value at one instant, with the readings it comes from; `before` is `after` where it was read.

    Where nothing was read at the instant, `source` is `interpolated` and `quality` `estimated`.
    """

    meter: UUID
    at: datetime
    digits: int
    source: ReadingSource
    quality: ReadingQuality
    before: Reading
    after: Reading
