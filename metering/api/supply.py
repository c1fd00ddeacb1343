"""Routes about a room's supply: what residents see and apply for, what staff cut off, arm and allow."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from accounts import audit
from accounts.api.dependencies import (
    OVER_ERRORS,
    PERSON_ERRORS,
    ROLE_ERRORS,
    DatabaseDep,
    FacilitiesDep,
    NowDep,
    PrincipalDep,
)
from accounts.api.disclosures import record_disclosure
from metering.api.dependencies import MeteringDep
from metering.api.supply_schemas import (
    ApplicationIn,
    ApplicationOut,
    RoomSupplyOut,
    StaffRequestIn,
    SupplyLimitsIn,
    SupplyLimitsOut,
    SupplyRequestOut,
    TemperatureIn,
)
from metering.rooms import registry, residents
from metering.rooms.own_room import require_another_room
from metering.supply import requests, room_state, view
from metering.supply.requests import (
    NoSuchCutOffError,
    NotForStaffError,
    SecondPersonForSupplyError,
    SupplyRequestNotWaitingError,
)
from metering.supply.states import RequestAction, RequestState
from metering.supply.tables import OutdoorTemperature, SupplyRequest
from web import idempotency
from web.idempotency import OnceDep
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1", tags=["supply"])


@router.get("/me/room/supply", responses=responses(*PERSON_ERRORS, NotFoundError))
def see_own_supply(person: PrincipalDep, database: DatabaseDep, now: NowDep, metering: MeteringDep) -> RoomSupplyOut:
    """See the supply of the room one lives in: why it is dark, what helps, and how far a top-up has come."""
    with database.read() as session:
        home = residents.find_residence(session, person.person_id, now.astimezone(metering.zone).date())
        if home is None:
            raise NotFoundError("you live in no room here")
        found = view.look(session, metering.supply, home.room_id, now=now)
        emergency_fen = metering.supply.rules.emergency_fen
        return RoomSupplyOut.of(home.room_id, found, emergency_fen=emergency_fen)


@router.post(
    "/me/room/supply/applications",
    status_code=201,
    responses=responses(*PERSON_ERRORS, NotFoundError, NotForStaffError, NoSuchCutOffError),
)
def apply(
    wanted: ApplicationIn, *, person: PrincipalDep, database: DatabaseDep, now: NowDep, metering: MeteringDep
) -> ApplicationOut:
    """Apply in writing for the end of a cut-off that does not end by itself; a second time gives the first one."""
    with database.begin() as session:
        home = residents.find_residence(session, person.person_id, now.astimezone(metering.zone).date())
        if home is None:
            raise NotFoundError("you live in no room here")
        row = requests.apply(session, home.room_id, wanted.reason, note=wanted.note, by=person.person_id, now=now)
        return ApplicationOut.model_validate(row, from_attributes=True)


@router.get(
    "/rooms/{room_id}/supply",
    responses=responses(*ROLE_ERRORS, NotFoundError),
    dependencies=[record_disclosure("supply.read", "room:{room_id}")],
)
def see_supply(
    room_id: UUID, *, _staff: FacilitiesDep, database: DatabaseDep, now: NowDep, metering: MeteringDep
) -> RoomSupplyOut:
    """See a room's supply, as its residents do."""
    with database.read() as session:
        registry.get_room(session, room_id)
        found = view.look(session, metering.supply, room_id, now=now)
        return RoomSupplyOut.of(room_id, found, emergency_fen=metering.supply.rules.emergency_fen)


@router.post(
    "/rooms/{room_id}/supply/requests",
    status_code=201,
    responses=responses(*OVER_ERRORS, *idempotency.ERRORS, NotFoundError, NotForStaffError, NoSuchCutOffError),
)
def ask_for_supply(
    room_id: UUID,
    wanted: StaffRequestIn,
    *,
    staff: FacilitiesDep,
    once: OnceDep,
    database: DatabaseDep,
    now: NowDep,
    metering: MeteringDep,
) -> SupplyRequestOut:
    """Ask for a room to be cut off or armed. It waits for a second person, unless a load is dangerous."""
    if wanted.action is RequestAction.APPLY:
        raise NotForStaffError("residents apply; staff cut off and arm")

    def write() -> SupplyRequestOut:
        registry.get_room(session, room_id)
        require_another_room(session, staff, room_id, now=now, zone=metering.zone)
        row = requests.ask(
            session,
            metering.supply,
            room_id,
            wanted.action,
            wanted.reason,
            note=wanted.note,
            by=staff.person_id,
            two_persons=metering.two_persons,
            now=now,
        )
        return SupplyRequestOut.of(row)

    with database.begin() as session:
        return once.answer(session, SupplyRequestOut, write, scope=staff.actor, now=now)


