"""Top-up by the static code on a wall: whoever scans it names the person by number and name, and needs no sign-in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts import people
from accounts.payments.services import MoneyServices
from accounts.topup import orders
from accounts.topup.orders import TopUpRequest
from accounts.topup.tables import TopUpOrder
from web.problems import ProblemError


class PayeeUnknownError(ProblemError):
    """Number and name do not belong together; which of them is wrong is not said."""

    code = "payee_unknown"
    status = 404
    title = "Number or name is wrong"


@dataclass(frozen=True, slots=True)
class ScannedTopUp:
    """What somebody asks for: the person by number and name as they type them, and the rest as of `TopUpRequest`."""

    id: UUID
    number: str
    name: str
    channel: str
    amount: int
    payer: str | None = None


def create(
    services: MoneyServices, wanted: ScannedTopUp, network: str, now: datetime
) -> tuple[TopUpOrder, Mapping[str, str]]:
    """Open a top-up for the person with this number and name, and return it with what the payer's app needs.

    Raises:
        PayeeUnknownError, TooManyTriesError: see there.
        ProblemError: as `orders.create`.
    """
    key = f"scan-top-up {network}"
    services.accounts.guesses.count_try(key, now)
    with services.database.read() as session:
        person = people.by_number(session, wanted.number)
        known = person is not None and people.is_called(person, wanted.name)
    if person is None or not known:
        raise PayeeUnknownError
    services.accounts.guesses.forgive_try(key, now)
    request = TopUpRequest(wanted.id, person.id, wanted.channel, wanted.amount, payer=wanted.payer)
    return orders.create(services, request, now)
