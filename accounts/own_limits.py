"""A signed-in person's own spending limits, changed with their consumption password."""

from datetime import datetime

from accounts.own_passwords import check_own_password
from accounts.passwords import PasswordChangeRequiredError
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
    purpose = PasswordPurpose.CONSUMPTION
    if check_own_password(services.accounts, me, purpose, consumption_password, now=now).must_change:
        raise PasswordChangeRequiredError("PUT /api/v1/me/passwords/consumption", purpose=purpose.value)
    with services.database.begin() as session:
        limits.change(session, me.person_id, wanted, by=me.actor, now=now)
