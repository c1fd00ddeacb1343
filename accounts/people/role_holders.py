"""Who has a role beside holder, and since when by the audit trail."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.tables import AuditEntry, Person, PersonRole
from accounts.vocabulary import Role

_AT_ONCE = 400
"""SQLite and PostgreSQL limit the parameters of a statement."""


@dataclass(frozen=True, slots=True)
class RoleHolder:
    """Somebody with a role; `since` and `given_by` are None where the trail does not say."""

    person: Person
    role: Role
    since: datetime | None
    given_by: str | None


def find_role_holders(session: Session) -> list[RoleHolder]:
    """Return everybody with a role, by role and number."""
    rows = session.execute(
        select(Person, PersonRole.role).join(PersonRole, PersonRole.person_id == Person.id).order_by(Person.number)
    ).all()
    people = sorted({person.id for person, _ in rows})
    given: dict[tuple[str, str], AuditEntry] = {}
    for start in range(0, len(people), _AT_ONCE):
        subjects = [f"person:{one}" for one in people[start : start + _AT_ONCE]]
        lines = select(AuditEntry).where(AuditEntry.subject.in_(subjects), AuditEntry.action == "person.roles")
        for line in session.scalars(lines.order_by(AuditEntry.serial)):
            given |= {(line.subject, role): line for role in json.loads(line.details).get("given", [])}
    order = list(Role)
    found = []
    for person, role in rows:
        noted = given.get((f"person:{person.id}", role.value))
        since, by = (None, None) if noted is None else (noted.at, noted.actor)
        found.append(RoleHolder(person, role, since, by))
    return sorted(found, key=lambda one: order.index(one.role), reverse=True)
