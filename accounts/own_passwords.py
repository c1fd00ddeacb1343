"""A signed-in person's own passwords: checked, and changed by whoever knows the present one."""

from datetime import datetime

from accounts import passwords, people
from accounts.passwords import Claimant
from accounts.people.notices import AccountNotice
from accounts.principals import Principal
from accounts.services import AccountsServices
from accounts.sign_in.service import change_password
from accounts.vocabulary import PasswordPurpose


def check_own_password(
    services: AccountsServices, me: Principal, purpose: PasswordPurpose, attempt: str, *, now: datetime
) -> passwords.Checked:
    """Check a password of the signed-in person; wrong tries count for this sign-in, which strangers do not have.

    Raises:
        PasswordWrongError, PasswordLockedError, PasswordNotSetError: see there.
    """
    source = f"sign-in {me.sign_in_id}"
    return services.passwords.require(Claimant.known(me.person_id), purpose, attempt, source=source, now=now)


def require_own_password(
    services: AccountsServices, me: Principal, purpose: PasswordPurpose, attempt: str, *, now: datetime
) -> None:
    """Check a password of the signed-in person that opens something; a first one must be changed before.

    Raises:
        PasswordWrongError, PasswordLockedError, PasswordNotSetError: as `check_own_password`.
        PasswordChangeRequiredError: it is a first one.
    """
    if check_own_password(services, me, purpose, attempt, now=now).must_change:
        address = f"PUT /api/v1/me/passwords/{purpose.value}"
        raise passwords.PasswordChangeRequiredError(address, purpose=purpose.value)


def change_own_password(
    services: AccountsServices, me: Principal, purpose: PasswordPurpose, *, current: str, new: str, now: datetime
) -> None:
    """Replace the `current` password of the signed-in person by `new`; a new portal password ends other sign-ins.

    Raises:
        PasswordWrongError, PasswordLockedError, PasswordNotSetError: `current` is not accepted.
        WeakPasswordError: `new` is too easy to guess.
        NotFoundError: the person is gone.
    """
    check_own_password(services, me, purpose, current, now=now)
    with services.database.read() as session:
        number = people.get(session, me.person_id).number
    passwords.require_strong(purpose, new, current=current, number=number)
    hashed = services.hasher.hash(new)
    with services.database.begin() as session:
        person = people.get(session, me.person_id)
        change_password(session, person, purpose, hashed, by=me.actor, keep=me.sign_in_id, now=now)
        if purpose is PasswordPurpose.PORTAL:
            services.notify(session, me.person_id, AccountNotice.PORTAL_CHANGED, now=now)
