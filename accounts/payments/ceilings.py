"""Ceilings above which a person decides: money that nobody could check when it moved, and cash of one account."""

from dataclasses import dataclass
from datetime import timedelta

DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Ceilings:
    """In fen, over the last 24 hours or seven days by the server's own clock: a terminal can write any date."""

    offline_card_day: int = 10_000
    """What the campus lets a card spend a day without the password, which nobody could check offline."""
    offline_card_week: int = 30_000
    """Three full days: a card that spends more, and always while the server is away, is worth a look."""
    offline_terminal_day: int = 500_000
    """A canteen's window serves about 400 meals of 12 yuan a day."""
    kiosk_day: int = 2_000_000
    """More than a kiosk's cash box takes between two collections; whoever has its token could credit every card."""
    cash_day: int = 100_000
    """Over a counter or in a kiosk, in and out together; who leaves has seldom more. Above, a second person decides."""
