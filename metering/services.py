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
from metering.sessions.service import SessionService
from metering.supply.credits import LedgerCredits
from metering.supply.ports import NotifyResidents, RoomCredits, notify_nobody
from metering.supply.review import SupplyKeeper
from metering.supply.rules import SupplyRules
from web.rate_limits import RateLimiter


@dataclass(frozen=True)
class MeteringServices:
    """Values and ports of metering. `cycle` is how often every meter is read.

    `credits` knows what a room has left (as billing says, where it is None), `notify` writes to its residents.
    `two_persons`: staff cut a room off, and arm it, only two together. `previews` limits how many rooms one person
    looks at, of which the residents' initials are shown.
    """

    money: MoneyServices
    cycle: timedelta = CYCLE
    rules: SupplyRules | None = None
    credits: RoomCredits | None = None
    notify: NotifyResidents = notify_nobody
    two_persons: bool = True
    previews: RateLimiter = field(default_factory=lambda: RateLimiter(60, timedelta(hours=1)))

    @property
    def database(self) -> Database:
        """The database of the accounts."""
        return self.money.database

    @property
    def zone(self) -> ZoneInfo:
        """The campus's time zone: days, months and prices begin by it."""
        return self.money.accounts.zone

    @cached_property
    def sessions(self) -> SessionService:
        """What takes the reports of showers."""
        return SessionService(self.money)

    @cached_property
    def supply(self) -> SupplyKeeper:
        """What keeps the rooms' supply by the campus's rules."""
        rules = self.rules or SupplyRules(zone=self.zone)
        return SupplyKeeper(rules, self.credits or LedgerCredits(self.zone), self.notify)
