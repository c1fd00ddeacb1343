"""Special days of many gates in one go: chosen, looked at gate by gate, put in force together."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from access.schedules import SpecialDays
from accounts import audit
from console.dependencies import ServicesDep, StaffDep
from console.pages.administration.gate_rules import GateChangedError
from console.pages.administration.gates import TICKET, mark_of
from console.pages.administration.rendering import render_administration
from console.rendering import done, forbid_storing
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views.policy_reader import read_special_days
from directory import gates, special_days
from directory.special_days import Place, SpecialDaysChange
from directory.tables import GateRecord
from web.problems import NotFoundError, ProblemError
from web.tickets import FormTicketDep

router = APIRouter(
    prefix="/console/administration/schedules/special-days",
    include_in_schema=False,
    dependencies=[Depends(forbid_storing)],
)

_MOST_PLACES = 5_000
_FIELDS = ("name", "first", "last", "hours")


class Draft(BaseModel):
    """A change that is not in force yet, and the marks of the gates that it was made from."""

    model_config = ConfigDict(extra="forbid")

    bases: dict[str, str]
    change: SpecialDaysChange


@dataclass
class SpecialDaysForm:
    """What the fields hold; `problems` are keys of words by field."""

    typed: dict[str, str] = field(default_factory=lambda: dict.fromkeys(_FIELDS, ""))
    ticked: set[Place] = field(default_factory=set)
    problems: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, sent: FormData) -> "SpecialDaysForm":
        """Take the fields as a browser sends them."""
        places = (str(one).partition("/") for one in sent.getlist("place"))
        typed = {name: str(sent.get(name, "")).strip()[:200] for name in _FIELDS}
        return cls(typed, {Place(gate, schedule) for gate, _, schedule in places})

    @classmethod
    def of(cls, change: SpecialDaysChange) -> "SpecialDaysForm":
        """Fill the form from a change."""
        hours = ", ".join(f"{one.start:%H:%M}-{one.end:%H:%M}" for one in change.special.hours)
        first, last = change.special.first.isoformat(), change.special.last.isoformat()
        return cls({"name": change.special.name, "first": first, "last": last, "hours": hours}, set(change.places))

    def to_special_days(self, today: date) -> SpecialDays | None:
        """Return what the fields say; None where one is wrong, which `problems` says then."""
        found = read_special_days(self.typed, "", self.problems)
        if found is not None and found.last < today:
            self.problems["first"] = "administration.problem.past"
        if not self.ticked:
            self.problems["place"] = "administration.problem.no_schedule_chosen"
        return None if self.problems else found


async def _read_form(request: Request) -> FormData:
    return await request.form(max_files=0, max_fields=_MOST_PLACES)


FormDep = Annotated[FormData, Depends(_read_form)]


@router.get("", response_class=HTMLResponse, name="administration_special_days_page")
def show(request: Request, _staff: StaffDep, services: ServicesDep) -> HTMLResponse:
    """Show the special days that there are, and the form for more."""
    return _render_form(request, services, SpecialDaysForm())


@router.post("", response_class=HTMLResponse, name="administration_edit_special_days")
def edit(
    request: Request, _staff: StaffDep, services: ServicesDep, _same_origin: SameOriginDep, sent: FormDep
) -> HTMLResponse:
    """Tick the schedules of a zone, go back to the form, or show what adding or taking away would change."""
    do, _, zone = str(sent.get("do", "")).partition(":")
    form = SpecialDaysForm.read(sent)
    if do == "edit" and (draft := _read_draft(sent)) is not None:
        return _render_form(request, services, SpecialDaysForm.of(draft.change))
    if do in {"tick", "untick"}:
        with services.database.read() as session:
            concerned = {place for place in _find_places(session) if _zone_of(place[0]) == zone}
        places = {Place(gate.name, schedule) for gate, schedule in concerned}
        form.ticked = form.ticked | places if do == "tick" else form.ticked - places
        return _render_form(request, services, form)
    change = _removal(services, sent) if do == "remove" else _addition(services, form)
    if change is None:
        return _render_form(request, services, form, status=422)
    try:
        with services.database.read() as session:
            found = [gates.get(session, name) for name in change.gates]
    except NotFoundError:
        return _render_form(request, services, form, problem="problem.gate_changed_meanwhile", status=409)
    return _review(request, found, change)


@router.post("/apply", response_class=HTMLResponse, name="administration_apply_special_days")
def apply(
    request: Request,
    staff: StaffDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    ticket: FormTicketDep,
    draft: Annotated[str, Form(max_length=500_000)],
) -> Response:
    """Put a reviewed change in force at all of its gates, or at none."""
    wanted = Draft.model_validate_json(draft)
    try:
        with services.database.begin() as session:
            ticket.redeem(staff.person_id, TICKET)
            _apply(session, wanted, by=audit.person_actor(staff.person_id), services=services)
    except ProblemError as error:
        with services.database.read() as session:
            there = {gate.name: gate for gate in gates.find(session)}
        found = [there[name] for name in wanted.change.gates if name in there]
        return _review(request, found, wanted.change, problem=f"problem.{error.code}", status=error.status)
    return done(request, "administration_special_days_page", "special_days_applied")


def _apply(session: Session, wanted: Draft, *, by: str, services: ConsoleServices) -> None:
    now = services.now()
    for name in wanted.change.gates:
        record = gates.get(session, name, for_change=True)
        if mark_of(record) != wanted.bases.get(name):
            raise GateChangedError
        changed = special_days.change_policy(gates.policy_of(record), wanted.change)
        gates.change(session, record, changed, by=by, now=now)


def _addition(services: ConsoleServices, form: SpecialDaysForm) -> SpecialDaysChange | None:
    special = form.to_special_days(services.now().astimezone(services.zone).date())
    if special is None:
        return None
    return SpecialDaysChange(special=special, places=tuple(sorted(form.ticked)))


def _removal(services: ConsoleServices, sent: FormData) -> SpecialDaysChange | None:
    """Return the change that takes special days away wherever they stand exactly so."""
    try:
        special = SpecialDays.model_validate_json(str(sent.get("special", "")))
    except ValidationError:
        return None
    with services.database.read() as session:
        places = special_days.find(session).get(special, ())
    return SpecialDaysChange(special=special, places=places, is_removal=True) if places else None


def _read_draft(sent: FormData) -> Draft | None:
    try:
        return Draft.model_validate_json(str(sent.get("draft", "")))
    except ValidationError:
        return None


def _find_places(session: Session) -> list[tuple[GateRecord, str]]:
    return [(gate, one.name) for gate in gates.find(session) for one in gates.policy_of(gate).schedules]


def _zone_of(gate: GateRecord) -> str:
    return gates.policy_of(gate).inner_zone or ""


@dataclass(frozen=True, slots=True)
class Compared:
    """What holds on the days of a change at one schedule; no special days mean the hours of the week."""

    gate: GateRecord
    schedule: str
    before: Sequence[SpecialDays]
    after: Sequence[SpecialDays]


def _compare(found: Sequence[GateRecord], change: SpecialDaysChange) -> Iterator[Compared]:
    for gate in found:
        chosen = {place.schedule for place in change.places if place.gate == gate.name}
        for schedule in gates.policy_of(gate).schedules:
            if schedule.name in chosen:
                there = [one for one in schedule.special_days if _overlap(one, change.special)]
                others = [one for one in there if one != change.special]
                yield Compared(gate, schedule.name, there, others if change.is_removal else [change.special])


def _overlap(one: SpecialDays, other: SpecialDays) -> bool:
    return one.first <= other.last and other.first <= one.last


def _review(
    request: Request,
    found: Sequence[GateRecord],
    change: SpecialDaysChange,
    *,
    problem: str | None = None,
    status: int = 200,
) -> HTMLResponse:
    draft = Draft(bases={gate.name: mark_of(gate) for gate in found}, change=change)
    return render_administration(
        request,
        "administration/special_days_review.html",
        status=status,
        change=change,
        draft_json=draft.model_dump_json(),
        compared=list(_compare(found, change)),
        problem=problem,
    )


def _render_form(
    request: Request,
    services: ConsoleServices,
    form: SpecialDaysForm,
    *,
    problem: str | None = None,
    status: int = 200,
) -> HTMLResponse:
    with services.database.read() as session:
        by_zone: defaultdict[str, list[tuple[GateRecord, str]]] = defaultdict(list)
        for gate, schedule in _find_places(session):
            by_zone[_zone_of(gate)].append((gate, schedule))
        zones = {zone.name: zone.title for zone in gates.find_zones(session)}
        found = special_days.find(session)
        titles = gates.find_titles(session)
    return render_administration(
        request,
        "administration/special_days.html",
        status=status,
        form=form,
        by_zone=sorted(by_zone.items(), key=lambda one: (one[0] == "", zones.get(one[0], ""))),
        zones=zones,
        found=found,
        titles=titles,
        without=sorted(set(titles) - {gate.name for rows in by_zone.values() for gate, _ in rows}),
        problem=problem,
    )
