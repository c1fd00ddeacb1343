"""A signed-in person's own spending limits, changed with their consumption password."""

from datetime import datetime

from accounts.own_passwords import require_own_password
from accounts.payments import limits
from accounts.payments.limits import Limits
from accounts.payments.services import MoneyServices
from accounts.principals import Principal
from accounts.vocabulary import PasswordPurpose


def change_own_limits(
    services: MoneyServices, me: Principal, wanted: Limits, consumption_password: str, *, now: datetime
) -> None:
    """Set what the signed-in person spends without the consumption password.

    Raises:
        PasswordWrongError, PasswordLockedError, PasswordNotSetError, PasswordChangeRequiredError: the consumption one.
    """
    require_own_password(services.accounts, me, PasswordPurpose.CONSUMPTION, consumption_password, now=now)
    with services.database.begin() as session:
        limits.change(session, me.person_id, wanted, by=me.actor, now=now)
