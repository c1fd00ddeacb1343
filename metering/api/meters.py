"""Lines and meters, and for which room each meter counts; for staff."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from accounts.api.dependencies import OVER_ERRORS, ROLE_ERRORS, FacilitiesDep, NowDep
from metering.api.dependencies import MeteringDep
from metering.reader_contract import Digits, Protocol
from metering.readings.values import Register
from metering.rooms import installation, meters, reader
from metering.rooms.installation import (
    Exchange,
    MeterCountsError,
    MeterIdleError,
    ReadingContradictedError,
    Stand,
)
from metering.rooms.meters import LineTakenError, MeterTakenError, UnknownReaderError
from metering.rooms.own_room import require_another_room
from metering.rooms.plates import MeterPlateError
from metering.rooms.registry import RoomClosedError
from metering.rooms.tables import Meter, MeterLine, MeterPeriod
from metering.vocabulary import ReadingSource, SupplyState, Utility
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses
from web.text import Line, Slug
from web.times import Moment

router = APIRouter(prefix="/api/v1", tags=["meters"])

_CHANGE_ERRORS = (*OVER_ERRORS, NotFoundError, MeterIdleError, MeterCountsError, ReadingContradictedError)
_PLATE_ERRORS = (NotFoundError, MeterPlateError, MeterTakenError)
BitsPerS = Annotated[int, Field(ge=300, le=115_200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MeterLineChange(_Body):
    """Where a line is, and which device reads it; nobody where that is null."""

    url: Line = Field(examples=["tcp://10.0.6.20:8899"])
    bits_per_s: BitsPerS = 2_400
    device_id: UUID | None = None


class MeterLineIn(MeterLineChange):
    """A line to be added."""

    name: Slug
    protocol: Protocol


class MeterLineOut(BaseModel):
    """A line, and what its reader said of it last; `is_up` is null while nobody said anything."""

    id: UUID
    name: str
    url: str
    protocol: Protocol
    bits_per_s: int
    device_id: UUID | None
    is_up: bool | None
    since: datetime | None
    silent_meters: int
    heard_at: datetime | None

    @classmethod
    def of(cls, line: MeterLine) -> "MeterLineOut":
        """Show `line`."""
        return cls.model_validate(line, from_attributes=True)


class MeterIn(_Body):
    """A meter, as its plate says. Without a line nobody reads it."""

    serial: Line
    model: Slug
    address: Line
    line_id: UUID | None = None
    has_relay: bool = False


class NewMeter(MeterIn):
    """A meter to be added."""

    utility: Utility = Utility.ELECTRICITY


class MeterOut(BaseModel):
    """A meter, and what it said of itself last."""

    id: UUID
    serial: str
    utility: Utility
    model: str
    address: str
    line_id: UUID | None
    has_relay: bool
    supply: SupplyState
    silent_since: datetime | None
    status_word: int | None
    status_at: datetime | None
    clock_off_s: int | None

    @classmethod
    def of(cls, meter: Meter) -> "MeterOut":
        """Show `meter`."""
        return cls.model_validate(meter, from_attributes=True)


class RegisterIn(_Body):
    """A meter's register for a period; `digits` with the decimals, `ratio` of its transformers, `max_w` behind them."""

    digits: int = Field(default=8, ge=1, le=15)
    decimals: int = Field(default=2, ge=0, le=3)
    ratio: int = Field(default=1, ge=1, le=1_000_000)
    max_w: int = Field(default=20_000, ge=1, le=1_000_000_000)

    @model_validator(mode="after")
    def _has_whole_digits(self) -> "RegisterIn":
        if self.decimals >= self.digits:
            raise ValueError("a register has fewer decimals than digits")
        return self

    def to_register(self) -> Register:
        """Return the register."""
        return Register(self.digits, self.decimals, self.ratio, self.max_w)


class PeriodOut(BaseModel):
    """A meter counted for a room: from when to when, and what it showed at both instants."""

    id: UUID
    room_id: UUID
    begins_at: datetime
    ends_at: datetime | None
    digits: int
    decimals: int
    ratio: int
    max_w: int
    first_digits: int
    first_source: ReadingSource
    final_digits: int | None
    final_source: ReadingSource | None

    @classmethod
    def of(cls, period: MeterPeriod) -> "PeriodOut":
        """Show `period`."""
        return cls.model_validate(period, from_attributes=True)


class InstallationIn(_Body):
    """From when on a meter counts for a room, and what its register showed then; zero only if it showed zero."""

    room_id: UUID
    at: Moment
    digits: Digits
    energy_register: RegisterIn = RegisterIn()


class RemovalIn(_Body):
    """From when on a meter counts no longer, and what its register showed then."""

    at: Moment
    digits: Digits


class ReplacementIn(_Body):
    """Which meter takes another's place, at which one instant, and what both showed then."""

    new_meter_id: UUID
    at: Moment
    final_digits: Digits
    first_digits: Digits
    energy_register: RegisterIn | None = Field(
        default=None, description="of the new meter; as the old one's when left out"
    )


class SilentMeter(BaseModel):
    """A meter that does not answer on a line that does."""

    meter: MeterOut
    line: str


class Silence(BaseModel):
    """Lines whose reader reports nothing, whose gateway does not answer, silent meters on others; longest first."""

    unread: list[MeterLineOut]
    lines: list[MeterLineOut]
    meters: list[SilentMeter]


@router.get("/meter-lines", responses=responses(*ROLE_ERRORS))
def list_lines(services: MeteringDep, _staff: FacilitiesDep) -> list[MeterLineOut]:
    """List the lines."""
    with services.database.read() as session:
        return [MeterLineOut.of(line) for line in meters.find_lines(session)]


