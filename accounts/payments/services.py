"""What payments and top-up work with, built once by the rim and put at `app.state.money`.

app.state.accounts = accounts = AccountsServices(database=…, secret=…)
app.state.money = MoneyServices(accounts=accounts, writer=LedgerWriter(database), channels={"wechat": …})
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from accounts.ledger.writer import LedgerWriter
from accounts.payment_channels.channel import ChannelNotConnectedError, PaymentChannel
from accounts.payments.ceilings import Ceilings
from accounts.payments.limits import MEALS, Limits, MealPeriod
from accounts.services import AccountsServices
from database import Database
from web.rate_limits import RateLimiter


@dataclass(frozen=True)
class MoneyServices:
    """Values and ports of everything that moves money."""

    accounts: AccountsServices
    writer: LedgerWriter
    meals: tuple[MealPeriod, ...] = MEALS
    default_limits: Limits = field(default_factory=Limits)
    ceilings: Ceilings = field(default_factory=Ceilings)
    channels: Mapping[str, PaymentChannel] = field(default_factory=dict)
    scans: RateLimiter = field(default_factory=lambda: RateLimiter(600, timedelta(minutes=5)))
    """Payments that may be opened by merchants' codes from one network: a canteen's guests share an address."""
    clock_believed: Callable[[], bool] = lambda: True
    """Whether a day may be closed by the server's clock."""

    @property
    def database(self) -> Database:
        """The database of the accounts."""
        return self.accounts.database

    def channel(self, name: str) -> PaymentChannel:
        """Return a connected channel.

        Raises:
            ChannelNotConnectedError: it is none.
        """
        try:
            return self.channels[name]
        except KeyError:
            raise ChannelNotConnectedError from None
