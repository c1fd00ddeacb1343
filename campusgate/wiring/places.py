"""The gates and merchants that a device may stand at."""

from uuid import UUID

from sqlalchemy.orm import Session

from accounts.payments.tables import Merchant
from directory.tables import GateRecord


class CampusPlaces:
    """Asks the directory and the payments."""

    def has_gate(self, session: Session, name: str) -> bool:
        """Whether there is a gate of this name."""
        return session.get(GateRecord, name) is not None

    def has_merchant(self, session: Session, merchant_id: UUID) -> bool:
        """Whether there is such a merchant."""
        return session.get(Merchant, merchant_id) is not None
