"""What a room has left, as billing knows it at this moment."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from metering.billing.credit import find_credit
from metering.billing.tables import RoomBilling
from metering.billing.top_up import find_last_payment
from metering.supply.decision import Credit


@dataclass(frozen=True)
class LedgerCredits:
    """The balance of a room's account less what was read since its last charge; `zone` is the campus's.

    A room that is not billed, or in which nobody lives, has none.
    """

    zone: ZoneInfo

    def find(self, session: Session, room_id: UUID, now: datetime) -> Credit | None:
        """Return a room's credit at `now`."""
        if session.get(RoomBilling, room_id) is None:
            return None
        found = find_credit(session, room_id, now, self.zone)
        if found.is_vacant:
            return None
        return Credit(found.available, found.has_quota, find_last_payment(session, room_id))
