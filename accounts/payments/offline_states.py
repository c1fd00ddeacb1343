"""What is odd about an offline payment, and what became of it."""

from datetime import timedelta
from enum import StrEnum

FAST_CLOCK = timedelta(minutes=5)
LATE = timedelta(days=7)


class Flag(StrEnum):
    """What is odd about an offline payment."""

    AFTER_LOSS_REPORT = "after_loss_report"
    CARD_NOT_ACTIVE = "card_not_active"
    KEY_NOT_PROVED = "key_not_proved"
    ACCOUNT_NOT_USABLE = "account_not_usable"
    OVER_LIMIT = "over_limit"
    LATE = "late"
    CLOCK_AHEAD = "clock_ahead"
    BEFORE_TERMINAL = "before_terminal"
    BEFORE_CARD = "before_card"
    ABOVE_CARD_DAY = "above_card_day"
    ABOVE_CARD_WEEK = "above_card_week"
    ABOVE_TERMINAL_DAY = "above_terminal_day"
    ABOVE_HOLD = "above_hold"
    """A meter counted more than was held."""
    AFTER_HOLD = "after_hold"
    """The record came when the hold had ended."""
    ID_REUSED = "id_reused"


class OfflineState(StrEnum):
    """What became of it: `refused` names no card we know, an id that is taken, or a closed account.

    For a `waiting` one nothing is taken until a person has decided; for a `declined` one a person decided not to.
    """

    PAID = "paid"
    UNPAID = "unpaid"
    WAITING = "waiting"
    DECLINED = "declined"
    REFUSED = "refused"
