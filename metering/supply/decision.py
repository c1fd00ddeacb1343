"""What a room's supply should be: pure. Grounds for a cut-off begin and end; from those that stand follows the order.

A ground is not yet a cut-off: one for money waits while nobody is to be cut off. Once it was carried out it stands,
also at night, until what ends it has happened.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from metering.supply.rules import (
    TRIP_RULES,
    SupplyRules,
    find_curfew_end,
    find_cut_time,
    find_quiet_start,
    is_cut_put_off,
)
from metering.vocabulary import MeterAction, SupplyState, TripReason

_COLD_AGAIN = timedelta(hours=1)
"""How soon to look again while it is too cold."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A reason for which a room is to have no supply. `until`: it ends by itself then; `None`: something ends it."""

    reason: TripReason
    began_at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Credit:
    """A room's money. `has_quota`: free energy is left, so nothing is charged yet. `paid_at`: the last top-up."""

    balance_fen: int
    has_quota: bool = False
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """What is known of a room; `credit` is `None` where it pays nothing, `residents` where nobody keeps a list."""

    credit: Credit | None
    residents: int | None = None
    is_curfew_exempt: bool = False


@dataclass(frozen=True, slots=True)
class GroundChanges:
    """Which grounds begin and which end now."""

    begun: tuple[Ground, ...] = ()
    ended: tuple[TripReason, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What to tell a meter now, if anything, and why.

    `put_off_until`: a cut-off waits until then. `look_again_at`: when time alone may change the decision.
    """

    action: MeterAction | None = None
    reason: TripReason | None = None
    expires_at: datetime | None = None
    put_off_until: datetime | None = None
    look_again_at: datetime | None = None


def update_grounds(grounds: Collection[Ground], facts: RoomFacts, rules: SupplyRules, now: datetime) -> GroundChanges:
    """Return which grounds begin and end by money, time and residents; those of staff and of load begin elsewhere."""
    standing = {ground.reason: ground for ground in grounds}
    ended = [ground.reason for ground in grounds if ground.until is not None and ground.until <= now]
    begun: list[Ground] = []
    for reason, holds in (
        (TripReason.NO_CREDIT, _has_no_credit(facts.credit, rules, is_known=TripReason.NO_CREDIT in standing)),
        (TripReason.VACANT, facts.residents == 0),
    ):
        if holds and reason not in standing:
            begun.append(Ground(reason, now))
        elif not holds and reason in standing:
            ended.append(reason)
    curfew_end = None if facts.is_curfew_exempt else find_curfew_end(rules, now)
    if curfew_end is not None and TripReason.CURFEW not in standing:
        begun.append(Ground(TripReason.CURFEW, now, curfew_end))
    elif curfew_end is None and TripReason.CURFEW in standing and TripReason.CURFEW not in ended:
        ended.append(TripReason.CURFEW)
    return GroundChanges(tuple(begun), tuple(ended))


def begin_overload(earlier: Sequence[datetime], rules: SupplyRules, now: datetime) -> Ground:
    """Return the ground of an overload at `now`; `earlier`: when the room tripped for it since staff last lifted one.

    It ends by itself after a pause, unless it is one of too many in a row: then staff lift it on a written request.
    """
    in_a_row, last = 1, now
    for at in sorted(earlier, reverse=True):
        if last - at > rules.overload_row:
            break
        in_a_row, last = in_a_row + 1, at
    is_last = in_a_row >= rules.overload_trips
    return Ground(TripReason.OVERLOAD, now, None if is_last else now + rules.overload_pause)


def decide(
    grounds: Collection[Ground],
    supply: SupplyState,
    *,
    restored_by: MeterAction | None,
    temperature_c: int | None,
    rules: SupplyRules,
    now: datetime,
) -> Decision:
    """Return what to tell a meter whose relay is in the state `supply`.

    `restored_by`: how the cut-offs end that stand no more (see `find_restoring`), `None` where this server cut nothing
    off. An order for money expires before the quiet hours begin.
    """
    urgent = [ground for ground in grounds if not TRIP_RULES[ground.reason].is_put_off]
    is_put_off = not urgent and is_cut_put_off(rules, now, temperature_c)
    again = min((ground.until for ground in grounds if ground.until is not None), default=None)
    if not grounds:
        return _restore(supply, restored_by, rules, now)
    if supply is SupplyState.OFF:
        return Decision(look_again_at=again)
    if is_put_off:
        until = find_cut_time(rules, now)
        until = until if until > now else now + _COLD_AGAIN
        return Decision(reason=_first(grounds).reason, put_off_until=until, look_again_at=until)
    expires_at = now + rules.order_life
    if not urgent:
        expires_at = min(expires_at, find_quiet_start(rules, now))
    return Decision(MeterAction.TRIP, _first(urgent or grounds).reason, expires_at, look_again_at=again)


def find_restoring(ended: Collection[TripReason]) -> MeterAction:
    """Return how supply comes back when the cut-offs for all of these are over: armed if any of them asks for it."""
    actions = {TRIP_RULES[reason].restored_by for reason in ended}
    return MeterAction.CLOSE if actions == {MeterAction.CLOSE} else MeterAction.ARM


def find_needed_fen(credit: Credit) -> int:
    """Return the least top-up (fen) after which a room without credit is armed again: above zero, debts repaid."""
    return max(0, 1 - credit.balance_fen)


def _restore(supply: SupplyState, restored_by: MeterAction | None, rules: SupplyRules, now: datetime) -> Decision:
    # a relay that is open although nothing stands against it is never closed over the resident's head
    action = restored_by or (MeterAction.ARM if supply is SupplyState.OFF else None)
    is_there = supply is SupplyState.ON or (supply is SupplyState.ARMED and action is not MeterAction.CLOSE)
    if action is None or is_there:
        return Decision()
    return Decision(action, None, now + rules.order_life)


def _has_no_credit(credit: Credit | None, rules: SupplyRules, *, is_known: bool) -> bool:
    if credit is None or credit.has_quota:
        return False
    # what was lent for an emergency is lent once: when it is used up, only a balance above zero helps
    return credit.balance_fen <= (0 if is_known else -rules.emergency_fen)


def _first(grounds: Collection[Ground]) -> Ground:
    return min(grounds, key=lambda ground: (ground.began_at, ground.reason))
