"""Opening an account, and changing what the registry knows of a person."""

import json
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import TypeAdapter, ValidationError

from accounts import people
from accounts.people import administration
from accounts.people_import.importer import reason_of
from accounts.people_import.people_list import (
    CLEARED,
    ListedPerson,
    RowError,
    RowReason,
    Unreadable,
    parse_cells,
)
from accounts.tables import Person
from accounts.vocabulary import PersonKind
from console.dependencies import AdminDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import done, render_page
from console.same_origin import SameOriginDep
from web.problems import ProblemError

router = APIRouter(prefix="/console/office/people", include_in_schema=False)

FIELDS = ("number", "name", "kind", "department", "groups", "valid_from", "valid_until")
_CLEARABLE = ("department", "groups", "valid_until")
_FIELD_OF_REASON = {
    "number_missing": "number",
    "number_calculated": "number",
    "invalid_number": "number",
    "name_missing": "name",
    "invalid_name": "name",
    "kind_missing": "kind",
    "kind_unknown": "kind",
    "invalid_department": "department",
    "groups_form": "groups",
    "invalid_groups": "groups",
    "date_form": "valid_from",
    "invalid_dates": "valid_until",
}

Typed = Annotated[str, Form(max_length=200)]


async def _read_typed(
    *,
    number: Typed = "",
    name: Typed = "",
    kind: Typed = "",
    department: Typed = "",
    groups: Annotated[str, Form(max_length=2000)] = "",
    valid_from: Typed = "",
    valid_until: Typed = "",
) -> dict[str, str]:
    typed = (number, name, kind, department, groups, valid_from, valid_until)
    return dict(zip(FIELDS, typed, strict=True))


TypedDep = Annotated[dict[str, str], Depends(_read_typed)]
"""What was typed into the form, by field."""

_CELLS: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


class PersonChangedError(ProblemError):
    """Somebody else changed the same particulars since the form was shown."""

    code = "person_changed_meanwhile"
    status = 409
    title = "Somebody changed these particulars meanwhile"


@router.get("/new", response_class=HTMLResponse, name="office_new_person_page")
def show_new(request: Request, _admin: AdminDep, services: ServicesDep) -> HTMLResponse:
    """Show the form of a new account."""
    typed = dict.fromkeys(FIELDS, "") | {"kind": PersonKind.STUDENT.value}
    return _render(request, services, typed, person=None)


@router.post("/new", name="office_create_person", response_model=None)
def create(
    request: Request,
    admin: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    typed: TypedDep,
) -> Response:
    """Open an account, and lead to its page."""
    now = services.now()
    try:
        particulars = _read(typed, None, services.zone).particulars(None, now)
        with services.database.begin() as session:
            person_id = people.create(session, particulars, by=admin.actor, now=now).id
    except (RowError, people.InvalidPersonError, people.NumberTakenError) as error:
        return _render(request, services, typed, person=None, error=error)
    return done(request, "office_person_page", "person_created", person_id=person_id)


@router.get(
    "/{person_id}/change",
    response_class=HTMLResponse,
    name="office_change_person_page",
    dependencies=[record_disclosure("person.read", "person:{person_id}")],
)
def show_change(request: Request, _admin: AdminDep, services: ServicesDep, person_id: UUID) -> HTMLResponse:
    """Show the form with what is stored."""
    with services.database.read() as session:
        person = people.get(session, person_id)
        return _render(request, services, stored_cells(person, services.zone), person=person)


