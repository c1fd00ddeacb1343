"""Finding people: by id, by number however it was typed, by what a list is filtered for."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import Session

from accounts.people import spelling
from accounts.people.particulars import is_number
from accounts.tables import Person, PersonGroup, PersonRole
from accounts.vocabulary import PersonKind, PersonState, Role
from web.problems import NotFoundError

_MOST_NAMED = 500
"""In one query: SQLite takes 32,766 parameters, and a plan is made for each number of them."""


def get(session: Session, person_id: UUID, *, lock: bool = False) -> Person:
    """Return a person, locked against other writers if `lock`.

    Raises:
        NotFoundError: there is none.
    """
    person = session.get(Person, person_id, with_for_update=True if lock else None)
    if person is None:
        raise NotFoundError("there is no person with this id")
    return person


def by_number(session: Session, number: str) -> Person | None:
    """Return the person with this number, however it was typed, or None."""
    spelled = spelling.number(number)
    return session.scalar(select(Person).where(Person.number == spelled)) if is_number(spelled) else None


def is_called(person: Person, name: str) -> bool:
    """Return whether this is the person's name, however it was typed."""
    return spelling.name(person.name).casefold() == spelling.name(name).casefold()


def by_numbers(session: Session, numbers: Collection[str]) -> dict[str, Person]:
    """Return the people with these numbers, by number."""
    found: dict[str, Person] = {}
    wanted = sorted(number for number in numbers if is_number(number))
    for start in range(0, len(wanted), _MOST_NAMED):
        rows = session.scalars(select(Person).where(Person.number.in_(wanted[start : start + _MOST_NAMED])))
        found.update((person.number, person) for person in rows)
    return found


def by_ids(session: Session, person_ids: Collection[UUID]) -> dict[UUID, Person]:
    """Return the people with these ids, by id."""
    found: dict[UUID, Person] = {}
    wanted = sorted(person_ids)
    for start in range(0, len(wanted), _MOST_NAMED):
        rows = session.scalars(select(Person).where(Person.id.in_(wanted[start : start + _MOST_NAMED])))
        found.update((person.id, person) for person in rows)
    return found


def find(
    session: Session,
    *,
    after: UUID | None = None,
    limit: int = 50,
    search: str | None = None,
    kind: PersonKind | None = None,
    state: PersonState | None = None,
    department: str | None = None,
    group: str | None = None,
    role: Role | None = None,
    among: ColumnElement[bool] | None = None,
) -> Sequence[Person]:
    """Return people in the order they were made; `search` is the beginning of a number or a part of a name.

    `among` is a condition on people that another room knows of.
    """
    query = select(Person).order_by(Person.id).limit(limit)
    if after is not None:
        query = query.where(Person.id > after)
    if search and "\0" in search:
        # Nobody is called so, and PostgreSQL refuses to look for it.
        query = query.where(false())
    elif search:
        number, name = _pattern(spelling.number(search)), _pattern(spelling.name(search))
        query = query.where(
            or_(Person.number.like(f"{number}%", escape="\\"), Person.name.like(f"%{name}%", escape="\\"))
        )
    if kind is not None:
        query = query.where(Person.kind == kind)
    if state is not None:
        query = query.where(Person.state == state)
    if department is not None:
        query = query.where(Person.department == department)
    if group is not None:
        query = query.where(Person.id.in_(select(PersonGroup.person_id).where(PersonGroup.name == group)))
    if role is not None:
        query = query.where(Person.id.in_(select(PersonRole.person_id).where(PersonRole.role == role)))
    if among is not None:
        query = query.where(among)
    return session.scalars(query).all()


def find_groups(session: Session, *, limit: int = 200) -> Sequence[str]:
    """Return the names of groups that people are in."""
    return session.scalars(select(PersonGroup.name).distinct().order_by(PersonGroup.name).limit(limit)).all()


def find_departments(session: Session, *, limit: int = 200) -> Sequence[str]:
    """Return the departments that people are of."""
    query = select(Person.department).where(Person.department != "").distinct()
    return session.scalars(query.order_by(Person.department).limit(limit)).all()


def _pattern(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
