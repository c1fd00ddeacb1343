"""For the reading process: its plan, its readings, states of lines and meters; see `metering.reader_contract`."""

from fastapi import APIRouter

from accounts.api.dependencies import DEVICE_ERRORS, MeterDep, NowDep
from metering.api.dependencies import MeteringDep
from metering.reader_contract import Plan, ReadingsIn, ReadingsOut, StatusIn
from metering.rooms import reader
from web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["meter reader"])


@router.get("/meter-reader/plan", responses=responses(*DEVICE_ERRORS))
def show_plan(services: MeteringDep, device: MeterDep) -> Plan:
    """Show the lines that this device reads, with their meters."""
    with services.database.read() as session:
        limits = services.supply.find_load_limits(session, device.device_id)
        return reader.make_plan(session, device.device_id, services.cycle, limits)


@router.post("/meter-reader/readings", responses=responses(*DEVICE_ERRORS))
def take_readings(services: MeteringDep, device: MeterDep, now: NowDep, body: ReadingsIn) -> ReadingsOut:
    """Store readings of this device's meters; sending them again changes nothing. Doubtful ones wait for a person."""
    with services.database.begin() as session:
        taken = reader.take_readings(session, device.device_id, body, now)
        if taken.stored:
            services.supply.note_readings(session, {one.meter for one in body.readings}, now=now)
        return taken


@router.post("/meter-reader/status", status_code=204, responses=responses(*DEVICE_ERRORS))
def take_status(services: MeteringDep, device: MeterDep, now: NowDep, body: StatusIn) -> None:
    """Note which lines and meters answer, and what their relays do; a room that draws too much is cut off at once."""
    with services.database.begin() as session:
        loads = reader.take_status(session, device.device_id, body, now)
        services.supply.note_loads(session, loads, now=now)
        services.supply.call_for_review(session, [one.meter for one in body.meters], now=now)