@router.post(
    "/{person_id}/change",
    name="office_change_person",
    response_model=None,
    dependencies=[record_disclosure("person.read", "person:{person_id}")],
)
def change(
    request: Request,
    admin: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    person_id: UUID,
    typed: TypedDep,
    shown: Annotated[str, Form(max_length=8000)] = "",
) -> Response:
    """Bring a person to what was typed; what was left as it was `shown` stays as it is now."""
    now, seen = services.now(), _read_shown(shown)
    try:
        with services.database.begin() as session:
            stored = people.get(session, person_id, lock=True)
            current = stored_cells(stored, services.zone)
            (typed, is_contested), seen = _bring_up_to_date(typed, seen, current), current
            if is_contested:
                raise PersonChangedError
            particulars = _read(typed, stored, services.zone).particulars(stored, now)
            administration.change(session, admin, person_id, particulars, now=now)
    except (RowError, ProblemError) as error:
        with services.database.read() as session:
            person = people.get(session, person_id)
            return _render(request, services, typed, person=person, error=error, shown=seen)
    return done(request, "office_person_page", "person_changed", person_id=person_id)


def stored_cells(person: Person, zone: ZoneInfo) -> dict[str, str]:
    """Return what is stored as the form shows it: days of the campus, the last day included."""
    return {
        "number": person.number,
        "name": person.name,
        "kind": person.kind.value,
        "department": person.department,
        "groups": "; ".join(sorted(person.groups)),
        "valid_from": _day(person.valid_from, zone),
        "valid_until": _day(person.valid_until - timedelta(microseconds=1), zone) if person.valid_until else "",
    }


def _read_shown(written: str) -> dict[str, str]:
    """Return what the form showed before it was filled in, as the form sent it back."""
    try:
        return _CELLS.validate_json(written)
    except ValidationError:
        return {}


def _bring_up_to_date(
    typed: dict[str, str], shown: dict[str, str], current: dict[str, str]
) -> tuple[dict[str, str], bool]:
    """Return what was typed, and of the fields left as they were what holds now; whether others changed the same."""
    ours = {name for name, text in typed.items() if text.strip() != shown.get(name, current[name])}
    contested = any(current[name] not in {shown.get(name, current[name]), typed[name].strip()} for name in ours)
    return {name: typed[name] if name in ours else current[name] for name in typed}, contested


def _read(typed: dict[str, str], stored: Person | None, zone: ZoneInfo) -> ListedPerson:
    """Read what was typed as a list's row is read.

    Raises:
        RowError: it describes no person.
    """
    cells = dict(typed)
    if stored is not None:
        shown = stored_cells(stored, zone)
        cells = {name: text for name, text in typed.items() if name == "number" or text.strip() != shown[name]}
        cells |= {name: CLEARED for name in _CLEARABLE if name in cells and not cells[name].strip()}
        if "name" in cells and not cells["name"].strip():
            raise RowError(RowReason.NAME_MISSING, "name: missing")
    row = parse_cells(1, cells, zone)
    if isinstance(row, Unreadable):
        raise RowError(row.reason, row.why)
    return row


def _day(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).date().isoformat()


def _render(
    request: Request,
    services: Any,
    typed: dict[str, str],
    *,
    person: Person | None,
    error: Exception | None = None,
    shown: dict[str, str] | None = None,
) -> HTMLResponse:
    field, problem = _explain(error)
    with services.database.read() as session:
        groups = people.find_groups(session)
        departments = people.find_departments(session)
    return render_page(
        request,
        "office/person_form.html",
        status=409 if isinstance(error, PersonChangedError) else 422 if error else 200,
        person=person,
        typed=typed,
        shown=json.dumps(typed if shown is None else shown, ensure_ascii=False),
        wrong={field: problem} if field else {},
        problem=None if field else problem,
        kinds=list(PersonKind),
        groups=groups,
        departments=departments,
    )


def _explain(error: Exception | None) -> tuple[str | None, str | None]:
    """Return the field that is wrong, where it is one field, and the key of what is wrong."""
    match error:
        case None:
            return None, None
        case RowError() | people.InvalidPersonError():
            reason = reason_of(error).value
            return _FIELD_OF_REASON.get(reason), f"import_reason.{reason}"
        case people.NumberTakenError():
            return "number", "problem.number_taken"
        case ProblemError():
            return None, f"problem.{error.code}"
    raise error
