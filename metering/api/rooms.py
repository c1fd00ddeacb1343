"""Buildings, rooms and who lives in them."""

from datetime import date, datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from accounts.api.dependencies import (
    OVER_ERRORS,
    PERSON_ERRORS,
    ROLE_ERRORS,
    FacilitiesDep,
    NowDep,
    PrincipalDep,
)
from accounts.api.disclosures import record_disclosure
from metering.api.dependencies import MeteringDep
from metering.billing import moves
from metering.billing.settlement import RoomDebtError, RoomNotReadError
from metering.rooms import registry, resident_list, residents
from metering.rooms.registry import BuildingTakenError, RoomClosedError, RoomInUseError, RoomTakenError
from metering.rooms.resident_list import ListedResident, ResidentOutcome
from metering.rooms.residents import LivesElsewhereError, LivesNowhereError, RoomFullError
from metering.rooms.tables import Building, Residence, Room
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses
from web.text import Line, Slug, line

router = APIRouter(prefix="/api/v1", tags=["rooms"])

_DEBT_ERRORS = (RoomDebtError, RoomNotReadError)
_MOVE_ERRORS = (NotFoundError, LivesElsewhereError, LivesNowhereError, RoomFullError, RoomClosedError, *_DEBT_ERRORS)
RoomNumber = Annotated[str, line(20)]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BuildingIn(_Body):
    """A building to be added."""

    code: Slug
    name: Line


class BuildingOut(BaseModel):
    """A building."""

    id: UUID
    code: str
    name: str

    @classmethod
    def of(cls, building: Building) -> "BuildingOut":
        """Show `building`."""
        return cls.model_validate(building, from_attributes=True)


class RoomIn(_Body):
    """A room to be added; its number is compared as it is written."""

    number: RoomNumber
    beds: int = Field(ge=1, le=100)


class RoomOut(BaseModel):
    """A room."""

    id: UUID
    building_id: UUID
    number: str
    beds: int
    closed_at: datetime | None

    @classmethod
    def of(cls, room: Room) -> "RoomOut":
        """Show `room`."""
        return cls.model_validate(room, from_attributes=True)


class ResidenceIn(_Body):
    """Where a person lives from the midnight that begins `day`; out of where they lived until then."""

    room_id: UUID
    day: Day
    despite_debt: Line | None = Field(default=None, description="why an administrator lets a debt be")


class ResidenceEnd(_Body):
    """The first day on which a person does not live where they do."""

    day: Day
    despite_debt: Line | None = Field(default=None, description="why an administrator lets a debt be")


class ResidenceOut(BaseModel):
    """Who lives in which room, from the day they moved in to before the day they moved out."""

    person_id: UUID
    room_id: UUID
    moved_in: date
    moved_out: date | None

    @classmethod
    def of(cls, residence: Residence) -> "ResidenceOut":
        """Show `residence`."""
        return cls.model_validate(residence, from_attributes=True)


class OwnResidence(BaseModel):
    """Where one lives: the room's whole name."""

    building: BuildingOut
    room: RoomOut
    moved_in: date


class ResidentRow(_Body):
    """A row of a list: a person's number, and where they live from when on."""

    number: Annotated[str, line(20)]
    building: Slug
    room: RoomNumber
    day: Day


class ResidentsIn(_Body):
    """A part of a list of residents; with `dry_run` nothing is changed."""

    rows: list[ResidentRow] = Field(min_length=1, max_length=500)
    dry_run: bool = False


class ResidentResult(BaseModel):
    """What became of a row, by its position from 1; `why` is a problem's code."""

    line: int
    outcome: ResidentOutcome
    why: str | None


@router.get("/buildings", responses=responses(*PERSON_ERRORS))
def list_buildings(services: MeteringDep, _principal: PrincipalDep) -> list[BuildingOut]:
    """List the buildings, for whoever chooses a room."""
    with services.database.read() as session:
        return [BuildingOut.of(building) for building in registry.find_buildings(session)]


@router.post("/buildings", status_code=201, responses=responses(*ROLE_ERRORS, BuildingTakenError))
def add_building(services: MeteringDep, staff: FacilitiesDep, now: NowDep, body: BuildingIn) -> BuildingOut:
    """Add a building."""
    with services.database.begin() as session:
        return BuildingOut.of(registry.add_building(session, body.code, body.name, by=staff.actor, now=now))


