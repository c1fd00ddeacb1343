"""The history of orders: who opened, held or locked what, when and why, and what came of it."""

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
from console.views.records import describe_past_order, names_in
from directory import gates
from operations import orders

router = APIRouter(prefix="/console/records/orders", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_MOST = 500
_MOST_IN_TABLE = 20_000
LOOK = record_disclosure("orders.read", "orders:list")


@router.get("", response_class=HTMLResponse, dependencies=[LOOK], name="order_records_page")
def show(request: Request, _staff: StaffDep, services: ServicesDep, period: PeriodDep) -> HTMLResponse:
    """Show the orders of a time, newest first."""
    titles, rows = _find(services, period, _MOST + 1)
    return render_page(
        request,
        "records/orders.html",
        status=422 if period.problem else 200,
        problem=period.problem,
        period=period,
        query=urlencode(period.typed),
        titles=titles,
        rows=rows[:_MOST],
        is_cut=len(rows) > _MOST,
    )


@router.get("/table", dependencies=[LOOK], name="order_records_table")
def table(request: Request, _staff: StaffDep, services: ServicesDep, period: PeriodDep, response: Response) -> Response:
    """Return the orders of a time as CSV."""
    t = texts.translator(language_of(request))
    titles, rows = _find(services, period, _MOST_IN_TABLE)
    names = ("time", "order", "gates", "asked_by", "confirmed_by", "carried_out", "note")
    lines = (
        [
            local_time(row["asked_at"], services.zone),
            t(f"order.{row['action']}"),
            t("order.between").join(titles.get(gate, gate) for gate in row["gates"]),
            row["asked_by"],
            row["confirmed_by"] or "",
            t("records.carried_out") if row["carried_out_at"] else t("records.not_carried_out"),
            row["note"],
        ]
        for row in rows
    )
    name = f"campusgate-orders-{period.since:%Y%m%d}-{period.until:%Y%m%d}.csv"
    return csv_response(write_csv([t(f"records.column_{one}") for one in names], lines), name, response)


def _find(services: ServicesDep, period: PeriodDep, limit: int) -> tuple[dict[str, str], list[dict[str, Any]]]:
    with services.database.read() as session:
        titles = gates.find_titles(session)
        found = orders.find_between(session, period.since, period.until, limit=limit)
        names = names_in(services, [], found)
        return titles, [describe_past_order(one, names) for one in found]