@router.post("/meter-lines", status_code=201, responses=responses(*ROLE_ERRORS, LineTakenError, UnknownReaderError))
def add_line(services: MeteringDep, staff: FacilitiesDep, now: NowDep, body: MeterLineIn) -> MeterLineOut:
    """Add a line."""
    with services.database.begin() as session:
        return MeterLineOut.of(meters.add_line(session, **body.model_dump(), by=staff.actor, now=now))


@router.get("/meter-lines/silence", responses=responses(*ROLE_ERRORS))
def show_silence(services: MeteringDep, _staff: FacilitiesDep, now: NowDep) -> Silence:
    """Show what does not answer: readers, gateways, and meters behind gateways that do."""
    with services.database.read() as session:
        return Silence(
            unread=[MeterLineOut.of(line) for line in reader.find_unread(session, now, services.cycle)],
            lines=[MeterLineOut.of(line) for line in reader.find_down(session)],
            meters=[SilentMeter(meter=MeterOut.of(one), line=line.name) for one, line in reader.find_silent(session)],
        )


@router.put("/meter-lines/{line_id}", responses=responses(*ROLE_ERRORS, NotFoundError, UnknownReaderError))
def change_line(
    services: MeteringDep, staff: FacilitiesDep, now: NowDep, line_id: UUID, body: MeterLineChange
) -> MeterLineOut:
    """Change where a line is, and which device reads it."""
    with services.database.begin() as session:
        return MeterLineOut.of(meters.change_line(session, line_id, **body.model_dump(), by=staff.actor, now=now))


@router.get("/meters", responses=responses(*ROLE_ERRORS, InvalidCursorError))
def list_meters(services: MeteringDep, _staff: FacilitiesDep, page: PageDep) -> Page[MeterOut]:
    """List meters, in the order they were added."""
    with services.database.read() as session:
        found = meters.find_meters(session, after=page.after(int), limit=page.limit + 1)
        rows, following = page.cut(found, lambda meter: meter.number)
        return Page(items=[MeterOut.of(meter) for meter in rows], next=following)


@router.post("/meters", status_code=201, responses=responses(*ROLE_ERRORS, *_PLATE_ERRORS))
def add_meter(services: MeteringDep, staff: FacilitiesDep, now: NowDep, body: NewMeter) -> MeterOut:
    """Add a meter."""
    with services.database.begin() as session:
        return MeterOut.of(meters.add_meter(session, **body.model_dump(), by=staff.actor, now=now))


@router.put("/meters/{meter_id}", responses=responses(*ROLE_ERRORS, *_PLATE_ERRORS))
def change_meter(services: MeteringDep, staff: FacilitiesDep, now: NowDep, meter_id: UUID, body: MeterIn) -> MeterOut:
    """Correct what was entered of a meter."""
    with services.database.begin() as session:
        return MeterOut.of(meters.change_meter(session, meter_id, **body.model_dump(), by=staff.actor, now=now))


@router.get("/meters/{meter_id}/periods", responses=responses(*ROLE_ERRORS, NotFoundError))
def list_periods(services: MeteringDep, _staff: FacilitiesDep, meter_id: UUID) -> list[PeriodOut]:
    """List for which rooms a meter counts and counted, oldest first."""
    with services.database.read() as session:
        meters.get_meter(session, meter_id)
        return [PeriodOut.of(period) for period in meters.find_periods(session, meter_id)]


@router.post("/meters/{meter_id}/installation", status_code=201, responses=responses(*_CHANGE_ERRORS, RoomClosedError))
def install_meter(
    services: MeteringDep, staff: FacilitiesDep, now: NowDep, meter_id: UUID, body: InstallationIn
) -> PeriodOut:
    """Let a meter count for a room from an instant on."""
    with services.database.begin() as session:
        require_another_room(session, staff, body.room_id, now=now, zone=services.zone)
        first, register = Stand(body.at, body.digits), body.energy_register.to_register()
        return PeriodOut.of(
            installation.install(session, meter_id, body.room_id, first, register, by=staff.actor, now=now)
        )


@router.post("/meters/{meter_id}/removal", responses=responses(*_CHANGE_ERRORS))
def remove_meter(
    services: MeteringDep, staff: FacilitiesDep, now: NowDep, meter_id: UUID, body: RemovalIn
) -> PeriodOut:
    """Let a meter count no longer from an instant on."""
    with services.database.begin() as session:
        require_another_room(session, staff, meters.find_room_of(session, meter_id), now=now, zone=services.zone)
        final = Stand(body.at, body.digits)
        return PeriodOut.of(installation.remove(session, meter_id, final, by=staff.actor, now=now))


@router.post(
    "/meters/{meter_id}/replacement",
    status_code=201,
    responses=responses(*_CHANGE_ERRORS, MeterPlateError, RoomClosedError),
)
def replace_meter(
    services: MeteringDep, staff: FacilitiesDep, now: NowDep, meter_id: UUID, body: ReplacementIn
) -> PeriodOut:
    """Put another meter in a meter's place: the old one's final and the new one's first value at one instant."""
    wanted = Exchange(
        old=meter_id,
        new=body.new_meter_id,
        at=body.at,
        final_digits=body.final_digits,
        first_digits=body.first_digits,
        register=None if body.energy_register is None else body.energy_register.to_register(),
    )
    with services.database.begin() as session:
        require_another_room(session, staff, meters.find_room_of(session, meter_id), now=now, zone=services.zone)
        return PeriodOut.of(installation.exchange(session, wanted, by=staff.actor, now=now))