@router.get("/buildings/{building_id}/rooms", responses=responses(*PERSON_ERRORS, NotFoundError, InvalidCursorError))
def list_rooms(services: MeteringDep, _principal: PrincipalDep, page: PageDep, building_id: UUID) -> Page[RoomOut]:
    """List a building's rooms, for whoever chooses one."""
    with services.database.read() as session:
        registry.get_building(session, building_id)
        found = registry.find_rooms(session, building_id, after=page.after(str), limit=page.limit + 1)
        rows, following = page.cut(found, lambda room: room.number)
        return Page(items=[RoomOut.of(room) for room in rows], next=following)


@router.post(
    "/buildings/{building_id}/rooms", status_code=201, responses=responses(*ROLE_ERRORS, NotFoundError, RoomTakenError)
)
def add_room(services: MeteringDep, staff: FacilitiesDep, now: NowDep, building_id: UUID, body: RoomIn) -> RoomOut:
    """Add a room to a building."""
    with services.database.begin() as session:
        return RoomOut.of(registry.add_room(session, building_id, body.number, body.beds, by=staff.actor, now=now))


@router.post("/rooms/{room_id}/close", responses=responses(*ROLE_ERRORS, NotFoundError, RoomInUseError))
def close_room(services: MeteringDep, staff: FacilitiesDep, now: NowDep, room_id: UUID) -> RoomOut:
    """Close a room for good."""
    with services.database.begin() as session:
        return RoomOut.of(registry.close_room(session, room_id, by=staff.actor, now=now))


@router.get(
    "/rooms/{room_id}/residents",
    dependencies=[record_disclosure("residents.read", "room:{room_id}")],
    responses=responses(*ROLE_ERRORS, NotFoundError),
)
def list_residents(services: MeteringDep, _staff: FacilitiesDep, room_id: UUID) -> list[ResidenceOut]:
    """List who lives, lived or will live in a room."""
    with services.database.read() as session:
        registry.get_room(session, room_id)
        return [ResidenceOut.of(one) for one in residents.find_history(session, room_id)]


@router.put("/people/{person_id}/residence", responses=responses(*OVER_ERRORS, *_MOVE_ERRORS))
def move_person(
    services: MeteringDep, staff: FacilitiesDep, now: NowDep, person_id: UUID, body: ResidenceIn
) -> ResidenceOut:
    """Let a person move in, or move over from where they live, by the midnight that begins a day.

    Whoever leaves a room pays their share of its debt first.
    """
    with services.database.begin() as session:
        moved = moves.move_over(
            session,
            services.zone,
            person_id,
            body.room_id,
            body.day,
            staff=staff,
            despite_debt=body.despite_debt,
            now=now,
        )
        return ResidenceOut.of(moved)


@router.post(
    "/people/{person_id}/residence/end",
    responses=responses(*OVER_ERRORS, NotFoundError, LivesNowhereError, *_DEBT_ERRORS),
)
def end_residence(
    services: MeteringDep, staff: FacilitiesDep, now: NowDep, person_id: UUID, body: ResidenceEnd
) -> ResidenceOut:
    """Let a person move out by the midnight that begins a day, once their share of the room's debt is paid."""
    with services.database.begin() as session:
        moved = moves.move_out(
            session, services.zone, person_id, body.day, staff=staff, despite_debt=body.despite_debt, now=now
        )
        return ResidenceOut.of(moved)


@router.get("/me/residence", responses=responses(*PERSON_ERRORS, NotFoundError))
def show_my_residence(services: MeteringDep, principal: PrincipalDep, now: NowDep) -> OwnResidence:
    """Show where one lives today: the room that one's curve, payments and quota belong to."""
    with services.database.read() as session:
        found = residents.find_residence(session, principal.person_id, now.astimezone(services.zone).date())
        if found is None:
            raise NotFoundError("you live in no room that is known here")
        room = registry.get_room(session, found.room_id)
        building = registry.get_building(session, room.building_id)
        return OwnResidence(building=BuildingOut.of(building), room=RoomOut.of(room), moved_in=found.moved_in)


@router.post(
    "/residents/import",
    dependencies=[record_disclosure("residents.import", "residents:list")],
    responses=responses(*ROLE_ERRORS),
)
def import_residents(
    services: MeteringDep, staff: FacilitiesDep, now: NowDep, body: ResidentsIn
) -> list[ResidentResult]:
    """Bring who lives where to what a list says; doing it again changes nothing.

    Whoever leaves a room pays their share of its debt first, as when they move one by one.
    """
    rows = [ListedResident(line, **row.model_dump()) for line, row in enumerate(body.rows, start=1)]
    leave = partial(moves.leave_listed, zone=services.zone, staff=staff, now=now)
    results = resident_list.apply(services.database, rows, leave, by=staff.actor, dry_run=body.dry_run, now=now)
    return [ResidentResult(line=one.line, outcome=one.outcome, why=one.why) for one in results]
