"""The audit trail: who did what, who was shown what of whom, and the proof that nobody changed it."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from accounts import audit, cards, people
from accounts.audit import trail_filter
from accounts.audit.trail_filter import LineKind, TrailFilter
from console.csv_table import csv_response, write_csv
from console.dependencies import AdminDep, ServicesDep
from console.disclosures import record_disclosure
from console.forms import NONE_FOR_NOTHING, ListSearch
from console.rendering import done, language_of, path_to, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.texts import translator
from console.views.audit_lines import ACTIONS, describe_lines
from web.paging import PageDep
from web.text import line
from web.times import Day

router = APIRouter(prefix="/console/office/audit", include_in_schema=False)

MOST_IN_A_TABLE = 50_000
VERIFIED = "audit.verify"
_READS = record_disclosure("audit.read", "audit:list")


Text = Annotated[str, line(80)]


class AuditSearch(ListSearch):
    """What the form of the trail sends; an empty field asks for nothing."""

    who: Annotated[Text | None, NONE_FOR_NOTHING] = None
    """Number of the person who acted."""
    whom: Annotated[Text | None, NONE_FOR_NOTHING] = None
    """Number of the person whom it is about."""
    kind: Annotated[LineKind | None, NONE_FOR_NOTHING] = None
    action: Annotated[Text | None, NONE_FOR_NOTHING] = None
    since: Annotated[Day | None, NONE_FOR_NOTHING] = None
    until: Annotated[Day | None, NONE_FOR_NOTHING] = None


SearchDep = Annotated[AuditSearch, Depends()]


@router.get("", response_class=HTMLResponse, name="office_audit_page", dependencies=[_READS])
def show_trail(
    request: Request, _admin: AdminDep, services: ServicesDep, page: PageDep, wanted: SearchDep
) -> HTMLResponse:
    """Show the lines that the form asks for, newest first."""
    with services.database.read() as session:
        asked, unknown = _to_filter(session, wanted, services)
        found = [] if unknown else trail_filter.find(session, asked, before=page.after(int), limit=page.limit + 1)
        rows, following = page.cut(found, lambda entry: entry.serial)
        lines = describe_lines(services, rows, translator(language_of(request)))
        verified = audit.find(session, limit=1, action=VERIFIED)
        newest = audit.head(session)[0]
    here = path_to(request, "office_audit_page")
    return render_page(
        request,
        "office/audit.html",
        lines=lines,
        wanted=wanted,
        unknown=unknown,
        kinds=list(LineKind),
        actions=ACTIONS,
        query=urlencode(wanted.query),
        newest=newest,
        verified=describe_lines(services, verified, translator(language_of(request)))[0] if verified else None,
        next=f"{here}?{urlencode({**wanted.query, 'cursor': following})}" if following else None,
    )


@router.get("/table", name="office_audit_table", dependencies=[_READS])
def read_table(
    request: Request, _admin: AdminDep, services: ServicesDep, wanted: SearchDep, response: Response
) -> Response:
    """Return the lines that the form asks for as a table for a spreadsheet, newest first, 50,000 at most."""
    translate = translator(language_of(request))
    heads = ("serial", "at", "who", "action", "about", "details", "digest")
    table: list[tuple[object, ...]] = []
    with services.database.snapshot() as session:
        asked, unknown = _to_filter(session, wanted, services)
        before, written = None, 0
        while not unknown and written < MOST_IN_A_TABLE:
            found = trail_filter.find(session, asked, before=before, limit=1000)
            for one in describe_lines(services, found, translate):
                at = one.at.astimezone(services.zone).isoformat(timespec="seconds")
                table.append((one.serial, at, one.who, one.action, one.about, one.details_text, one.digest))
            if len(found) < 1000:
                break
            before, written = found[-1].serial, written + len(found)
            session.expunge_all()
    name = f"audit-{services.now().astimezone(services.zone):%Y%m%d-%H%M}.csv"
    return csv_response(write_csv([translate(f"audit_page.{head}") for head in heads], table), name, response)


@router.post("/verification", name="office_verify_audit", response_model=None)
def verify(request: Request, admin: AdminDep, services: ServicesDep, _same_origin: SameOriginDep) -> Response:
    """Walk the whole chain, and note in it what was found."""
    with services.database.snapshot() as session:
        found = audit.verify(session)
    details: dict[str, Any] = {"lines": found.lines, "head": found.head, "intact": found.intact}
    if found.first_broken is not None:
        details["first_broken"] = found.first_broken
    with services.database.begin() as session:
        audit.record(
            session, actor=admin.actor, action=VERIFIED, subject="audit:trail", now=services.now(), details=details
        )
    return done(request, "office_audit_page", "audit_intact" if found.intact else "audit_broken")


def _to_filter(session: Session, wanted: AuditSearch, services: ConsoleServices) -> tuple[TrailFilter, str | None]:
    """Return what is asked of the trail; the name of the field whose number nobody has, if one is so."""
    actor, subjects = None, None
    if wanted.who is not None:
        person = people.by_number(session, wanted.who)
        if person is None:
            return TrailFilter(), "who"
        actor = audit.person_actor(person.id)
    if wanted.whom is not None:
        person = people.by_number(session, wanted.whom)
        if person is None:
            return TrailFilter(), "whom"
        subjects = _subjects_of(session, person.id)
    return (
        TrailFilter(
            actor=actor,
            subjects=subjects,
            kind=wanted.kind,
            action=wanted.action,
            since=_midnight(wanted.since, services) if wanted.since else None,
            until=_midnight(wanted.until + timedelta(days=1), services) if wanted.until else None,
        ),
        None,
    )


def _subjects_of(session: Session, person_id: UUID) -> tuple[str, ...]:
    """Return what the trail calls a person and their cards."""
    own = cards.of_person(session, person_id, ended=True)
    return (f"person:{person_id}", *(f"card:{card.id}" for card in own))


def _midnight(day: date, services: ConsoleServices) -> datetime:
    return datetime.combine(day, time(), services.zone)
