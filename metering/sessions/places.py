"""Places with showers, their prices and their controllers: what staff administer, and what heartbeats bring down."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import audit, devices
from accounts.tables import Device
from accounts.vocabulary import DeviceRole
from database import new_id
from messages.metering import HeartbeatAnswer, SessionAnswer, SessionLimit, WaterPrice
from metering.sessions.settings import PlaceSettings
from metering.sessions.tables import ShowerController, WaterPlace, WaterPriceList
from metering.tariffs.water import PriceList, valid_at
from web.problems import NotFoundError, ProblemError


class WaterPlaceTakenError(ProblemError):
    """Another place has this name."""

    code = "water_place_taken"
    status = 409
    title = "Another place has this name"


class PriceInThePastError(ProblemError):
    """A price that holds already is not changed: what was charged was charged by it."""

    code = "price_in_the_past"
    status = 409
    title = "A new price begins in the future, at a time that no other one begins at"


class NotAMeterError(ProblemError):
    """The device is no meter, or belongs to no merchant who could be paid."""

    code = "device_is_no_meter"
    status = 409
    title = "Only a device with the role meter and a merchant can be a shower's controller"


@dataclass(frozen=True, slots=True)
class Placed:
    """A controller with its place. Without a place it may bill nobody."""

    device: Device
    place: WaterPlace | None
    settings: PlaceSettings


def add(
    session: Session, *, name: str, title: str, settings: PlaceSettings, prices: PriceList, by: str, now: datetime
) -> WaterPlace:
    """Add a place with its first prices, which hold from now on.

    Raises:
        WaterPlaceTakenError: the name is taken.
    """
    if session.scalar(select(WaterPlace.id).where(WaterPlace.name == name)) is not None:
        raise WaterPlaceTakenError
    place = WaterPlace(id=new_id(), name=name, title=title, settings=settings.model_dump(mode="json"))
    session.add(place)
    session.flush()
    audit.record(session, actor=by, action="water_place.add", subject=f"water_place:{place.id}", now=now)
    _add_prices(session, place.id, prices, by=by, now=now)
    return place


def get(session: Session, place_id: UUID) -> WaterPlace:
    """Return a place.

    Raises:
        NotFoundError: there is none with this id.
    """
    place = session.get(WaterPlace, place_id)
    if place is None:
        raise NotFoundError("there is no such place")
    return place


def change(session: Session, place_id: UUID, *, title: str, settings: PlaceSettings, by: str, now: datetime) -> None:
    """Set what a place's controllers work by; they follow with their next heartbeat.

    Raises:
        NotFoundError: there is no such place.
    """
    place = get(session, place_id)
    before, place.settings = place.settings, settings.model_dump(mode="json")
    place.title = title
    changed = sorted(name for name, value in place.settings.items() if before.get(name) != value)
    audit.record(
        session,
        actor=by,
        action="water_place.change",
        subject=f"water_place:{place.id}",
        now=now,
        details={"changed": changed},
    )


def add_prices(session: Session, place_id: UUID, prices: PriceList, *, by: str, now: datetime) -> None:
    """Announce prices that hold from a time to come.

    Raises:
        NotFoundError: there is no such place.
        PriceInThePastError: their time has come already, or other prices begin then.
    """
    get(session, place_id)
    begins = select(WaterPriceList.id).where(
        WaterPriceList.place_id == place_id, WaterPriceList.valid_from == prices.valid_from
    )
    if prices.valid_from <= now or session.scalar(begins) is not None:
        raise PriceInThePastError
    _add_prices(session, place_id, prices, by=by, now=now)


def _add_prices(session: Session, place_id: UUID, prices: PriceList, *, by: str, now: datetime) -> None:
    listed = [price.model_dump(mode="json") for price in prices.prices]
    session.add(
        WaterPriceList(
            id=prices.id,
            place_id=place_id,
            valid_from=prices.valid_from,
            prices=listed,
            is_pause_charged=prices.is_pause_charged,
        )
    )
    details = {f"{one.utility}_fen_per_m3": one.fen_per_m3 for one in prices.prices}
    details |= {f"{one.utility}_fen_per_hour": one.fen_per_hour for one in prices.prices}
    audit.record(
        session, actor=by, action="water_price.add", subject=f"water_place:{place_id}", now=now, details=details
    )


def place_controller(session: Session, place_id: UUID, device_id: UUID, *, by: str, now: datetime) -> None:
    """Say at which place a controller stands.

    Raises:
        NotFoundError: there is no such place or device.
        NotAMeterError: it cannot be a controller.
    """
    get(session, place_id)
    device = devices.get(session, device_id)
    if device.role is not DeviceRole.METER or device.merchant_id is None:
        raise NotAMeterError
    controller = session.get(ShowerController, device_id)
    if controller is None:
        session.add(ShowerController(device_id=device_id, place_id=place_id))
    else:
        controller.place_id = place_id
    details: dict[str, audit.Scalar | list[str]] = {"place": str(place_id)}
    audit.record(
        session, actor=by, action="shower_controller.place", subject=f"device:{device_id}", now=now, details=details
    )


def price_lists(session: Session, place_id: UUID) -> Sequence[PriceList]:
    """Return all prices of a place, the earliest first."""
    query = select(WaterPriceList).where(WaterPriceList.place_id == place_id).order_by(WaterPriceList.valid_from)
    return [_value_of(row) for row in session.scalars(query)]


def price_list(session: Session, place_id: UUID, at: datetime, named: UUID | None = None) -> PriceList | None:
    """Return the prices of a session that began then: those its controller showed, if the place has them."""
    lists = price_lists(session, place_id)
    shown = next((one for one in lists if one.id == named), None)
    return valid_at(lists, at) if shown is None else shown


def by_id(session: Session, list_id: UUID | None) -> PriceList | None:
    """Return prices by their id, or None."""
    row = None if list_id is None else session.get(WaterPriceList, list_id)
    return None if row is None else _value_of(row)


def placed(session: Session, device_id: UUID) -> Placed:
    """Return a controller with its place.

    Raises:
        NotFoundError: there is no such device.
    """
    controller = session.get(ShowerController, device_id)
    place = None if controller is None else session.get(WaterPlace, controller.place_id)
    settings = PlaceSettings(is_enabled=False) if place is None else PlaceSettings.model_validate(place.settings)
    return Placed(devices.get(session, device_id), place, settings)


def configuration(
    session: Session, found: Placed, zone: ZoneInfo, now: datetime, answer: SessionAnswer | None
) -> HeartbeatAnswer:
    """Return what a controller works by from now on."""
    settings = found.settings
    prices = None if found.place is None else valid_at(price_lists(session, found.place.id), now)
    offset = now.astimezone(zone).utcoffset()
    offline = SessionLimit(fen=settings.offline_fen, ml=settings.most_ml, open_s=settings.most_open_s)
    body = HeartbeatAnswer(
        device=found.device.id,
        at=now,
        utc_offset_s=0 if offset is None else int(offset.total_seconds()),
        revision="",
        is_enabled=settings.is_enabled and prices is not None,
        heartbeat_s=settings.heartbeat_s,
        update_s=settings.update_s,
        tariff=None if prices is None else prices.id,
        prices=() if prices is None else prices.prices,
        is_pause_charged=prices is not None and prices.is_pause_charged,
        opening=settings.opening,
        idle_s=settings.idle_s,
        no_flow_s=settings.no_flow_s,
        pause_s=settings.pause_s,
        most=SessionLimit(fen=settings.most_fen, ml=settings.most_ml, open_s=settings.most_open_s),
        offline=offline if settings.offline_fen else None,
        offline_fen_per_card=settings.offline_fen,
    )
    stable = body.model_dump_json(exclude={"at", "answer", "revision"}).encode()
    return body.model_copy(update={"revision": hashlib.sha256(stable).hexdigest()[:16], "answer": answer})


def _value_of(row: WaterPriceList) -> PriceList:
    prices = tuple(WaterPrice.model_validate(one) for one in row.prices)
    return PriceList(row.id, row.valid_from, prices, row.is_pause_charged)
