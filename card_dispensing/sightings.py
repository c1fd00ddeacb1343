"""How the dispensers of the kiosks are: told by their processes, asked before anybody waits for a card, and watched."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from accounts.tables import Device
from accounts.vocabulary import DeviceRole
from card_dispensing.contract import Fault, IssueState, Stacker, StatusIn
from card_dispensing.tables import CardIssue, DispenserSighting
from web.problems import ProblemError

SILENT_AFTER: Final = timedelta(seconds=60)
"""Several times as long as its process takes to say something."""
UNDECIDED_AFTER: Final = timedelta(minutes=5)
"""A card that is booked is handed out, or its booking reversed, within seconds."""
FAILED_WITHIN: Final = timedelta(minutes=30)
"""A dispenser that works again after a card was lost in it must still be looked at."""
SILENT: Final = "dispenser_silent"
UNDECIDED: Final = "card_undecided"
GONE: Final = "card_gone"
"""A booked card is not in the machine any more, and nobody saw it leave: until somebody settles it."""
FEE_KEPT: Final = "fee_not_returned"
"""A booking was reversed, and the wallet did not take the fee back: somebody must give it back."""
FEE_RETURNED: Final = "fee_returned"
"""Somebody has given it back since."""
_FEE_WATCHED: Final = timedelta(days=7)
"""Whatever else happens to the dispenser: the counter may be shut for some days."""
_LOOKED_AT: Final = (
    Fault.NO_ANSWER.value,
    Fault.JAM.value,
    Fault.MOVED_BY_HAND.value,
    Fault.CARD_MISSING.value,
    Fault.UNREADABLE.value,
    Fault.DEFECT.value,
)
"""What somebody must look at although the dispenser works again."""


class DispenserNotReadyError(ProblemError):
    """The kiosk hands out no cards now; `reason` says why."""

    code = "card_dispenser_not_ready"
    status = 409
    title = "This kiosk hands out no cards at the moment"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What must be looked at: at which kiosk, and what it is."""

    kiosk: str
    reason: str


@dataclass(frozen=True, slots=True)
class Troubles:
    """What must be looked at, by what somebody does about it."""

    faults: Sequence[Trouble]
    cards: Sequence[Trouble]
    bins: Sequence[Trouble]


def note(session: Session, dispenser_id: UUID, status: StatusIn, now: datetime) -> None:
    """Keep how a dispenser is."""
    seen = session.get(DispenserSighting, dispenser_id)
    if seen is None:
        seen = DispenserSighting(device_id=dispenser_id)
        session.add(seen)
    if status.stacker is not None or seen.stacker is None:
        seen.stacker = None if status.stacker is None else status.stacker.value
        seen.is_bin_full = status.is_bin_full
    seen.fault = None if status.fault is None else status.fault.value
    seen.seen_at = now


def find_last_seen(session: Session) -> dict[UUID, datetime]:
    """Return when each dispenser last told how it is, by its id."""
    return {row.device_id: row.seen_at for row in session.scalars(select(DispenserSighting))}


def find_dispenser(session: Session, kiosk_id: UUID) -> Device | None:
    """Return the dispenser that stands in a kiosk, the newest where several do, or None."""
    query = select(Device).where(
        Device.kiosk_id == kiosk_id, Device.role == DeviceRole.DISPENSER, Device.revoked_at.is_(None)
    )
    return session.scalar(query.order_by(Device.id.desc()).limit(1))


def find_unreadiness(session: Session, dispenser_id: UUID, now: datetime) -> str | None:
    """Return why a dispenser hands out no cards now, or None where it does."""
    seen = session.get(DispenserSighting, dispenser_id)
    if seen is None or abs(now - seen.seen_at) > SILENT_AFTER:
        return SILENT
    if seen.fault is not None:
        return seen.fault
    if seen.stacker in (None, Stacker.EMPTY.value):
        return Fault.NO_CARDS.value
    return Fault.BIN_FULL.value if seen.is_bin_full else None


def find_troubles(session: Session, now: datetime) -> Troubles:
    """Return what is wrong with dispensers whose tokens are good."""
    kiosk = aliased(Device)
    query = (
        select(Device.id, kiosk.id, kiosk.name, DispenserSighting)
        .join(kiosk, kiosk.id == Device.kiosk_id)
        .outerjoin(DispenserSighting, DispenserSighting.device_id == Device.id)
        .where(Device.role == DeviceRole.DISPENSER, Device.revoked_at.is_(None), kiosk.revoked_at.is_(None))
        .order_by(kiosk.name)
    )
    faults: list[Trouble] = []
    cards: list[Trouble] = []
    bins: list[Trouble] = []
    for dispenser_id, kiosk_id, name, seen in session.execute(query):
        reason = _find_fault(session, dispenser_id, seen, now)
        if reason is not None:
            faults.append(Trouble(name, reason))
        if _lacks_card(session, kiosk_id):
            faults.append(Trouble(name, GONE))
        if _keeps_fee(session, dispenser_id, now):
            faults.append(Trouble(name, FEE_KEPT))
        if seen is None:
            continue
        if seen.stacker in (Stacker.EMPTY.value, Stacker.FEW.value):
            low = Fault.NO_CARDS.value if seen.stacker == Stacker.EMPTY.value else "few_cards"
            cards.append(Trouble(name, low))
        if seen.is_bin_full:
            bins.append(Trouble(name, Fault.BIN_FULL.value))
    return Troubles(faults, cards, bins)


def _lacks_card(session: Session, kiosk_id: UUID) -> bool:
    gone = select(CardIssue.id).where(CardIssue.kiosk_id == kiosk_id, CardIssue.state == IssueState.UNCLEAR.value)
    return session.scalar(gone.limit(1)) is not None


def _keeps_fee(session: Session, dispenser_id: UUID, now: datetime) -> bool:
    kept = select(CardIssue.id).where(
        CardIssue.dispenser_id == dispenser_id, CardIssue.problem == FEE_KEPT, CardIssue.ended_at > now - _FEE_WATCHED
    )
    return session.scalar(kept.limit(1)) is not None


def _find_fault(session: Session, dispenser_id: UUID, seen: DispenserSighting | None, now: datetime) -> str | None:
    mine = CardIssue.dispenser_id == dispenser_id
    late = CardIssue.booked_at <= now - UNDECIDED_AFTER
    if session.scalar(select(CardIssue.id).where(mine, CardIssue.state == IssueState.BOOKED.value, late)) is not None:
        return UNDECIDED
    if seen is None or abs(now - seen.seen_at) > SILENT_AFTER:
        return SILENT
    if seen.fault is not None:
        return seen.fault
    lately = select(CardIssue.problem).where(
        mine, CardIssue.ended_at > now - FAILED_WITHIN, CardIssue.problem.in_(_LOOKED_AT)
    )
    return session.scalar(lately.order_by(CardIssue.ended_at.desc()).limit(1))
