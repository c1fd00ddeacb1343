"""The day's reconciliation for staff: readings, charges and ledger, room by room, with its table to take away."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from console.csv_table import csv_response
from console.dependencies import MeteringDep, ServicesDep, StaffDep
from console.metering_rendering import render_metering
from console.rendering import forbid_storing
from console.views.metering_figures import Figures
from metering.billing.day_table import write_table
from metering.billing.reconciliation import Finding, RoomDay, reconcile
from web.times import Day

router = APIRouter(prefix="/console/metering/days", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_MOST = 200
_FINE = frozenset({Finding.AGREES})


@router.get("", response_class=HTMLResponse, name="metering_day_page")
def show(
    request: Request,
    staff: StaffDep,
    services: ServicesDep,
    metering: MeteringDep,
    *,
    day: Annotated[Day | None, Query()] = None,
    everything: Annotated[bool, Query()] = False,
) -> HTMLResponse:
    """Show a day, yesterday where none is named: what does not agree, or every room."""
    figures = Figures(metering.zone, services.now())
    last = figures.today() - timedelta(days=1)
    day = min(day or last, last)
    with services.database.read() as session:
        rooms = reconcile(session, day, figures.now, metering.zone)
    shown = rooms if everything else [one for one in rooms if one.finding not in _FINE]
    return render_metering(
        request,
        "metering/day.html",
        services,
        staff,
        figures=figures,
        day=day,
        last=last,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1),
        everything=everything,
        rooms=shown[:_MOST],
        left_out=max(0, len(shown) - _MOST),
        totals=_count(rooms),
    )


@router.get("/{day}/table", response_class=Response, name="metering_day_table")
def download(day: Day, staff: StaffDep, services: ServicesDep, metering: MeteringDep, response: Response) -> Response:
    """Download a day as CSV, with the mark by which spreadsheets know that it is UTF-8."""
    del staff
    with services.database.read() as session:
        rooms = reconcile(session, day, services.now(), metering.zone)
    return csv_response(write_table(day, rooms), f"electricity-{day}.csv", response)


def _count(rooms: list[RoomDay]) -> dict[str, int]:
    findings = {f"{finding.value}": sum(one.finding is finding for one in rooms) for finding in Finding}
    return {
        "rooms": len(rooms),
        "read_wh": sum(one.read_wh or 0 for one in rooms),
        "charged_wh": sum(one.charged_wh for one in rooms),
        "charged_fen": sum(one.charged_fen for one in rooms),
        "ledger_fen": sum(one.ledger_fen for one in rooms),
    } | findings
