"""What the administration does to an account, as API and pages both do it: with authority, and the person told."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import audit
from accounts.people import authority, notices, registry
from accounts.people.authority import Acting
from accounts.people.notices import Notify
from accounts.people.particulars import Particulars
from accounts.tables import Person
from accounts.vocabulary import PersonState, Role


def change(
    session: Session, acting: Acting, person_id: UUID, particulars: Particulars, *, now: datetime
) -> tuple[Person, bool]:
    """Bring a person to `particulars`; returns them and whether anything changed.

    Raises:
        NotFoundError, registry.NumberTakenError: see there.
        authority.OwnAccountError, authority.AdminRequiredError: whoever acts may not.
    """
    person = authority.get_to_change(session, acting, person_id)
    return person, registry.update(session, person, particulars, by=_actor(acting), now=now)


def set_state(
    session: Session, acting: Acting, person_id: UUID, state: PersonState, *, reason: str, notify: Notify, now: datetime
) -> Person:
    """Suspend an account, release it, or close it for good. Every sign-in of the person ends; they are told.

    Raises:
        NotFoundError, registry.AccountClosedError: see there.
        authority.OwnAccountError, authority.AdminRequiredError: whoever acts may not.
    """
    person = authority.get_to_change(session, acting, person_id)
    changed = registry.set_state(session, person, state, by=_actor(acting), now=now, reason=reason)
    if changed and state in notices.STATE:
        notify(session, person_id, notices.STATE[state], now=now)
    return person


def set_roles(
    session: Session, acting: Acting, person_id: UUID, roles: Collection[Role], *, notify: Notify, now: datetime
) -> Person:
    """Give a person exactly these roles; they count at once. Every sign-in of the person ends; they are told.

    Raises:
        NotFoundError: there is no such person.
        authority.OwnAccountError, authority.AdminRequiredError: whoever acts may not.
    """
    person = authority.get_to_change(session, acting, person_id)
    if registry.set_roles(session, person, roles, by=_actor(acting), now=now):
        notify(session, person_id, notices.AccountNotice.ROLES_CHANGED, now=now)
    return person


def _actor(acting: Acting) -> str:
    return audit.person_actor(acting.person_id)
