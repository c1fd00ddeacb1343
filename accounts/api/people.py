"""The registry of people, for the administration."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from accounts import password_reset, people
from accounts.api.dependencies import (
    HASHING,
    OVER_ERRORS,
    ROLE_ERRORS,
    AdminDep,
    CashierDep,
    DatabaseDep,
    NowDep,
    ServicesDep,
)
from accounts.api.disclosures import record_disclosure
from accounts.people import Particulars, administration, spelling
from accounts.tables import Person
from accounts.vocabulary import PasswordPurpose, PersonKind, PersonState, Role
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses
from web.text import Line, OptionalLine, line

router = APIRouter(prefix="/api/v1", tags=["people"])


def _spelt(value: object) -> object:
    return spelling.number(value) if isinstance(value, str) else value


Number = Annotated[
    str, BeforeValidator(_spelt), Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$", examples=["20260001"])
]
GroupName = Annotated[str, Field(pattern=r"^[^\s;,\x00-\x1f\x7f-\x9f][^;,\x00-\x1f\x7f-\x9f]{0,63}$")]


class PersonIn(BaseModel):
    """A person as the registry gives them."""

    model_config = ConfigDict(extra="forbid")

    number: Number
    name: Line
    kind: PersonKind
    department: OptionalLine = ""
    groups: list[GroupName] = Field(default=[], max_length=100)
    valid_from: AwareDatetime | None = Field(default=None, description="now when left out")
    valid_until: AwareDatetime | None = None

    def particulars(self, now: datetime) -> Particulars:
        """Return the particulars, valid from `now` when nothing else is said."""
        return Particulars(
            number=self.number,
            name=self.name,
            kind=self.kind,
            department=self.department,
            groups=frozenset(self.groups),
            valid_from=self.valid_from or now,
            valid_until=self.valid_until,
        )


class PersonOut(BaseModel):
    """A person as the administration sees them."""

    id: UUID
    number: str
    name: str
    kind: PersonKind
    department: str
    groups: list[str]
    roles: list[Role]
    valid_from: datetime
    valid_until: datetime | None
    state: PersonState
    phone_confirmed: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, person: Person) -> "PersonOut":
        """Show `person`."""
        return cls(
            id=person.id,
            number=person.number,
            name=person.name,
            kind=person.kind,
            department=person.department,
            groups=sorted(person.groups),
            roles=sorted(person.roles),
            valid_from=person.valid_from,
            valid_until=person.valid_until,
            state=person.state,
            phone_confirmed=person.phone_confirmed_at is not None,
            created_at=person.created_at,
            updated_at=person.updated_at,
        )


class StateIn(BaseModel):
    """A new state of an account."""

    state: PersonState
    reason: Annotated[str, line(200, min_length=0)] = Field(
        default="", description="kept in the audit trail: no names, no numbers"
    )


class RolesIn(BaseModel):
    """The roles a person shall have, beside holder."""

    roles: list[Role] = Field(max_length=10)


class PeopleFilter(BaseModel):
    """Which people are listed."""

    model_config = ConfigDict(frozen=True)

    search: Line | None = Field(default=None, description="beginning of a number, or part of a name")
    kind: PersonKind | None = None
    state: PersonState | None = None
    department: Line | None = None
    group: GroupName | None = None


@router.get(
    "/people",
    dependencies=[record_disclosure("people.read", "people:list")],
    responses=responses(*ROLE_ERRORS, InvalidCursorError),
)
def list_people(
    _cashier: CashierDep, database: DatabaseDep, page: PageDep, wanted: Annotated[PeopleFilter, Query()]
) -> Page[PersonOut]:
    """List people, in the order their accounts were made."""
    with database.read() as session:
        found = people.find(session, after=page.after(UUID), limit=page.limit + 1, **wanted.model_dump())
        rows, following = page.cut(found, lambda person: person.id)
        return Page(items=[PersonOut.of(person) for person in rows], next=following)


@router.post(
    "/people",
    status_code=201,
    responses=responses(*ROLE_ERRORS, people.NumberTakenError, people.InvalidPersonError),
)
def create_person(admin: AdminDep, database: DatabaseDep, now: NowDep, body: PersonIn) -> PersonOut:
    """Open an account."""
    with database.begin() as session:
        return PersonOut.of(people.create(session, body.particulars(now), by=admin.actor, now=now))


_READS = record_disclosure("person.read", "person:{person_id}")
"""Also on what changes a person: where nothing changes, the answer is a disclosure all the same."""


@router.get(
    "/people/{person_id}",
    dependencies=[_READS],
    responses=responses(*ROLE_ERRORS, NotFoundError),
)
def read_person(_cashier: CashierDep, database: DatabaseDep, person_id: UUID) -> PersonOut:
    """Show one person."""
    with database.read() as session:
        return PersonOut.of(people.get(session, person_id))


@router.put(
    "/people/{person_id}",
    dependencies=[_READS],
    responses=responses(*OVER_ERRORS, NotFoundError, people.NumberTakenError, people.InvalidPersonError),
)
def update_person(admin: AdminDep, database: DatabaseDep, now: NowDep, person_id: UUID, body: PersonIn) -> PersonOut:
    """Replace a person's particulars; what is left out goes back to its default, except `valid_from`, which stays."""
    with database.begin() as session:
        stored = people.get(session, person_id, lock=True)
        person, _ = administration.change(session, admin, person_id, body.particulars(stored.valid_from), now=now)
        return PersonOut.of(person)


@router.put(
    "/people/{person_id}/state",
    dependencies=[_READS],
    responses=responses(*OVER_ERRORS, NotFoundError, people.AccountClosedError),
)
def set_person_state(admin: AdminDep, services: ServicesDep, now: NowDep, person_id: UUID, body: StateIn) -> PersonOut:
    """Suspend an account, release it, or close it for good. Every sign-in of the person ends; they are told."""
    with services.database.begin() as session:
        person = administration.set_state(
            session, admin, person_id, body.state, reason=body.reason, notify=services.notify, now=now
        )
        return PersonOut.of(person)


@router.put("/people/{person_id}/roles", dependencies=[_READS], responses=responses(*OVER_ERRORS, NotFoundError))
def set_person_roles(admin: AdminDep, services: ServicesDep, now: NowDep, person_id: UUID, body: RolesIn) -> PersonOut:
    """Give a person exactly these roles; they count at once. Every sign-in of the person ends; they are told."""
    with services.database.begin() as session:
        return PersonOut.of(
            administration.set_roles(session, admin, person_id, body.roles, notify=services.notify, now=now)
        )


class TemporaryPassword(BaseModel):
    """A password set at the counter; it is shown this once and must be changed at first use."""

    purpose: PasswordPurpose
    password: str


@router.post(
    "/people/{person_id}/passwords/{purpose}/reset",
    dependencies=[HASHING],
    responses=responses(*OVER_ERRORS, NotFoundError),
)
def reset_password(
    cashier: CashierDep, services: ServicesDep, now: NowDep, person_id: UUID, purpose: PasswordPurpose
) -> TemporaryPassword:
    """Set a random password for a person who forgot theirs, after a look at the ID document; they are told.

    Nobody resets their own here, and whoever has a role goes to an administrator.
    """
    password = password_reset.reset_password(services, cashier, person_id, purpose, now=now)
    return TemporaryPassword(purpose=purpose, password=password)
