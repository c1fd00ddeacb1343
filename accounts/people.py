"""People: one account each, made, changed, suspended, closed. Every change is noted for the gates and audited."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from accounts import audit, changes, sign_ins, spelling
from accounts.ledger import chart
from accounts.ledger.transfer import AccountKind, AccountState
from accounts.tables import Person, PersonGroup, PersonRole
from accounts.vocabulary import PersonKind, PersonState, Role
from web.problems import NotFoundError, ProblemError

_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{0,100}")
_GROUP = re.compile(r"[^\s;,\x00-\x1f\x7f-\x9f\ud800-\udfff][^;,\x00-\x1f\x7f-\x9f\ud800-\udfff]{0,63}")
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Times that calendar arithmetic in any zone can bear."""


class NumberTakenError(ProblemError):
    """Another person has this number."""

    code = "number_taken"
    status = 409
    title = "Another person has this number"


class InvalidPersonError(ProblemError):
    """What was given describes no person."""

    code = "invalid_person"
    status = 422
    title = "These particulars describe no person"


class AccountClosedError(ProblemError):
    """The account is closed; only its history remains."""

    code = "account_closed"
    status = 409
    title = "The account is closed"


class AccountNotUsableError(ProblemError):
    """The account is suspended, closed, expired, or not yet valid."""

    code = "account_not_usable"
    status = 403
    title = "The account is suspended, closed or outside its validity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """What the registry knows about a person. `number` is what they are known by; everything else may change."""

    number: str
    name: str
    kind: PersonKind
    department: str = ""
    groups: frozenset[str] = field(default_factory=frozenset)
    valid_from: datetime
    valid_until: datetime | None = None

    def __post_init__(self) -> None:
        """Bring names and the number to their one spelling, and refuse what cannot be stored.

        Raises:
            InvalidPersonError: with the field that is wrong and why.
        """
        object.__setattr__(self, "number", spelling.number(self.number))
        object.__setattr__(self, "name", spelling.name(self.name))
        object.__setattr__(self, "department", spelling.line(self.department))
        if not _NUMBER.fullmatch(self.number):
            raise InvalidPersonError("number: 1 to 32 letters, digits, dots, dashes or underscores", field="number")
        if not self.name or not _LINE.fullmatch(self.name):
            raise InvalidPersonError("name: 1 to 100 characters without control characters", field="name")
        if not _LINE.fullmatch(self.department):
            raise InvalidPersonError(
                "department: at most 100 characters without control characters", field="department"
            )
        if wrong := [one for one in sorted(self.groups) if not _GROUP.fullmatch(one)]:
            raise InvalidPersonError(f"groups: {wrong[0]!r} is no group name (1 to 64 characters)", field="groups")
        if not all(_EARLIEST <= one <= _LATEST for one in (self.valid_from, self.valid_until) if one is not None):
            raise InvalidPersonError("valid_from, valid_until: between the years 2000 and 2200", field="valid_from")
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise InvalidPersonError("valid_until: must be after valid_from", field="valid_until")

    def differences(self, person: Person) -> dict[str, tuple[Any, Any]]:
        """Return `{field: (stored, wanted)}` where `person` differs from these particulars."""
        pairs = {one.name: (getattr(person, one.name), getattr(self, one.name)) for one in fields(self)}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


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
    return session.scalar(select(Person).where(Person.number == spelling.number(number)))


def is_called(person: Person, name: str) -> bool:
    """Return whether this is the person's name, however it was typed."""
    return spelling.name(person.name) == spelling.name(name)


def by_numbers(session: Session, numbers: Collection[str]) -> dict[str, Person]:
    """Return the people with these numbers, by number."""
    found: dict[str, Person] = {}
    wanted = sorted(number for number in numbers if _NUMBER.fullmatch(number))
    for start in range(0, len(wanted), 500):
        rows = session.scalars(select(Person).where(Person.number.in_(wanted[start : start + 500])))
        found.update((person.number, person) for person in rows)
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
) -> Sequence[Person]:
    """Return people in the order they were made; `search` is the beginning of a number or a part of a name."""
    query = select(Person).order_by(Person.id).limit(limit)
    if after is not None:
        query = query.where(Person.id > after)
    if search:
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
    return session.scalars(query).all()


def _pattern(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def require_usable(person: Person, now: datetime) -> None:
    """Check that the account may be used now.

    Raises:
        AccountNotUsableError: with `standing` saying why not.
    """
    if (now_is := standing(person, now)) != "good":
        raise AccountNotUsableError(standing=now_is)


Standing = Literal["good", "suspended", "closed", "expired", "not_yet_valid"]


def standing(person: Person, now: datetime) -> Standing:
    """Say whether and why (not) an account may be used now."""
    if person.state is PersonState.CLOSED:
        return "closed"
    if person.state is PersonState.SUSPENDED:
        return "suspended"
    if now < person.valid_from:
        return "not_yet_valid"
    if person.valid_until is not None and now >= person.valid_until:
        return "expired"
    return "good"


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
