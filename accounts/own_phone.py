"""A signed-in person's own phone number, confirmed by a code that is sent there."""

from datetime import datetime

from accounts import people
from accounts.people import phones
from accounts.principals import Principal
from accounts.services import AccountsServices


def send_code(services: AccountsServices, me: Principal, typed: str, *, now: datetime) -> None:
    """Send a code of six digits to a phone number. At most ten a day, to one phone too.

    Raises:
        PhoneUnavailableError, InvalidPhoneError, PhoneCodePauseError, TooManyTriesError: see there.
        NotFoundError: the person is gone.
    """
    if services.code_sender is None:
        raise phones.PhoneUnavailableError("this campus has not connected a sender of codes")
    phone = phones.normalise(typed)
    # To one phone too: else a handful of accounts could fill a stranger's.
    for limited in (me.actor, f"phone {phone}"):
        services.messages.count_try(limited, now)
    with services.database.begin() as session:
        code = phones.prepare(session, people.get(session, me.person_id, lock=True), phone, now=now)
    services.code_sender.send(phone, code)


def confirm(services: AccountsServices, me: Principal, code: str, *, now: datetime) -> None:
    """Confirm the number with the code that arrived there.

    Raises:
        PhoneCodeWrongError: it is wrong, too old, or was tried too often.
        NotFoundError: the person is gone.
    """
    with services.database.begin() as session:
        confirmed = phones.confirm(session, people.get(session, me.person_id, lock=True), code, now=now)
    # After the commit: a wrong try counts.
    if not confirmed:
        raise phones.PhoneCodeWrongError
