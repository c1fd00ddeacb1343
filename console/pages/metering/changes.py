"""Wizards of a room: another meter in a meter's place, and people who move. Each step is foreseen before it is done."""

from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, NaiveDatetime, model_validator
from sqlalchemy.orm import Session

from accounts import people
from accounts.principals import Principal
from accounts.tables import Person
from console.dependencies import MeteringDep, ServicesDep, StaffDep, principal_of
from console.disclosures import record_disclosure
from console.rendering import forbid_storing
from console.same_origin import SameOriginDep
from metering.billing import moves, settlement
from metering.readings.register import is_wrap
from metering.rooms import meters, registry, replacement, residents
from metering.rooms.own_room import require_another_room
from metering.rooms.replacement import NewMeter, Replacement
from metering.rooms.shown import show_digits
from metering.rooms.tables import Residence
from metering.services import MeteringServices
from web.problems import NotFoundError
from web.text import Line, line

router = APIRouter(prefix="/console/metering", include_in_schema=False, dependencies=[Depends(forbid_storing)])

Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]
Shown = Annotated[str, line(20)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReplacementIn(_Body):
    """Which meter takes a meter's place, when by the campus's clock, and what both showed then."""

    new_meter_id: UUID | None = None
    new_serial: Line | None = None
    new_address: Line | None = None
    at: NaiveDatetime = Field(ge=datetime(2000, 1, 1), le=datetime(2199, 12, 31))  # noqa: DTZ001 - the campus's clock
    final_shown: Shown
    first_shown: Shown
    ratio: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    @model_validator(mode="after")
    def _names_one_meter(self) -> "ReplacementIn":
        if (self.new_meter_id is None) == (self.new_serial is None or self.new_address is None):
            raise ValueError("name a meter in the store, or serial and address of another one")
        return self

    def to_value(self, meter_id: UUID, metering: MeteringServices) -> Replacement:
        """Return the value."""
        new = self.new_meter_id or NewMeter(self.new_serial or "", self.new_address or "")
        at = self.at.replace(tzinfo=metering.zone).astimezone(UTC)
        return Replacement(meter_id, new, at, self.final_shown, self.first_shown, self.ratio)


class MoveIn(_Body):
    """Who moves, named by number or id, and by the midnight that begins which day.

    `room_id` null: they move out of where they live.
    """

    number: Line | None = None
    person_id: UUID | None = None
    room_id: UUID | None = None
    day: Day
    despite_debt: Line | None = None


@router.post("/meters/{meter_id}/replacement/preview", name="metering_foresee_replacement")
def foresee_replacement(
    meter_id: UUID,
    body: ReplacementIn,
    *,
    _staff: StaffDep,
    _same_origin: SameOriginDep,
    services: ServicesDep,
    metering: MeteringDep,
) -> dict[str, Any]:
    """Tell what a replacement would do, without doing it."""
    wanted = body.to_value(meter_id, metering)
    with services.database.read() as session:
        found = replacement.foresee(session, wanted)
        old = meters.get_meter(session, meter_id).serial
        new = body.new_serial or meters.get_meter(session, body.new_meter_id or meter_id).serial
    decimals, before = found.register.decimals, found.before
    return {
        "old": old,
        "new": new,
        "at": _written(wanted.at, metering),
        "is_to_come": wanted.at > services.now(),
        "final": show_digits(found.final_digits, decimals),
        "first": show_digits(found.first_digits, decimals),
        "before": None
        if before is None
        else {"shown": show_digits(before.digits, decimals), "at": _written(before.seen_at, metering)},
        "wh": found.wh,
        "is_plausible": found.is_plausible,
        "has_wrapped": before is not None and is_wrap(before.digits, found.final_digits, found.register),
    }


@router.post("/meters/{meter_id}/replacement", status_code=201, name="metering_replace")
def replace_meter(
    meter_id: UUID,
    body: ReplacementIn,
    *,
    staff: StaffDep,
    _same_origin: SameOriginDep,
    services: ServicesDep,
    metering: MeteringDep,
) -> dict[str, Any]:
    """Put another meter in a meter's place: both values at one instant."""
    now, me = services.now(), principal_of(staff)
    with services.database.begin() as session:
        require_another_room(session, me, meters.find_room_of(session, meter_id), now=now, zone=metering.zone)
        period = replacement.replace(session, body.to_value(meter_id, metering), by=me.actor, now=now)
        return {"meter_id": str(period.meter_id), "begins_at": period.begins_at.isoformat()}


@router.post(
    "/moves/preview", dependencies=[record_disclosure("person.read", "people:list")], name="metering_foresee_move"
)
def foresee_move(
    body: MoveIn,
    *,
    staff: StaffDep,
    _same_origin: SameOriginDep,
    services: ServicesDep,
    metering: MeteringDep,
) -> dict[str, Any]:
    """Tell who would move from where to where, and what they owe where they live; the room is charged until then."""
    del staff
    now = services.now()
    today = _today(metering, now)

    def work(session: Session, _: datetime) -> dict[str, Any]:
        person = _find_person(session, body)
        home = residents.find_residence(session, person.id, today)
        leaves = home is not None and home.room_id != body.room_id
        owed = None
        if home is not None and leaves:
            owed = settlement.settle(session, metering.zone, home.room_id, person.id, min(body.day, today), now=now)
        labels = registry.find_names(session, {one for one in (body.room_id, home and home.room_id) if one})
        return {
            "person_id": str(person.id),
            "name": person.name,
            "number": person.number,
            "from": labels.get(home.room_id) if home is not None and leaves else None,
            "to": labels.get(body.room_id) if body.room_id else None,
            "is_there_already": home is not None and home.room_id == body.room_id,
            "day": body.day.isoformat(),
            "owed": None
            if owed is None
            else {
                "balance_fen": owed.balance,
                "sharers": owed.sharers,
                "share_fen": owed.share,
                "paid_fen": owed.paid,
                "due_fen": owed.due,
            },
        }

    return metering.money.writer.run(work)


@router.post("/moves", name="metering_move")
def move(
    body: MoveIn,
    *,
    staff: StaffDep,
    _same_origin: SameOriginDep,
    services: ServicesDep,
    metering: MeteringDep,
) -> dict[str, Any]:
    """Let somebody move in, over or out by a midnight, once their share of the debt is paid."""
    now, me = services.now(), principal_of(staff)

    def work(session: Session, _: datetime) -> dict[str, Any]:
        person = _find_person(session, body)
        moved = _move(session, metering, body, person.id, staff=me, now=now)
        return {"person_id": str(person.id), "room_id": str(moved.room_id)}

    return metering.money.writer.run(work)


def _move(
    session: Session, metering: MeteringServices, body: MoveIn, person_id: UUID, *, staff: Principal, now: datetime
) -> Residence:
    if body.room_id is None:
        return moves.move_out(
            session, metering.zone, person_id, body.day, staff=staff, despite_debt=body.despite_debt, now=now
        )
    return moves.move_over(
        session,
        metering.zone,
        person_id,
        body.room_id,
        body.day,
        staff=staff,
        despite_debt=body.despite_debt,
        now=now,
    )


def _find_person(session: Session, body: MoveIn) -> Person:
    if body.person_id is not None:
        return people.get(session, body.person_id)
    person = None if body.number is None else people.by_number(session, body.number)
    if person is None:
        raise NotFoundError("there is nobody with this number")
    return person


def _written(instant: datetime, metering: MeteringServices) -> str:
    """Write an instant by the campus's clock, whatever the reader's browser is set to."""
    return f"{instant.astimezone(metering.zone):%Y-%m-%d %H:%M:%S}"


def _today(metering: MeteringServices, now: datetime) -> date:
    return now.astimezone(metering.zone).date()
