"""What a room has left, from its account in the ledger and from its last charge."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import ledger
from metering.billing.tables import RoomBilling, RoomCharge
from metering.supply.decision import Credit


class LedgerCredits:
    """The balance of a room's account. A room that is not billed has none; one whose last use was free has quota."""

    def find(self, session: Session, room_id: UUID, now: datetime) -> Credit | None:
        """Return a room's credit as it is charged so far."""
        del now
        if session.get(RoomBilling, room_id) is None:
            return None
        last = session.scalars(
            select(RoomCharge)
            .where(RoomCharge.room_id == room_id, RoomCharge.withdrawn_at.is_(None))
            .order_by(RoomCharge.day.desc())
            .limit(1)
        ).first()
        has_quota = last is not None and last.wh > 0 and last.fen == 0
        return Credit(ledger.account(session, room_id).balance, has_quota)
