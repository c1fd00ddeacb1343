"""Who may act for whom: the one rule of every route on which staff change something of another person's.

Nobody acts for themselves in the name of their office, and what belongs to somebody who has a role is changed by
administrators only: else whoever resets a password, issues a card or gives a pass could become that person.
"""

from typing import Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.people import lookup
from accounts.tables import Person, PersonRole
from accounts.vocabulary import Role
from web.problems import ProblemError


class OwnAccountError(ProblemError):
    """Staff do not act for themselves in the name of their office; what everyone may do for themselves is under /me."""

    code = "own_account"
    status = 403
    title = "Somebody else must do this for you"


class AdminRequiredError(ProblemError):
    """What belongs to a person with a role is changed by an administrator only."""

    code = "admin_required"
    status = 403
    title = "This person is a member of staff with a role: only an administrator does this"


class Acting(Protocol):
    """A signed-in person, with the roles they have now."""

    @property
    def person_id(self) -> UUID:
        """Who acts."""
        ...

    @property
    def roles(self) -> frozenset[Role]:
        """What they may do."""
        ...


def require_another(acting: Acting, person_id: UUID | None) -> None:
    """Check that nobody acts for themselves; None, for what belongs to nobody that is known, is nobody's own.

    Raises:
        OwnAccountError: they do.
    """
    if acting.person_id == person_id:
        raise OwnAccountError


def require(session: Session, acting: Acting, person_id: UUID) -> None:
    """Check that a member of staff may change what belongs to a person, in the transaction of the change.

    Raises:
        OwnAccountError: it is their own.
        AdminRequiredError: the person has a role, and whoever acts is no administrator.
    """
    require_another(acting, person_id)
    has_role = select(PersonRole.role).where(PersonRole.person_id == person_id).limit(1)
    if Role.ADMIN not in acting.roles and session.scalar(has_role) is not None:
        raise AdminRequiredError


def get_to_change(session: Session, acting: Acting, person_id: UUID) -> Person:
    """Return a person whom a member of staff may change, locked against other writers.

    Raises:
        NotFoundError: there is no such person.
        OwnAccountError, AdminRequiredError: as `require`.
    """
    person = lookup.get(session, person_id, lock=True)
    require(session, acting, person_id)
    return person


ERRORS = (OwnAccountError, AdminRequiredError)
