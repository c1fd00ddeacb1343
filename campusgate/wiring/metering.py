"""From the server's parts to the services of metering."""

from accounts.payments.services import MoneyServices
from metering.services import MeteringServices


def make_metering(money: MoneyServices) -> MeteringServices:
    """Return the services of showers, rooms and meters."""
    return MeteringServices(money=money)
