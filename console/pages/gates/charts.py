"""Charts of the gates: a day's passages, refusals and occupancy. They count, and name nobody."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from console.dependencies import ServicesDep, StaffDep
from console.forms import read_day
from console.rendering import render_page
from console.views.charts import chart_day
from directory import gates

router = APIRouter(prefix="/console/charts", include_in_schema=False)


@router.get("", response_class=HTMLResponse, name="charts_page")
def show(
    request: Request,
    _staff: StaffDep,
    services: ServicesDep,
    *,
    day: Annotated[str, Query(max_length=10)] = "",
    gate: Annotated[str, Query(max_length=63)] = "",
    zone: Annotated[str, Query(max_length=63)] = "",
) -> HTMLResponse:
    """Show a day; what was chosen and is not there counts as not chosen."""
    now = services.now()
    today = now.astimezone(services.zone).date()
    wanted = min(read_day(day) or today, today)
    with services.database.read() as session:
        all_gates = sorted(gates.find(session), key=lambda one: one.title)
        zones = gates.find_zones(session)
        chosen = gate if gate in {one.name for one in all_gates} else None
        inside = zone if zone in {one.name for one in zones} else (zones[0].name if zones else None)
        charts = chart_day(session, wanted, gate=chosen, zone=inside, campus=services.zone, now=now)
    return render_page(
        request,
        "gates/charts.html",
        charts=charts,
        day=wanted,
        before=wanted - timedelta(days=1),
        after=wanted + timedelta(days=1) if wanted < today else None,
        today=today,
        gates=[(one.name, one.title) for one in all_gates],
        gate=chosen or "",
        gate_title=next((one.title for one in all_gates if one.name == chosen), None),
        zones=[(one.name, one.title) for one in zones],
        zone=inside or "",
        zone_title=next((one.title for one in zones if one.name == inside), None),
    )
