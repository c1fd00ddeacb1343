"""One gate: its timeline, its health, its directory, and why somebody was refused."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy.orm import Session

from accounts import people
from accounts.audit import disclosures
from accounts.sign_in.access_tokens import Claims
from console.dependencies import ServicesDep, StaffDep
from console.disclosures import record_disclosure
from console.rendering import language_of, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.texts import OF_GATES, texts_of
from console.views.events import describe_events
from directory import gates
from directory.dry_run import DryRun, Shown, dry_run
from directory.feed import NotPublishedError
from directory.lag import Lag, find_lags
from directory.tables import ZoneRecord
from operations import event_store
from operations.tables import GateEvent
from web.problems import NotFoundError
from web.text import Line, Slug

router = APIRouter(prefix="/console/gates/{gate}", include_in_schema=False)

_PAGE = 50

GateName = Annotated[Slug, Path(description="name of the gate")]


class QuestionIn(BaseModel):
    """Who, when, and what they would show."""

    model_config = ConfigDict(extra="forbid")

    number: Line
    at: AwareDatetime | None = None
    shown: Shown = Shown.FACE


@router.get(
    "", dependencies=[record_disclosure("board.read", "gate:{gate}")], response_class=HTMLResponse, name="gate_page"
)
def show(gate: GateName, request: Request, _staff: StaffDep, services: ServicesDep) -> HTMLResponse:
    """Show one gate, live."""
    with services.database.read() as session:
        record = gates.get(session, gate)
        policy = gates.policy_of(record)
        zone = session.get(ZoneRecord, policy.inner_zone) if policy.looks_back else None
    place = {"gates": [{"name": gate, "title": record.title, "zone": policy.inner_zone}], "zones": []}
    return render_page(
        request,
        "gates/gate.html",
        texts=texts_of(language_of(request), OF_GATES),
        gate=record,
        policy=policy,
        zone=zone,
        shown=list(Shown),
        places=place,
        can_order=services.orders.possible,
    )


@router.get("/events", dependencies=[record_disclosure("events.read", "gate:{gate}")], name="gate_events")
def events(
    gate: GateName, _staff: StaffDep, services: ServicesDep, before: Annotated[int | None, Query(ge=0)] = None
) -> dict[str, Any]:
    """Return a page of the timeline, newest first; `next` is the `before` of the page after it."""
    with services.database.read() as session:
        found = event_store.latest(session, limit=_PAGE + 1, before=before, gate=gate)
    shown = found[:_PAGE]
    following = shown[-1].sequence if len(found) > _PAGE else None
    return {"items": describe_events(services, shown), "next": following}


@router.get("/directory", name="gate_directory")
def directory(gate: GateName, _staff: StaffDep, services: ServicesDep) -> dict[str, Any]:
    """Return how current the gate's directory is on each of its devices."""
    now = services.now()
    with services.database.read() as session:
        record = gates.get(session, gate)
        found = find_lags(session, now, gate=gate)
    return {
        "revision": record.revision,
        "published_at": None if record.published_at is None else record.published_at.isoformat(),
        "devices": [_describe_lag(lag) for lag in found],
    }


@router.get("/events/{sequence}/why", name="gate_why")
def why(gate: GateName, sequence: int, staff: StaffDep, services: ServicesDep) -> dict[str, Any]:
    """Return what is known of a refusal, and what would be decided now; that is audited."""
    with services.database.read() as session:
        event = event_store.get(session, sequence)
        if event is None or event.gate != gate:
            raise NotFoundError("there is no such event at this gate")
        now = _ask_again(session, services, event)
    if event.person_id is not None:
        _audit_question(services, staff, gate, event.person_id)
    [shown] = describe_events(services, [event])
    return {**shown, "details": event.details, "now": now}


@router.post("/ask", name="gate_ask")
def ask(
    gate: GateName, question: QuestionIn, staff: StaffDep, _same_origin: SameOriginDep, services: ServicesDep
) -> dict[str, Any]:
    """May this person pass this gate at this time, and why (not)? Nothing opens; who asked about whom is audited."""
    with services.database.read() as session:
        person = people.by_number(session, question.number)
        if person is None:
            raise NotFoundError("there is nobody with this number")
        at = question.at or services.now()
        found = dry_run(session, services.sealer, gate, person.id, at=at, shown=question.shown)
    _audit_question(services, staff, gate, person.id)
    return {"person": person.name, **_describe_decision(found, at)}


def _describe_lag(lag: Lag) -> dict[str, Any]:
    return {
        "view": str(lag.view),
        "revision": lag.revision,
        "behind": lag.behind,
        "behind_s": round(lag.behind_s, 1),
        "waiting_revocations": lag.waiting_revocations,
        "seen_at": lag.seen_at.isoformat(),
    }


def _audit_question(services: ConsoleServices, staff: Claims, gate: str, person_id: UUID) -> None:
    subject, now = f"person:{person_id}", services.now()
    disclosures.record(
        services.database, by=staff.person_id, action="dry_run", subject=subject, now=now, details={"gate": gate}
    )


def _ask_again(session: Session, services: ConsoleServices, event: GateEvent) -> dict[str, Any] | None:
    """Ask the same question now; None where nobody was recognised or the gate has no directory."""
    if event.person_id is None:
        return None
    shown = Shown(event.method) if event.method in set(Shown) else Shown.FACE
    now = services.now()
    try:
        return _describe_decision(
            dry_run(session, services.sealer, event.gate, event.person_id, at=now, shown=shown), now
        )
    except (NotPublishedError, NotFoundError):
        return None


def _describe_decision(found: DryRun, at: datetime) -> dict[str, Any]:
    return {
        "granted": found.decision.granted,
        "reason": found.decision.reason.value,
        "notices": [notice.value for notice in found.decision.notices],
        "at": at.isoformat(),
        "mode": found.mode.value,
        "groups": list(found.groups),
        "in_directory": found.in_directory,
        "known_by": list(found.known_by),
        "revision": found.revision,
    }
