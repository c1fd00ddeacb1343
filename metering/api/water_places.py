"""Places with showers over HTTP: settings, prices from a date, controllers, subsidies."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select

from accounts.api.dependencies import ROLE_ERRORS, AdminDep, FacilitiesDep, NowDep
from accounts.vocabulary import PersonKind
from database import new_id
from messages.metering import WaterPrice
from metering.api.dependencies import MeteringDep
from metering.api.session_bodies import WaterPriceOut
from metering.sessions import places, subsidies
from metering.sessions.settings import PlaceSettings
from metering.sessions.tables import ShowerController, WaterPlace, WaterSubsidy
from metering.tariffs.water import PriceList
from metering.vocabulary import Utility
from web.problems import NotFoundError, responses
from web.text import Line, Slug
from web.times import Moment

router = APIRouter(prefix="/api/v1", tags=["showers"])

_WATER = (Utility.COLD_WATER, Utility.HOT_WATER)


class WaterPriceIn(BaseModel):
    """The price of one water."""

    model_config = ConfigDict(extra="forbid")

    utility: Utility
    fen_per_m3: int = Field(ge=0, le=1_000_000)
    fen_per_hour: int = Field(default=0, ge=0, le=1_000_000)


class WaterPricesIn(BaseModel):
    """Prices of a place. A session keeps those of its beginning."""

    model_config = ConfigDict(extra="forbid")

    prices: Annotated[list[WaterPriceIn], Field(min_length=1, max_length=2)]
    is_pause_charged: bool = False

    @model_validator(mode="after")
    def _each_water_once(self) -> "WaterPricesIn":
        named = [price.utility for price in self.prices]
        if len(set(named)) != len(named) or not set(named) <= set(_WATER):
            raise ValueError("give a price for cold water, for hot water, or for both, each once")
        return self

    def value(self, valid_from: datetime) -> PriceList:
        """Return them as a list that holds from a time."""
        prices = tuple(WaterPrice(**price.model_dump()) for price in self.prices)
        return PriceList(new_id(), valid_from, prices, self.is_pause_charged)


class NextWaterPricesIn(WaterPricesIn):
    """Prices from a time to come."""

    valid_from: Moment


class WaterPlaceIn(BaseModel):
    """What a place's controllers work by."""

    model_config = ConfigDict(extra="forbid")

    title: Line
    settings: PlaceSettings = PlaceSettings()


class NewWaterPlaceIn(WaterPlaceIn):
    """A place with the prices that hold from now on."""

    name: Slug
    prices: WaterPricesIn


class WaterPricesOut(BaseModel):
    """Prices from a time on, until the next ones begin."""

    id: UUID
    valid_from: datetime
    prices: list[WaterPriceOut]
    is_pause_charged: bool

    @classmethod
    def of(cls, listed: PriceList) -> "WaterPricesOut":
        """Show `listed`."""
        return cls.model_validate(listed, from_attributes=True)


class ShowerControllerOut(BaseModel):
    """A controller as its last heartbeat said."""

    device_id: UUID
    place_id: UUID
    seen_at: datetime | None
    valve: str | None
    faults: list[str]
    queued: int
    configuration: str | None


class WaterPlaceOut(BaseModel):
    """A place with all its prices and controllers."""

    id: UUID
    name: str
    title: str
    settings: PlaceSettings
    prices: list[WaterPricesOut]
    controllers: list[ShowerControllerOut]


class WaterSubsidyIn(BaseModel):
    """A monthly subsidy of hot water for everybody of a kind."""

    model_config = ConfigDict(extra="forbid")

    fund: Slug
    fen: int = Field(ge=1, le=100_000, description="a person and month")
    kind: PersonKind
    begins_on: date = Field(description="the whole of this day's month counts")
    ends_on: date | None = Field(default=None, description="the last month is the one that the day before lies in")


class WaterSubsidyOut(WaterSubsidyIn):
    """A monthly subsidy."""

    id: UUID


@router.post("/water-places", status_code=201, responses=responses(*ROLE_ERRORS, places.WaterPlaceTakenError))
def add_place(services: MeteringDep, admin: AdminDep, now: NowDep, body: NewWaterPlaceIn) -> WaterPlaceOut:
    """Add a place with showers."""
    with services.database.begin() as session:
        place = places.add(
            session,
            name=body.name,
            title=body.title,
            settings=body.settings,
            prices=body.prices.value(now),
            by=admin.actor,
            now=now,
        )
    return _shown(services, place.id)


