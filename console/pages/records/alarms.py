"""The history of alarms: when each was raised, who looked after it, and what they noted."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from console import texts
from console.csv_table import csv_response, local_time, write_csv
from console.dependencies import ServicesDep, StaffDep
from console.disclosures import record_disclosure
from console.pages.records.period import PeriodDep
from console.rendering import forbid_storing, language_of, render_page
from console.views.records import describe_past_alarm, names_in
from directory import gates
from operations.alarms import pictures, register
from operations.alarms.rules import AlarmKind
from web.text import OptionalLine

router = APIRouter(prefix="/console/records/alarms", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_MOST = 500
_MOST_IN_TABLE = 20_000
_COLUMNS = (
    "opened",
    "gate",
    "alarm",
    "severity",
    "why",
    "count",
    "ended",
    "closed",
    "acknowledged_by",
    "acknowledged_at",
    "note",
)
Typed = OptionalLine
LOOK = record_disclosure("alarms.read", "alarms:list")


@router.get("", response_class=HTMLResponse, dependencies=[LOOK], name="alarm_records_page")
def show(
    request: Request,
    _staff: StaffDep,
    services: ServicesDep,
    period: PeriodDep,
    *,
    gate: Typed = "",
    kind: Typed = "",
) -> HTMLResponse:
    """Show the alarms of a time, newest first."""
    titles, rows = _find(services, period, gate, kind, _MOST + 1)
    return render_page(
        request,
        "records/alarms.html",
        status=422 if period.problem else 200,
        problem=period.problem,
        period=period,
        typed={"gate": gate, "kind": kind},
        query=urlencode(period.typed | {"gate": gate, "kind": kind}),
        titles=titles,
        kinds=list(AlarmKind),
        rows=rows[:_MOST],
        is_cut=len(rows) > _MOST,
        picture_rules=services.alarm_pictures.rules,
    )


@router.get("/table", dependencies=[LOOK], name="alarm_records_table")
def table(
    request: Request,
    _staff: StaffDep,
    services: ServicesDep,
    period: PeriodDep,
    *,
    gate: Typed = "",
    kind: Typed = "",
    response: Response,
) -> Response:
    """Return the alarms of a time as CSV."""
    t = texts.translator(language_of(request))
    titles, rows = _find(services, period, gate, kind, _MOST_IN_TABLE)
    heading = [t(f"records.column_{one}") for one in _COLUMNS]
    lines = (
        [
            local_time(row["opened_at"], services.zone),
            titles.get(row["gate"], row["gate"]),
            t(f"alarm.{row['kind']}"),
            t(f"severity.{row['severity']}"),
            t(f"reason.{row['reason']}") if row["reason"] else "",
            row["count"],
            local_time(row["restored_at"], services.zone),
            local_time(row["closed_at"], services.zone),
            row["acknowledged_by"] or "",
            local_time(row["acknowledged_at"], services.zone),
            row["note"],
        ]
        for row in rows
    )
    name = f"campusgate-alarms-{period.since:%Y%m%d}-{period.until:%Y%m%d}.csv"
    return csv_response(write_csv(heading, lines), name, response)


def _find(
    services: ServicesDep, period: PeriodDep, gate: str, kind: str, limit: int
) -> tuple[dict[str, str], list[Any]]:
    with services.database.read() as session:
        titles = gates.find_titles(session)
        found = register.find_between(
            session, period.since, period.until, gate=gate or None, kind=kind or None, limit=limit
        )
        names = names_in(services, found, [])
        counted = pictures.count_by_alarm(session, [one.id for one in found])
        return titles, [describe_past_alarm(one, names, pictures=counted.get(one.id, 0)) for one in found]