@router.post(
    "/supply-requests/{request_id}/confirm",
    responses=responses(
        *OVER_ERRORS,
        NotFoundError,
        SupplyRequestNotWaitingError,
        SecondPersonForSupplyError,
        NotForStaffError,
        NoSuchCutOffError,
    ),
)
def confirm_supply_request(
    request_id: UUID, *, staff: FacilitiesDep, database: DatabaseDep, now: NowDep, metering: MeteringDep
) -> SupplyRequestOut:
    """Confirm another person's request, which is then carried out; or grant what a resident applied for."""
    with database.begin() as session:
        asked = session.get(SupplyRequest, request_id)
        require_another_room(session, staff, None if asked is None else asked.room_id, now=now, zone=metering.zone)
        row = requests.confirm(session, metering.supply, request_id, by=staff.person_id, now=now)
        return SupplyRequestOut.of(row)


@router.post(
    "/supply-requests/{request_id}/cancel",
    responses=responses(*ROLE_ERRORS, NotFoundError, SupplyRequestNotWaitingError),
)
def cancel_supply_request(
    request_id: UUID, staff: FacilitiesDep, database: DatabaseDep, now: NowDep
) -> SupplyRequestOut:
    """Take a request back, or refuse what a resident applied for."""
    with database.begin() as session:
        return SupplyRequestOut.of(requests.cancel(session, request_id, by=staff.person_id, now=now))


@router.get(
    "/supply-requests",
    responses=responses(*ROLE_ERRORS, InvalidCursorError),
    dependencies=[record_disclosure("supply_requests.read", "supply_requests:list")],
)
def list_supply_requests(
    _staff: FacilitiesDep,
    database: DatabaseDep,
    page: PageDep,
    state: Annotated[RequestState | None, Query()] = None,
) -> Page[SupplyRequestOut]:
    """List requests of staff and applications of residents, newest first."""
    with database.read() as session:
        rows = requests.find(session, state=state, before=page.after(UUID), limit=page.limit + 1)
    shown, following = page.cut(rows, lambda row: row.id)
    return Page(items=[SupplyRequestOut.of(row) for row in shown], next=following)


@router.put("/rooms/{room_id}/supply/limits", responses=responses(*OVER_ERRORS, NotFoundError))
def set_limits(
    room_id: UUID,
    wanted: SupplyLimitsIn,
    *,
    staff: FacilitiesDep,
    database: DatabaseDep,
    now: NowDep,
    metering: MeteringDep,
) -> SupplyLimitsOut:
    """Allow a room another load than the campus's, or leave it out of the curfew."""
    with database.begin() as session:
        registry.get_room(session, room_id)
        require_another_room(session, staff, room_id, now=now, zone=metering.zone)
        state = room_state.lock(session, room_id)
        state.load_limit_w, state.is_curfew_exempt = wanted.load_limit_w, wanted.is_curfew_exempt
        details: dict[str, audit.Scalar | list[str]] = dict(wanted.model_dump())
        audit.record(
            session, actor=staff.actor, action="supply.limits", subject=f"room:{room_id}", now=now, details=details
        )
        metering.supply.review(session, room_id, now=now)
        return SupplyLimitsOut(
            room_id=room_id, load_limit_w=state.load_limit_w, is_curfew_exempt=state.is_curfew_exempt
        )


@router.put("/outdoor-temperature", status_code=204, responses=responses(*ROLE_ERRORS))
def set_temperature(wanted: TemperatureIn, staff: FacilitiesDep, database: DatabaseDep, now: NowDep) -> None:
    """Say how cold it gets outside: while it is colder than the campus's limit, nobody is cut off for money."""
    with database.begin() as session:
        session.add(
            OutdoorTemperature(
                temperature_c=wanted.temperature_c,
                valid_until=wanted.valid_until,
                set_by=staff.person_id,
                set_at=now,
            )
        )
        details: dict[str, audit.Scalar | list[str]] = {"temperature_c": wanted.temperature_c}
        audit.record(
            session, actor=staff.actor, action="supply.temperature", subject="campus:weather", now=now, details=details
        )
