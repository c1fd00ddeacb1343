"""A session as one transaction handles it."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from accounts.payments.services import MoneyServices
from accounts.payments.wallet import Terminal
from metering.sessions.places import Placed
from metering.sessions.settings import PlaceSettings
from metering.sessions.tables import WaterSession


@dataclass(frozen=True, slots=True)
class Case:
    """The transaction, the session's row in it, where its controller stands, and the time. The device is locked."""

    session: Session
    services: MoneyServices
    row: WaterSession
    found: Placed
    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        """The campus's."""
        return self.services.accounts.zone

    @property
    def settings(self) -> PlaceSettings:
        """The place's."""
        return self.found.settings

    @property
    def terminal(self) -> Terminal:
        """Who takes the money: the merchant of the session's beginning."""
        return Terminal(self.row.device_id, self.row.merchant_id, self.row.campus)
