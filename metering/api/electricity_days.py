"""Routes about the day's reconciliation: readings, charges and ledger, room by room."""

import csv
import io
from datetime import date

from fastapi import APIRouter, Response

from accounts.api.dependencies import (
    ROLE_ERRORS,
    FacilitiesDep,
    NowDep,
)
from metering.api.dependencies import MeteringDep
from metering.api.room_money_bodies import (
    DayOut,
    RoomDayOut,
)
from metering.billing.reconciliation import RoomDay, reconcile
from web.problems import responses

router = APIRouter(tags=["rooms"])


@router.get("/electricity-days/{day}", responses=responses(*ROLE_ERRORS))
def show_day(services: MeteringDep, staff: FacilitiesDep, now: NowDep, day: date) -> DayOut:
    """Compare the readings of a day with its charges and with the ledger, room by room."""
    del staff
    with services.database.read() as session:
        rooms = reconcile(session, day, now, services.zone)
    return DayOut(
        day=day,
        rooms=[RoomDayOut.model_validate(one, from_attributes=True) for one in rooms],
        charged_wh=sum(one.charged_wh for one in rooms),
        charged_fen=sum(one.charged_fen for one in rooms),
        ledger_fen=sum(one.ledger_fen for one in rooms),
    )


@router.get(
    "/electricity-days/{day}/table",
    response_class=Response,
    responses={**responses(*ROLE_ERRORS), 200: {"content": {"text/csv": {}}}},
)
def download_day(services: MeteringDep, staff: FacilitiesDep, now: NowDep, day: date) -> Response:
    """Download the comparison as CSV; energy in kWh, money in yuan, each said in its heading."""
    del staff
    with services.database.read() as session:
        rooms = reconcile(session, day, now, services.zone)
    headers = {"Content-Disposition": f'attachment; filename="electricity-{day}.csv"'}
    return Response(_table(day, rooms), media_type="text/csv; charset=utf-8", headers=headers)


_HEADING = ("day", "building", "room", "finding", "read_kwh", "charged_kwh", "charged_yuan", "ledger_yuan")


def _table(day: date, rooms: list[RoomDay]) -> str:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(_HEADING)
    for one in rooms:
        energy = ("" if wh is None else f"{wh // 1000}.{wh % 1000:03}" for wh in (one.read_wh, one.charged_wh))
        money = (f"{fen // 100}.{fen % 100:02}" for fen in (one.charged_fen, one.ledger_fen))
        rows.writerow((day, _safe(one.building), _safe(one.number), one.finding.value, *energy, *money))
    return text.getvalue()


def _safe(text: str) -> str:
    """Keep a spreadsheet from taking a name for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t" else text
