"""The sign-ins of people that are running: what each may do now, and ending them.

An access token says who signed in and nothing that could have changed since: whether the sign-in still runs, whether
the account may still be used, and which roles the person has are asked here with every request.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session, lazyload

from accounts.tables import Person, PersonRole, SignIn
from accounts.vocabulary import Role


def roles(session: Session, person_id: UUID, sign_in_id: UUID, *, now: datetime) -> frozenset[Role] | None:
    """Return what a signed-in person may do now; None when the sign-in has ended or the account may not be used."""
    query = select(Person).join(SignIn, SignIn.person_id == Person.id)
    running = (Person.id == person_id, SignIn.id == sign_in_id, SignIn.revoked_at.is_(None), SignIn.ends_at > now)
    person = session.scalar(query.where(*running).options(lazyload("*")))
    if person is None or not person.is_valid(now):
        return None
    return frozenset(session.scalars(select(PersonRole.role).filter_by(person_id=person_id))) | {Role.HOLDER}


def roles_of_many(
    session: Session, signed_in: Collection[tuple[UUID, UUID]], *, now: datetime
) -> dict[tuple[UUID, UUID], frozenset[Role]]:
    """Return what `roles` would of each (person, sign-in); those that it says None of are left out."""
    wanted = set(signed_in)
    running = (
        SignIn.id.in_([sign_in_id for _, sign_in_id in wanted]),
        SignIn.revoked_at.is_(None),
        SignIn.ends_at > now,
    )
    query = select(SignIn.id, Person).join(Person, Person.id == SignIn.person_id).where(*running)
    people = {row[0]: row[1] for row in session.execute(query.options(lazyload("*")))}
    given: dict[UUID, set[Role]] = {}
    of_people = PersonRole.person_id.in_({person.id for person in people.values()})
    for person_id, role in session.execute(select(PersonRole.person_id, PersonRole.role).where(of_people)):
        given.setdefault(person_id, set()).add(role)
    return {
        (person.id, sign_in_id): frozenset(given.get(person.id, ())) | {Role.HOLDER}
        for sign_in_id, person in people.items()
        if (person.id, sign_in_id) in wanted and person.is_valid(now)
    }


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
