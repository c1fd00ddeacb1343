"""Money of a session that goes back: corrections of the very lines that took it, the holder's before a subsidy's."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.ledger import Entry, Transfer, find, record
from accounts.ledger.tables import Corrected
from accounts.payments import holds, offline_review
from accounts.payments.offline_states import OfflineState
from accounts.payments.problems import require
from accounts.payments.tables import OfflinePayment
from metering.sessions import subsidies
from metering.sessions.tables import WaterSession

_OWED = (OfflineState.UNPAID, OfflineState.WAITING)


def give_back(
    session: Session, row: WaterSession, amount: int, *, ref: UUID, zone: ZoneInfo, by: str, now: datetime
) -> int:
    """Give `amount` fen of a session back, or what can be; return how much. `ref` makes repeating it safe.

    What was charged and not paid yet is let go first, where the whole of it may be. What a subsidy paid goes back to
    its fund, and may be used again in the session's month.

    Raises:
        ProblemError: the ledger refused.
    """
    left = amount
    for late in _late(session, row, _OWED):
        if late.amount <= left:
            offline_review.note_decision(session, late, OfflineState.DECLINED, by=by, now=now)
            left -= late.amount
    for line in _paid_lines(session, row):
        corrected = session.get(Corrected, line.id)
        part = min(left, line.amount - (0 if corrected is None else corrected.amount))
        if part <= 0:
            continue
        transfer = Transfer(
            id=uuid5(ref, f"refund/{line.id}"),
            purpose="refund",
            debit=line.credit,
            credit=line.debit,
            amount=part,
            corrects=line.id,
            details={"session": str(row.id)},
        )
        require(record(session, [transfer], now)[0])
        if line.purpose == subsidies.PURPOSE:
            subsidies.restore(session, row, line, part, zone)
        left -= part
    return amount - left


def _paid_lines(session: Session, row: WaterSession) -> Iterator[Entry]:
    for late in reversed(_late(session, row, (OfflineState.PAID,))):
        if (line := find(session, late.id)) is not None:
            yield line
    if row.hold_id is not None and (line := find(session, holds.post_id(row.hold_id))) is not None:
        yield line
    yield from reversed(subsidies.draws(session, row))


def _late(session: Session, row: WaterSession, states: tuple[OfflineState, ...]) -> list[OfflinePayment]:
    of = [row.id] if row.hold_id is None else [row.id, row.hold_id]
    query = select(OfflinePayment).where(OfflinePayment.hold_id.in_(of), OfflinePayment.state.in_(states))
    return list(session.scalars(query.order_by(OfflinePayment.received_at, OfflinePayment.id).with_for_update()))
