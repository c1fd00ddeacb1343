"""People: one account each, made, changed, suspended, closed. Every change is noted for the gates and audited."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from accounts import audit
from accounts.ledger import chart
from accounts.ledger.transfer import AccountKind, AccountState
from accounts.people import changes, sign_ins
from accounts.people.particulars import Particulars
from accounts.tables import Person, PersonGroup, PersonRole
from accounts.vocabulary import PersonState, Role
from database import new_id
from web.problems import ProblemError


class NumberTakenError(ProblemError):
    """Another person has this number."""

    code = "number_taken"
    status = 409
    title = "Another person has this number"


class AccountClosedError(ProblemError):
    """The account is closed; only its history remains."""

    code = "account_closed"
    status = 409
    title = "The account is closed"


def create(session: Session, particulars: Particulars, *, by: str, now: datetime) -> Person:
    """Open an account, with an empty wallet under the same id.

    Raises:
        NumberTakenError: another person has the number.
    """
    if session.scalar(select(Person.id).where(Person.number == particulars.number)) is not None:
        raise NumberTakenError
    person = Person(number=particulars.number, created_at=now, state=PersonState.ACTIVE)
    _write(person, particulars, now)
    session.add(person)
    try:
        session.flush()
    except IntegrityError as error:
        raise NumberTakenError from error
    chart.open_account(session, person.id, AccountKind.WALLET, now)
    _note(session, person, "person.create", by, now)
    return person


def create_many(session: Session, given: Sequence[Particulars], *, by: str, now: datetime) -> list[Person]:
    """Open accounts as `create` does, some hundred with a few statements.

    Raises:
        NumberTakenError: one of the numbers is another person's.
    """
    made = []
    for particulars in given:
        person = Person(id=new_id(), number=particulars.number, created_at=now, state=PersonState.ACTIVE)
        _write(person, particulars, now)
        made.append(person)
    if not made:
        return made
    session.add_all(made)
    try:
        session.flush()
    except IntegrityError as error:
        raise NumberTakenError from error
    chart.open_wallets(session, [person.id for person in made], now)
    changes.record(session, *(person.id for person in made))
    subjects = [f"person:{person.id}" for person in made]
    audit.record_many(session, actor=by, action="person.create", subjects=subjects, now=now)
    return made


def update(session: Session, person: Person, particulars: Particulars, *, by: str, now: datetime) -> bool:
    """Bring `person` to `particulars`; returns whether anything changed.

    Raises:
        NumberTakenError: the new number is another person's.
    """
    changed = particulars.differences(person)
    if not changed:
        return False
    if "number" in changed:
        if session.scalar(select(Person.id).where(Person.number == particulars.number)) is not None:
            raise NumberTakenError
        person.number = particulars.number
    _write(person, particulars, now)
    try:
        session.flush()
    except IntegrityError as error:
        raise NumberTakenError from error
    _note(session, person, "person.update", by, now, fields=sorted(changed))
    return True


def set_state(
    session: Session, person: Person, state: PersonState, *, by: str, now: datetime, reason: str = ""
) -> bool:
    """Suspend, release or close an account with its wallet; returns whether anything changed. Its sign-ins end.

    A suspended wallet takes only the resolution of what was pending. A closed account stays closed; its wallet is
    closed too, or where there is money left, suspended until that is paid out at the counter.

    Raises:
        AccountClosedError: the account is closed.
    """
    if person.state is state:
        return False
    if person.state is PersonState.CLOSED:
        raise AccountClosedError
    person.state = state
    person.updated_at = now
    sign_ins.end_all(session, person.id, now=now)
    match state:
        case PersonState.CLOSED:
            chart.close_or_suspend(session, person.id)
        case PersonState.SUSPENDED:
            chart.set_state(session, person.id, AccountState.SUSPENDED)
        case PersonState.ACTIVE:
            chart.set_state(session, person.id, AccountState.ACTIVE)
    _note(session, person, f"person.{_STATE_ACTIONS[state]}", by, now, reason=reason)
    return True


def set_roles(session: Session, person: Person, roles: Collection[Role], *, by: str, now: datetime) -> bool:
    """Give exactly `roles` (beside holder, which everyone has); returns whether anything changed. Sign-ins end."""
    wanted = frozenset(roles) | {Role.HOLDER}
    if wanted == person.roles:
        return False
    before = person.roles
    person.role_rows = _kept(person.role_rows, wanted - {Role.HOLDER}, lambda row: row.role, _role)
    session.flush()
    sign_ins.end_all(session, person.id, now=now)
    details: dict[str, audit.Scalar | list[str]] = {
        "given": [role.value for role in sorted(wanted - before)],
        "taken": [role.value for role in sorted(before - wanted)],
    }
    audit.record(session, actor=by, action="person.roles", subject=f"person:{person.id}", now=now, details=details)
    return True


_STATE_ACTIONS = {
    PersonState.ACTIVE: "release",
    PersonState.SUSPENDED: "suspend",
    PersonState.CLOSED: "close",
}


def _write(person: Person, particulars: Particulars, now: datetime) -> None:
    person.name = particulars.name
    person.kind = particulars.kind
    person.department = particulars.department
    person.valid_from = particulars.valid_from
    person.valid_until = particulars.valid_until
    person.updated_at = now
    person.group_rows = _kept(person.group_rows, particulars.groups, lambda row: row.name, _group)


def _kept(rows: Iterable[Any], wanted: Collection[str], name: Any, make: Any) -> list[Any]:
    """Keep the rows that are still wanted and make the missing ones, so that unchanged rows are not rewritten."""
    kept = [row for row in rows if name(row) in wanted]
    return kept + [make(one) for one in sorted(set(wanted) - {name(row) for row in kept})]


def _group(name: str) -> PersonGroup:
    return PersonGroup(name=name)


def _role(role: Role) -> PersonRole:
    return PersonRole(role=role)


def _note(session: Session, person: Person, action: str, by: str, now: datetime, **details: Any) -> None:
    changes.record(session, person.id)
    audit.record(session, actor=by, action=action, subject=f"person:{person.id}", now=now, details=details)
