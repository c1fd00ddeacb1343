"""What a room used, for those who live there and for staff."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from accounts.api.dependencies import PERSON_ERRORS, NowDep, PrincipalDep
from accounts.audit import disclosures
from accounts.principals import Principal
from accounts.vocabulary import Role
from metering.api.dependencies import MeteringDep
from metering.api.room_money import money_of
from metering.api.room_money_bodies import RoomMoneyOut
from metering.api.rooms import BuildingOut, RoomOut
from metering.rooms import meters, registry, residents, series
from metering.rooms.series import SeriesTooLongError, Step
from metering.services import MeteringServices
from metering.vocabulary import SupplyState
from web.problems import NotFoundError, responses
from web.times import Moment

router = APIRouter(prefix="/api/v1", tags=["rooms"])

_STAFF = {Role.FACILITIES, Role.ADMIN}


class ElectricityQuery(BaseModel):
    """Which time, in spans of which length."""

    model_config = ConfigDict(extra="forbid")

    start: Moment
    end: Moment | None = Field(default=None, description="now when left out")
    step: Step = Step.DAY


class RoomMeter(BaseModel):
    """A meter that counts for the room now."""

    serial: str
    supply: SupplyState
    silent_since: datetime | None


class SpanOut(BaseModel):
    """What was used from `start` to `end`; null where that is not known, estimated where one of its values is."""

    start: datetime
    end: datetime
    wh: int | None
    is_estimated: bool


class ElectricityOut(BaseModel):
    """A room's electricity. `known_until`: the last reading of all its meters; nothing later is in the series."""

    building: BuildingOut
    room: RoomOut
    meters: list[RoomMeter]
    known_until: datetime | None
    money: RoomMoneyOut | None = Field(description="null for who does not live there any more")
    series: list[SpanOut]


@router.get("/rooms/{room_id}/electricity", responses=responses(*PERSON_ERRORS, NotFoundError, SeriesTooLongError))
def show_electricity(
    services: MeteringDep,
    principal: PrincipalDep,
    now: NowDep,
    room_id: UUID,
    wanted: Annotated[ElectricityQuery, Query()],
) -> ElectricityOut:
    """Show what a room used, to whoever lives there for the time they live there, and to facilities staff."""
    span = (wanted.start, min(wanted.end or now, now))
    with services.database.read() as session:
        room = registry.get_room(session, room_id)
        if not principal.roles & _STAFF:
            span = series.clip_to_residence(session, principal.person_id, room_id, span, services.zone)
        found = series.read_series(session, room_id, span, wanted.step, services.zone)
        counting = meters.find_meters_of(session, room_id)
        shown = ElectricityOut(
            building=BuildingOut.of(registry.get_building(session, room.building_id)),
            room=RoomOut.of(room),
            meters=[RoomMeter.model_validate(one, from_attributes=True) for one in counting],
            known_until=found.known_until,
            money=_money(session, services, principal, room_id, now=now),
            series=[
                SpanOut(
                    start=begins,
                    end=ends,
                    wh=used and used.wh,
                    is_estimated=used is not None and used.is_estimated,
                )
                for (begins, ends), used in zip(found.spans, found.used, strict=True)
            ],
        )
    if principal.roles & _STAFF:
        disclosures.record(
            services.database,
            by=principal.person_id,
            action="electricity.read",
            subject=f"room:{room_id}",
            now=now,
        )
    return shown


def _money(
    session: Session, services: MeteringServices, principal: Principal, room_id: UUID, *, now: datetime
) -> RoomMoneyOut | None:
    home = residents.find_residence(session, principal.person_id, now.astimezone(services.zone).date())
    lives_there = home is not None and home.room_id == room_id
    return money_of(session, services, room_id, now) if lives_there or principal.roles & _STAFF else None
