"""The close of a day by a person's hand, which waits while the server's clock is in doubt."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from accounts.ledger import totals
from accounts.payments.services import MoneyServices
from web.problems import ProblemError


class DayEndRefusedError(ProblemError):
    """The day is not over, a later one is closed, or the books do not balance; the detail says which."""

    code = "day_end_refused"
    status = 409
    title = "The day cannot be closed"


def close(services: MoneyServices, day: date, now: datetime) -> Sequence[totals.Total]:
    """Close a day of the campus's calendar and return its totals; again returns the same ones.

    Raises:
        DayEndRefusedError: see there.
    """
    if not services.clock_believed():
        raise DayEndRefusedError("the server's clock is in doubt; set it right, or run: campusgate clock confirm")
    ends_at = datetime.combine(day + timedelta(days=1), time(), services.accounts.zone)
    try:
        return totals.close_day(services.database, day, ends_at, now)
    except totals.DayEndError as error:
        raise DayEndRefusedError(str(error)) from error
