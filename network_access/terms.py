"""On what terms somebody uses a service: who, how many at once, what is free, what it costs. Pure."""

from datetime import timedelta
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from accounts.vocabulary import PasswordPurpose, PersonKind

HOUR_S: Final = 3_600
_LONGEST: Final = timedelta(days=7)


class ServiceTerms(BaseModel):
    """The terms of one service. Fen for an hour, minutes of a calendar month, by the campus's clock.

    A price of 0 without free minutes is free; with them the minutes are a quota, and beside a price they come first.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True)

    kinds: tuple[PersonKind, ...] = Field(default=(PersonKind.STUDENT, PersonKind.STAFF), min_length=1)
    password: PasswordPurpose = PasswordPurpose.PORTAL
    most_sessions: int = Field(default=1, ge=1, le=100)
    free_minutes: int | None = Field(default=None, ge=0, le=44_640)
    fen_per_hour: int = Field(default=0, ge=0, le=100_000)
    hold_fen: int = Field(default=100, ge=1, le=100_000)
    """Reserved at first, and again each time a session comes near what is held."""
    longest: timedelta = Field(default=timedelta(hours=12), ge=timedelta(minutes=1), le=_LONGEST)
    """No session is longer, and none costs more: whoever forgot to log out pays for no week."""
    interim: timedelta = Field(default=timedelta(minutes=5), ge=timedelta(seconds=60), le=timedelta(hours=1))
    """How often sessions are reported; RFC 2869 asks for no less than a minute."""
    welcome: str = Field(default="", max_length=80)
    """Sent with a login that succeeds; 80 characters are at most 240 of the 253 bytes of an attribute."""

    @property
    def silence(self) -> timedelta:
        """After which a session that nothing was heard of is over: three reports are missing."""
        return 3 * self.interim + timedelta(minutes=1)

    @property
    def quota_s(self) -> int | None:
        """The free seconds of a month, or None where there is no such number."""
        return None if self.free_minutes is None else 60 * self.free_minutes

    @property
    def is_limited(self) -> bool:
        """Whether time is counted against anything but the longest session."""
        return self.fen_per_hour > 0 or self.free_minutes is not None


def cost_fen(seconds: int, fen_per_hour: int) -> int:
    """Return what `seconds` beyond the free ones cost, half a fen rounded up; once for a whole session."""
    return (2 * max(0, seconds) * fen_per_hour + HOUR_S) // (2 * HOUR_S)


def affordable_s(fen: int, fen_per_hour: int) -> int:
    """Return the whole seconds that cost no more than `fen`; `fen_per_hour` is not 0."""
    return ((2 * max(0, fen) + 1) * HOUR_S - 1) // (2 * fen_per_hour)


def covered_s(free_s: int, fen: int, fen_per_hour: int) -> int:
    """Return the seconds that a session may come to on free ones and on `fen` that are held or there."""
    return free_s + (affordable_s(fen, fen_per_hour) if fen_per_hour and fen > 0 else 0)
