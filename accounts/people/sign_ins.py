"""The sign-ins of people that are running: what each may do now, and ending them.

An access token says who signed in and nothing that could have changed since: whether the sign-in still runs, whether
the account may still be used, and which roles the person has are asked here with every request.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from accounts.people.standing import standing
from accounts.tables import Person, PersonRole, SignIn
from accounts.vocabulary import PersonState, Role
from database import table_of

_SIGN_INS, _PEOPLE, _ROLES = table_of(SignIn), table_of(Person), table_of(PersonRole)
_WITH_ROLES = (
    select(
        _SIGN_INS.c.id,
        _PEOPLE.c.id,
        _SIGN_INS.c.ends_at,
        _PEOPLE.c.state,
        _PEOPLE.c.valid_from,
        _PEOPLE.c.valid_until,
        _ROLES.c.role,
    )
    .select_from(_SIGN_INS.join(_PEOPLE, _PEOPLE.c.id == _SIGN_INS.c.person_id))
    .outerjoin(_ROLES, _ROLES.c.person_id == _PEOPLE.c.id)
    .where(_SIGN_INS.c.id.in_(bindparam("ids", expanding=True)), _SIGN_INS.c.revoked_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class RunningSignIn:
    """A sign-in that was not ended, with what decides at each time what its person may do."""

    ends_at: datetime
    state: PersonState
    valid_from: datetime
    valid_until: datetime | None
    given: frozenset[Role]

    def roles_at(self, now: datetime) -> frozenset[Role] | None:
        """Return what the person may do; None when the sign-in is over or the account may not be used."""
        if now >= self.ends_at or standing(self, now) != "good":
            return None
        return self.given | {Role.HOLDER}


def look_up(session: Session, signed_in: Collection[tuple[UUID, UUID]]) -> Mapping[tuple[UUID, UUID], RunningSignIn]:
    """Return the sign-ins with these ids (of person and sign-in) that were not ended. One query."""
    if not signed_in:
        return {}
    wanted = set(signed_in)
    found: dict[tuple[UUID, UUID], RunningSignIn] = {}
    rows = session.connection().execute(_WITH_ROLES, {"ids": list({sign_in_id for _, sign_in_id in wanted})})
    for sign_in_id, person_id, ends_at, state, valid_from, valid_until, role in rows:
        key = person_id, sign_in_id
        if key in wanted:
            before = found[key].given if key in found else frozenset()
            given = before if role is None else before | {role}
            found[key] = RunningSignIn(ends_at, state, valid_from, valid_until, given)
    return found


def roles_of_many(
    session: Session, signed_in: Collection[tuple[UUID, UUID]], *, now: datetime
) -> dict[tuple[UUID, UUID], frozenset[Role]]:
    """Return what each (person, sign-in) may do now; who may do nothing is left out (`RunningSignIn.roles_at`)."""
    found = {key: one.roles_at(now) for key, one in look_up(session, signed_in).items()}
    return {key: may for key, may in found.items() if may is not None}


def find_running(session: Session, person_id: UUID, *, now: datetime) -> Sequence[SignIn]:
    """Return a person's sign-ins that have not ended, newest first."""
    query = select(SignIn).where(SignIn.person_id == person_id, SignIn.revoked_at.is_(None), SignIn.ends_at > now)
    return session.scalars(query.order_by(SignIn.id.desc())).all()


def end(session: Session, sign_in_id: UUID, *, now: datetime) -> None:
    """End one sign-in; one that has ended, or never was, changes nothing."""
    query = update(SignIn).where(SignIn.id == sign_in_id, SignIn.revoked_at.is_(None))
    session.execute(query.values(revoked_at=now))


def end_all(session: Session, person_id: UUID, *, but: UUID | None = None, now: datetime) -> None:
    """End every sign-in of a person, except one: its tokens and its live pages are refused from the next look on."""
    query = update(SignIn).where(SignIn.person_id == person_id, SignIn.revoked_at.is_(None))
    if but is not None:
        query = query.where(SignIn.id != but)
    session.execute(query.values(revoked_at=now))
