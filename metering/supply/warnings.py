"""What residents are told of their room's supply, and when: pure."""

from collections.abc import Collection
from enum import StrEnum

from metering.supply.decision import Credit, Ground
from metering.supply.rules import SupplyRules
from metering.vocabulary import TripReason


class NoticeKind(StrEnum):
    """What a notice to a room's residents says."""

    LOW_CREDIT = "low_credit"
    EMERGENCY_CREDIT = "emergency_credit"
    CUT_OFF_AHEAD = "cut_off_ahead"
    CUT_OFF = "cut_off"
    ARMED = "armed"
    RESTORED = "restored"


WELL = 0
"""The level of a room that need not be warned."""
_EMERGENCY = -1
_USED_UP = -2


def find_level(credit: Credit | None, grounds: Collection[Ground], rules: SupplyRules) -> int:
    """Return how far a room's money has run down: 0 well, then a number for each warning, negative below zero."""
    if credit is None or credit.has_quota:
        return WELL
    if any(ground.reason is TripReason.NO_CREDIT for ground in grounds):
        return _USED_UP
    if credit.balance_fen <= 0:
        return _EMERGENCY
    return sum(credit.balance_fen < level for level in rules.warnings_fen)


def find_warning(before: int, after: int) -> NoticeKind | None:
    """Return what to tell residents when the level (see `find_level`) goes from `before` to `after`.

    Each level is told once on the way down; on the way up nothing is.
    """
    if after == before or _depth(after) < _depth(before):
        return None
    if after > 0:
        return NoticeKind.LOW_CREDIT
    return {_EMERGENCY: NoticeKind.EMERGENCY_CREDIT, _USED_UP: NoticeKind.CUT_OFF_AHEAD}.get(after)


def _depth(level: int) -> int:
    return level if level >= 0 else 1_000 - level
