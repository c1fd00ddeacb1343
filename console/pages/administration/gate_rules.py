"""Changing what holds at a gate: the form, what would change and whom it would let in, and putting it in force.

Nothing is kept in between: the change travels with the forms, so that nobody finds somebody else's half of one.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from access.policy import Direction, DoorMode, GatePolicy, Offline
from access.schedules import Schedule
from accounts import audit, people
from accounts.audit import disclosures
from accounts.sign_in.access_tokens import Claims
from console.dependencies import ServicesDep, StaffDep
from console.forms import read_moment
from console.pages.administration.gates import TICKET, GateName, list_choices, mark_of, words_for
from console.pages.administration.rendering import render_administration
from console.rendering import done, forbid_storing, language_of
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.texts import translator
from console.views.policy_form import PolicyForm
from console.views.policy_reader import read_policy, read_schedules
from console.views.week import count_open_min
from directory import gates
from directory.dry_run import Shown, dry_run
from directory.feed import NotPublishedError
from directory.reach import compare_reach
from directory.tables import GateRecord
from web.problems import ProblemError
from web.text import Line
from web.tickets import FormTicketDep

router = APIRouter(
    prefix="/console/administration/gates/{gate}/rules",
    include_in_schema=False,
    dependencies=[Depends(forbid_storing)],
)


class Draft(BaseModel):
    """A change that is not in force yet, and the mark of what it was made from."""

    model_config = ConfigDict(extra="forbid")

    base: str
    title: Line
    policy: GatePolicy


class GateChangedError(ProblemError):
    """Somebody else changed the gate since the form was opened."""

    code = "gate_changed_meanwhile"
    status = 409
    title = "Somebody changed this gate meanwhile; nothing was changed. Look at what would change now"


async def _read_form(request: Request) -> FormData:
    return await request.form()


FormDep = Annotated[FormData, Depends(_read_form)]


@router.get("", response_class=HTMLResponse, name="administration_rules_page")
def show(gate: GateName, request: Request, _staff: StaffDep, services: ServicesDep) -> HTMLResponse:
    """Show the form with what holds now."""
    with services.database.read() as session:
        record = gates.get(session, gate)
        form = PolicyForm.of(gates.policy_of(record), record.title, services.zone)
        return _render_form(request, services, session, record, form, base=mark_of(record))


@router.post("", response_class=HTMLResponse, name="administration_edit_rules")
def edit(
    gate: GateName,
    request: Request,
    staff: StaffDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    sent: FormDep,
) -> HTMLResponse:
    """Add or take away a row, go back from the review to the form, show what would change, or ask about somebody."""
    fields = [(name, value) for name, value in sent.multi_items() if isinstance(value, str)]
    do, base = str(sent.get("do", "")), str(sent.get("base", ""))[:16]
    with services.database.read() as session:
        record = gates.get(session, gate)
        draft = _read_draft(sent, gate)
        if draft is not None and do == "ask":
            return _review(request, services, session, record, draft, asked=_ask(sent, services, session, staff, draft))
        if draft is not None:
            form = PolicyForm.of(draft.policy, draft.title, services.zone)
            return _render_form(request, services, session, record, form, base=draft.base)
        form = PolicyForm.read(fields)
        change, _, place = do.partition(":")
        if change == "add":
            form.add(str(sent.get("from", "")) if place == "copy" else place, _find_schedules(session))
        elif change == "remove":
            form.remove(place)
        elif change == "draw":
            read_policy(form, gates.policy_of(record))
        elif (policy := read_policy(form, gates.policy_of(record))) is not None:
            made = Draft(base=base or mark_of(record), title=form.single["title"], policy=policy)
            return _review(request, services, session, record, made)
        status = 422 if form.problems else 200
        return _render_form(request, services, session, record, form, base=base, status=status)


@router.post("/apply", response_class=HTMLResponse, name="administration_apply_rules")
def apply(
    gate: GateName,
    request: Request,
    staff: StaffDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    ticket: FormTicketDep,
    draft: Annotated[str, Form(max_length=200_000)],
) -> Response:
    """Put a reviewed change in force; the gate is told within moments."""
    wanted = Draft.model_validate_json(draft)
    if wanted.policy.gate != gate:
        raise gates.ImpossiblePolicyError("the change is of another gate")
    try:
        with services.database.begin() as session:
            ticket.redeem(staff.person_id, TICKET)
            record = gates.get(session, gate, for_change=True)
            if mark_of(record) != wanted.base:
                raise GateChangedError
            by = audit.person_actor(staff.person_id)
            gates.change(session, record, wanted.policy, title=wanted.title, by=by, now=services.now())
    except ProblemError as error:
        with services.database.read() as session:
            record = gates.get(session, gate)
            newer = wanted.model_copy(update={"base": mark_of(record)})
            return _review(
                request, services, session, record, newer, problem=f"problem.{error.code}", status=error.status
            )
    return done(request, "administration_gate_page", "rules_applied", gate=gate)


def _read_draft(sent: FormData, gate: str) -> Draft | None:
    text = sent.get("draft")
    if not isinstance(text, str):
        return None
    try:
        draft = Draft.model_validate_json(text)
    except ValidationError:
        return None
    return draft if draft.policy.gate == gate else None


def _find_schedules(session: Session) -> dict[str, Schedule]:
    """Return the schedules of every gate, by `GATE/NAME`: what one gate has another may copy."""
    return {
        f"{gate.name}/{schedule.name}": schedule
        for gate in gates.find(session)
        for schedule in gates.policy_of(gate).schedules
    }


def _ask(sent: FormData, services: ConsoleServices, session: Session, staff: Claims, draft: Draft) -> dict[str, Any]:
    """Ask what would be decided about somebody now and after the change; who asked about whom is audited."""
    typed = {name: str(sent.get(name, "")).strip() for name in ("number", "at", "shown", "direction")}
    person = people.by_number(session, typed["number"]) if typed["number"] else None
    if person is None:
        return {**typed, "problem": "administration.problem.nobody"}
    if (at := read_moment(typed["at"], services.zone)) is None:
        return {**typed, "problem": "administration.problem.moment"}
    try:
        shown, direction = Shown(typed["shown"]), Direction(typed["direction"] or "entry")
        question: dict[str, Any] = {"at": at, "shown": shown, "direction": direction}
        before = dry_run(session, services.sealer, draft.policy.gate, person.id, **question)
        after = dry_run(session, services.sealer, draft.policy.gate, person.id, instead=draft.policy, **question)
    except ValueError:
        return {**typed, "problem": "administration.problem.moment"}
    except NotPublishedError:
        return {**typed, "problem": "problem.not_published"}
    disclosures.record(
        services.database,
        by=staff.person_id,
        action="dry_run",
        subject=f"person:{person.id}",
        now=services.now(),
        details={"gate": draft.policy.gate},
    )
    return {**typed, "person": person.name, "moment": at, "before": before, "after": after}


def _review(
    request: Request,
    services: ConsoleServices,
    session: Session,
    record: GateRecord,
    draft: Draft,
    *,
    asked: dict[str, Any] | None = None,
    problem: str | None = None,
    status: int = 200,
) -> HTMLResponse:
    now, words = services.now(), words_for(request, services)
    before = gates.policy_of(record)
    if draft.base != mark_of(record) and problem is None:
        problem, draft = f"problem.{GateChangedError.code}", draft.model_copy(update={"base": mark_of(record)})
    old = {schedule.name: schedule for schedule in before.schedules}
    pictures = [
        {"after": schedule, "before": old.get(schedule.name), "more_min": _more_min(schedule, old.get(schedule.name))}
        for schedule in draft.policy.schedules
        if schedule != old.get(schedule.name)
    ]
    differences = words.compare(before, draft.policy)
    return render_administration(
        request,
        "administration/review.html",
        status=status,
        gate=record,
        draft=draft,
        draft_json=draft.model_dump_json(),
        differences=differences,
        title_before=record.title if record.title != draft.title else None,
        pictures=pictures,
        reach=compare_reach(session, before, draft.policy),
        asked=asked or {"at": f"{now.astimezone(services.zone):%Y-%m-%dT%H:%M}", "shown": "card", "number": ""},
        shown=list(Shown),
        both_ways=draft.policy.direction is Direction.BOTH,
        today=now.astimezone(services.zone).date(),
        problem=problem,
    )


def _more_min(after: Schedule, before: Schedule | None) -> int:
    return count_open_min(after) - (count_open_min(before) if before is not None else 0)


def _render_form(
    request: Request,
    services: ConsoleServices,
    session: Session,
    record: GateRecord,
    form: PolicyForm,
    *,
    base: str,
    status: int = 200,
) -> HTMLResponse:
    t = translator(language_of(request))
    names = [(name, t("administration.week.always") if name == "always" else name) for name in form.schedule_names()]
    return render_administration(
        request,
        "administration/rules.html",
        status=status,
        gate=record,
        form=form,
        base=base,
        pictures=read_schedules(form),
        names=names,
        choices=list_choices(session),
        door_modes=list(DoorMode),
        offline=list(Offline),
        copies=sorted(name for name in _find_schedules(session) if not name.startswith(f"{record.name}/")),
        today=services.now().astimezone(services.zone).date(),
    )
