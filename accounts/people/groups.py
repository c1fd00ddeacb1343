"""Membership in groups, one person at a time: what gates' rules speak of."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts.people import administration, lookup
from accounts.people.authority import Acting
from accounts.people.particulars import Particulars


def set_membership(
    session: Session, acting: Acting, person_id: UUID, group: str, *, is_member: bool, now: datetime
) -> bool:
    """Take a person into a group or out of it; returns whether that changed anything.

    Raises:
        NotFoundError, InvalidPersonError: there is no such person, or no group can be called so.
        authority.OwnAccountError, authority.AdminRequiredError: whoever acts may not.
    """
    person = lookup.get(session, person_id, lock=True)
    particulars = Particulars(
        number=person.number,
        name=person.name,
        kind=person.kind,
        department=person.department,
        groups=person.groups | {group} if is_member else person.groups - {group},
        valid_from=person.valid_from,
        valid_until=person.valid_until,
    )
    return administration.change(session, acting, person_id, particulars, now=now)[1]
