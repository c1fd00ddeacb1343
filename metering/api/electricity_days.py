"""Routes about the day's reconciliation: readings, charges and ledger, room by room."""

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
from metering.billing.day_table import write_table
from metering.billing.plan_schemas import Day
from metering.billing.reconciliation import reconcile
from web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["rooms"])


@router.get("/electricity-days/{day}", responses=responses(*ROLE_ERRORS))
def show_day(services: MeteringDep, staff: FacilitiesDep, now: NowDep, day: Day) -> DayOut:
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
def download_day(services: MeteringDep, staff: FacilitiesDep, now: NowDep, day: Day) -> Response:
    """Download the comparison as CSV; energy in kWh, money in yuan, each said in its heading."""
    del staff
    with services.database.read() as session:
        rooms = reconcile(session, day, now, services.zone)
    headers = {"Content-Disposition": f'attachment; filename="electricity-{day}.csv"'}
    return Response(write_table(day, rooms), media_type="text/csv; charset=utf-8", headers=headers)
