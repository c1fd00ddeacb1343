"""Who came back late in one night."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from access.reasons import Notice
from console import texts
from console.csv_table import csv_response, local_time, write_csv
from console.dependencies import ServicesDep, StaffDep
from console.disclosures import record_disclosure
from console.forms import read_day
from console.rendering import forbid_storing, language_of, render_page
from console.views.records import FoundPassage, describe_passages
from directory import gates
from operations.event_search import EventSearch, find_events
from operations.passages import group

router = APIRouter(
    prefix="/console/records/late-returns", include_in_schema=False, dependencies=[Depends(forbid_storing)]
)

_NOON = time(12)
"""A night is from one noon to the next, so that it is one whatever its hours."""
_MOST = 2_000
Night = Annotated[str, Query(max_length=10, description="the day on whose evening it begins")]
LOOK = record_disclosure("events.read", "events:list")


@router.get("", response_class=HTMLResponse, dependencies=[LOOK], name="late_returns_page")
def show(request: Request, _staff: StaffDep, services: ServicesDep, night: Night = "") -> HTMLResponse:
    """Show the list of a night; without one, of the last that has begun."""
    asked = read_day(night) if night else _last_night(services)
    begins = asked or _last_night(services)
    titles, rows = _find(services, begins)
    return render_page(
        request,
        "records/late_returns.html",
        status=200 if asked else 422,
        problem=None if asked else "records.night_unread",
        night=begins,
        before=begins - timedelta(days=1),
        after=begins + timedelta(days=1),
        titles=titles,
        rows=rows,
    )


@router.get("/table", dependencies=[LOOK], name="late_returns_table")
def table(
    request: Request, _staff: StaffDep, services: ServicesDep, night: Night = "", *, response: Response
) -> Response:
    """Return the list of a night as CSV."""
    t = texts.translator(language_of(request))
    begins = read_day(night) or _last_night(services)
    titles, rows = _find(services, begins)
    names = ("time", "number", "person", "department", "gate", "by")
    lines: Sequence[Sequence[Any]] = [
        [
            local_time(row.at, services.zone),
            row.person.number if row.person else "",
            row.person.name if row.person else "",
            (row.person.department or "") if row.person else "",
            titles.get(row["gate"], row["gate"]),
            t(f"method.{row['method']}") if row["method"] else "",
        ]
        for row in rows
    ]
    text = write_csv([t(f"records.column_{one}") for one in names], lines)
    return csv_response(text, f"campusgate-late-returns-{begins}.csv", response)


def _last_night(services: ServicesDep) -> date:
    now = services.now().astimezone(services.zone)
    return now.date() if now.time() >= _NOON else now.date() - timedelta(days=1)


def _find(services: ServicesDep, night: date) -> tuple[dict[str, str], list[FoundPassage]]:
    begin = datetime.combine(night, _NOON, services.zone)
    search = EventSearch(since=begin, until=begin + timedelta(days=1), notice=Notice.LATE_RETURN)
    with services.database.read() as session:
        titles = gates.find_titles(session)
        found = find_events(session, search, limit=_MOST)
    return titles, describe_passages(services, group(found))
