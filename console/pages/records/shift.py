"""The report that one shift hands to the next: what passed, what was refused, what is open, what was ordered."""

from collections import Counter
from datetime import datetime, time, timedelta
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from access.reasons import Notice
from console.dependencies import ServicesDep, StaffDep
from console.disclosures import record_disclosure
from console.pages.records.period import PeriodDep
from console.rendering import forbid_storing, render_page
from console.views.records import describe_past_alarm, describe_past_order, names_in
from directory import gates
from messages import EventKind
from operations import orders
from operations.alarms import pictures, register
from operations.event_search import EventSearch, count_reasons, count_results

router = APIRouter(prefix="/console/records/shift", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_MOST = 200
_UNUSUAL = (
    EventKind.DOOR_FORCED,
    EventKind.DOOR_HELD,
    EventKind.TAILGATED,
    EventKind.PASSAGE_FORCED,
    EventKind.REVERSE_PASSAGE,
    EventKind.TAMPER,
    EventKind.SPOOF,
)
_BEGINS = (time(0), time(8), time(16))
"""Three shifts a day, offered by a press; any other time can be typed."""


@router.get(
    "", response_class=HTMLResponse, dependencies=[record_disclosure("events.read", "events:list")], name="shift_page"
)
def show(request: Request, staff: StaffDep, services: ServicesDep, period: PeriodDep) -> HTMLResponse:
    """Show the report of a time, made to be printed."""
    with services.database.read() as session:
        report = _make_report(session, services, period)
    return render_page(
        request,
        "records/shift.html",
        status=422 if period.problem else 200,
        problem=period.problem,
        period=period,
        by=services.names({staff.person_id}).get(staff.person_id, ""),
        shifts=_offered(services.now().astimezone(services.zone)),
        unusual=_UNUSUAL,
        **report,
    )


def _make_report(session: Session, services: ServicesDep, period: PeriodDep) -> dict[str, Any]:
    whole = EventSearch(since=period.since, until=period.until)
    counted = count_results(session, whole)
    by_gate: dict[str, Counter[str]] = {}
    for (gate, kind), number in counted.items():
        by_gate.setdefault(gate, Counter())[kind] += number
    refused = EventSearch(
        since=period.since, until=period.until, kinds=frozenset({EventKind.ACCESS_DENIED, EventKind.FACE_REFUSED})
    )
    late = EventSearch(since=period.since, until=period.until, notice=Notice.LATE_RETURN)
    alarms = register.find_between(session, period.since, period.until, limit=_MOST)
    asked = orders.find_between(session, period.since, period.until, limit=_MOST)
    names = names_in(services, alarms, asked)
    pictured = pictures.count_by_alarm(session, [one.id for one in alarms])
    return {
        "titles": gates.find_titles(session),
        "by_gate": dict(sorted(by_gate.items())),
        "granted": sum(kinds[EventKind.ACCESS_GRANTED] for kinds in by_gate.values()),
        "refused": sum(kinds[EventKind.ACCESS_DENIED] for kinds in by_gate.values()),
        "reasons": sorted(count_reasons(session, refused).items(), key=lambda one: (-one[1], one[0])),
        "late_returns": sum(count_results(session, late).values()),
        "alarms": [describe_past_alarm(one, names, pictures=pictured.get(one.id, 0)) for one in alarms],
        "orders": [describe_past_order(one, names) for one in asked],
    }


def _offered(now: datetime) -> list[tuple[datetime, datetime]]:
    """Return the last three shifts that have begun, newest first."""
    begins = [
        datetime.combine(now.date() - timedelta(days=back), begin, now.tzinfo) for back in (0, 1) for begin in _BEGINS
    ]
    return [(one, one + timedelta(hours=8)) for one in sorted(begins, reverse=True) if one <= now][:3]
