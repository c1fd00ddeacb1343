"""Signs people in without their passwords, as the server would have done."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from accounts.ledger import AccountKind, open_account
from accounts.services import AccountsServices
from accounts.tables import Person, PersonRole, SignIn
from accounts.vocabulary import PersonKind, PersonState, Role
from database import new_id


def sign_in(
    services: AccountsServices,
    person_id: UUID | str | None = None,
    roles: Collection[Role] = (),
    *,
    now: datetime,
    must_change_password: bool = False,
) -> dict[str, str]:
    """Headers of a person who has exactly these roles from now on; without an id, or with a new one, of a new person.

    All of it quietly: no sign-in ends, nothing is audited, and no gate is told.
    """
    wanted = set(roles) - {Role.HOLDER}
    with services.database.begin() as session:
        person_id = UUID(str(person_id)) if person_id is not None else None
        person = session.get(Person, person_id) if person_id is not None else None
        if person is None:
            person = Person(
                id=person_id or new_id(),
                number=f"staff-{new_id().hex[-16:]}",
                name="Staff",
                kind=PersonKind.STAFF,
                state=PersonState.ACTIVE,
                valid_from=now - timedelta(days=1),
                created_at=now,
                updated_at=now,
            )
            session.add(person)
            open_account(session, person.id, AccountKind.WALLET, now)
        person.role_rows = [row for row in person.role_rows if row.role in wanted]
        given = {row.role for row in person.role_rows}
        person.role_rows += [PersonRole(role=role) for role in sorted(wanted - given)]
        made = SignIn(
            person_id=person.id, method="test", started_at=now, ends_at=now + timedelta(days=30), generation=0
        )
        session.add(made)
        session.flush()
        token = services.access_tokens.issue(
            person.id, made.id, {Role.HOLDER, *roles}, must_change_password=must_change_password, now=now
        )
    return {"Authorization": f"Bearer {token}"}
