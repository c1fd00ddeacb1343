"""What the metering API and pages work with, built once by the rim and put at `app.state.metering`.

app.state.accounts = accounts = AccountsServices(database=…, secret=…)
app.state.money = money = MoneyServices(accounts=accounts, writer=LedgerWriter(database))
app.state.metering = MeteringServices(money=money)
"""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from accounts.payments.services import MoneyServices
from database import Database
from metering.rooms.reader import CYCLE
from metering.supply.credits import LedgerCredits
from metering.supply.ports import NotifyResidents, RoomCredits, notify_nobody
from metering.supply.review import SupplyKeeper
from metering.supply.rules import SupplyRules


@dataclass(frozen=True)
class MeteringServices:
    """Values and ports of metering. `cycle` is how often every meter is read.

    `two_persons`: staff cut a room off, and arm it, only two together. `notify` writes to the residents of a room.
    """

    money: MoneyServices
    cycle: timedelta = CYCLE
    rules: SupplyRules | None = None
    credits: RoomCredits = field(default_factory=LedgerCredits)
    notify: NotifyResidents = notify_nobody
    two_persons: bool = True

    @property
    def database(self) -> Database:
        """The database of the accounts."""
        return self.money.database

    @property
    def zone(self) -> ZoneInfo:
        """The campus's time zone: days, months and prices begin by it."""
        return self.money.accounts.zone

    @cached_property
    def supply(self) -> SupplyKeeper:
        """What keeps the rooms' supply by the campus's rules."""
        return SupplyKeeper(self.rules or SupplyRules(zone=self.zone), self.credits, self.notify)