@router.get("/water-places", responses=responses(*ROLE_ERRORS))
def list_places(services: MeteringDep, _staff: FacilitiesDep) -> list[WaterPlaceOut]:
    """List all places with showers."""
    with services.database.read() as session:
        found = session.scalars(select(WaterPlace.id).order_by(WaterPlace.name)).all()
    return [_shown(services, place_id) for place_id in found]


@router.put("/water-places/{place_id}", responses=responses(*ROLE_ERRORS, NotFoundError))
def change_place(
    services: MeteringDep, staff: FacilitiesDep, now: NowDep, place_id: UUID, body: WaterPlaceIn
) -> WaterPlaceOut:
    """Set what a place's controllers work by; they follow with their next heartbeat."""
    with services.database.begin() as session:
        places.change(session, place_id, title=body.title, settings=body.settings, by=staff.actor, now=now)
    return _shown(services, place_id)


@router.post(
    "/water-places/{place_id}/prices",
    status_code=201,
    responses=responses(*ROLE_ERRORS, NotFoundError, places.PriceInThePastError),
)
def add_prices(
    services: MeteringDep, admin: AdminDep, now: NowDep, place_id: UUID, body: NextWaterPricesIn
) -> WaterPlaceOut:
    """Announce prices that hold from a time to come."""
    with services.database.begin() as session:
        places.add_prices(session, place_id, body.value(body.valid_from), by=admin.actor, now=now)
    return _shown(services, place_id)


@router.put(
    "/water-places/{place_id}/controllers/{device_id}",
    responses=responses(*ROLE_ERRORS, NotFoundError, places.NotAMeterError),
)
def place_controller(
    services: MeteringDep, staff: FacilitiesDep, now: NowDep, place_id: UUID, device_id: UUID
) -> WaterPlaceOut:
    """Say that a controller stands here."""
    with services.database.begin() as session:
        places.place_controller(session, place_id, device_id, by=staff.actor, now=now)
    return _shown(services, place_id)


@router.post("/water-subsidies", status_code=201, responses=responses(*ROLE_ERRORS))
def add_subsidy(services: MeteringDep, admin: AdminDep, now: NowDep, body: WaterSubsidyIn) -> WaterSubsidyOut:
    """Begin a monthly subsidy: used before the holder's own money, and what is unused ends with the month."""
    with services.database.begin() as session:
        plan = subsidies.Plan(body.fund, body.fen, body.kind, body.begins_on, body.ends_on)
        return _subsidy_out(subsidies.add(session, plan, by=admin.actor, now=now))


class WaterSubsidyEndIn(BaseModel):
    """The day on which a subsidy has ended: the month that the day before lies in is its last."""

    model_config = ConfigDict(extra="forbid")

    ends_on: date


@router.post(
    "/water-subsidies/{subsidy_id}/end", responses=responses(*ROLE_ERRORS, NotFoundError, subsidies.SubsidyOverError)
)
def end_subsidy(
    services: MeteringDep, admin: AdminDep, now: NowDep, subsidy_id: UUID, body: WaterSubsidyEndIn
) -> WaterSubsidyOut:
    """Let a monthly subsidy end; what it paid stays paid. The same again changes nothing."""
    with services.database.begin() as session:
        ended = subsidies.end(session, subsidy_id, body.ends_on, by=admin.actor, now=now, zone=services.zone)
        return _subsidy_out(ended)


@router.get("/water-subsidies", responses=responses(*ROLE_ERRORS))
def list_subsidies(services: MeteringDep, _staff: FacilitiesDep) -> list[WaterSubsidyOut]:
    """List the monthly subsidies."""
    with services.database.read() as session:
        rows = session.scalars(select(WaterSubsidy).order_by(WaterSubsidy.id)).all()
        return [_subsidy_out(row) for row in rows]


def _subsidy_out(row: WaterSubsidy) -> WaterSubsidyOut:
    return WaterSubsidyOut.model_validate(row, from_attributes=True)


def _shown(services: MeteringDep, place_id: UUID) -> WaterPlaceOut:
    with services.database.read() as session:
        place = places.get(session, place_id)
        controllers = select(ShowerController).where(ShowerController.place_id == place_id)
        return WaterPlaceOut(
            id=place.id,
            name=place.name,
            title=place.title,
            settings=PlaceSettings.model_validate(place.settings),
            prices=[WaterPricesOut.of(listed) for listed in places.price_lists(session, place_id)],
            controllers=[
                ShowerControllerOut(
                    device_id=one.device_id,
                    place_id=one.place_id,
                    seen_at=one.seen_at,
                    valve=one.valve,
                    faults=one.faults.split(),
                    queued=one.queued,
                    configuration=one.configuration,
                )
                for one in session.scalars(controllers.order_by(ShowerController.device_id))
            ],
        )
