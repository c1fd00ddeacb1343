"""A password set for somebody who forgot theirs, as API and pages both do it."""

from datetime import datetime
from uuid import UUID

from accounts import passwords, people
from accounts.people import authority, notices, sign_ins
from accounts.principals import Principal
from accounts.services import AccountsServices
from accounts.vocabulary import PasswordPurpose


def reset_password(
    services: AccountsServices, acting: Principal, person_id: UUID, purpose: PasswordPurpose, *, now: datetime
) -> str:
    """Set a random password and return it, to be shown this once; it must be changed at first use. The person is told.

    A new portal password ends their sign-ins. Takes a processor's turn: call it in a route with `HASHING`.

    Raises:
        NotFoundError: there is no such person.
        authority.OwnAccountError, authority.AdminRequiredError: whoever acts may not.
    """
    with services.database.read() as session:
        authority.require(session, acting, people.get(session, person_id).id)
    password = passwords.make_temporary(purpose)
    hashed = services.hasher.hash(password)
    with services.database.begin() as session:
        person = authority.get_to_change(session, acting, person_id)
        passwords.store(session, person.id, {purpose: hashed}, must_change=True, by=acting.actor, now=now)
        if purpose is PasswordPurpose.PORTAL:
            sign_ins.end_all(session, person.id, now=now)
        services.notify(session, person.id, notices.RESET[purpose], now=now)
    return password
