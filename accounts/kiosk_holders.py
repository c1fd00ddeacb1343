"""The holder at a kiosk or a desk without their card, who is known by number and query password."""

from datetime import datetime
from uuid import UUID

from accounts import passwords, people
from accounts.passwords import Claimant
from accounts.people import spelling
from accounts.principals import DevicePrincipal
from accounts.services import AccountsServices
from accounts.vocabulary import PasswordPurpose
from web.problems import ProblemError


class HolderRefusedError(ProblemError):
    """Number and query password do not belong together; which of them is wrong is not said."""

    code = "holder_refused"
    status = 403
    title = "The number or the query password is wrong"


def identify_holder(
    services: AccountsServices, device: DevicePrincipal, number: str, query_password: str, now: datetime
) -> UUID:
    """Check number and query password and return whose they are; no device takes a first password.

    Raises:
        HolderRefusedError, PasswordLockedError, TooManyTriesError: see there.
        PasswordChangeRequiredError: the password is a first one, to be changed in the app.
    """
    key = device.actor
    services.guesses.count_try(key, now)
    with services.database.read() as session:
        person = people.by_number(session, number)
    try:
        checked = services.passwords.require(
            Claimant.named(spelling.number(number), person), PasswordPurpose.QUERY, query_password, source=key, now=now
        )
    except (passwords.PasswordWrongError, passwords.PasswordNotSetError) as error:
        raise HolderRefusedError from error
    if person is None:
        raise HolderRefusedError
    services.guesses.forgive_try(key, now)
    if checked.must_change:
        raise passwords.PasswordChangeRequiredError(purpose=PasswordPurpose.QUERY.value)
    return person.id
