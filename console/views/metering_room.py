"""One room as staff see it: supply and why, who lives there, its meters, what it used, its charges."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from console.views.metering import collect_people, describe_charge, describe_ground, describe_request
from console.views.metering_figures import Figures
from metering.billing import charges
from metering.billing.credit import find_credit
from metering.rooms import meters, registry, residents
from metering.rooms.series import Step, find_midnight, read_series
from metering.rooms.shown import show_digits
from metering.rooms.tables import Room
from metering.services import MeteringServices
from metering.supply import requests, view
from metering.supply.requests import TRIPS_BY_STAFF
from metering.supply.rules import TRIP_RULES
from metering.vocabulary import Utility

CHARGED_DAYS = timedelta(days=31)
_LOOKS_BACK = {Step.HOUR: timedelta(days=2), Step.DAY: timedelta(days=30), Step.MONTH: timedelta(days=365)}
_LABEL = {Step.HOUR: "%m-%d %H:00", Step.DAY: "%m-%d", Step.MONTH: "%Y-%m"}
_SHORT = {Step.HOUR: "%H", Step.DAY: "%d", Step.MONTH: "%m"}


def find_people(session: Session, room_id: UUID) -> set[UUID]:
    """Return whose names a room's page shows: its residents, and who asked for its supply."""
    living = {one.person_id for one in residents.find_history(session, room_id)}
    return living | collect_people(requests.find(session, room_id=room_id, limit=_REQUESTS))


_REQUESTS = 10


def describe_room(
    session: Session,
    metering: MeteringServices,
    room: Room,
    figures: Figures,
    *,
    names: Mapping[UUID, str],
    me: UUID,
    step: Step,
) -> dict[str, Any]:
    """Return everything of a room; `names` of those whom `find_people` names, `me` who looks."""
    labels = registry.find_names(session, [room.id])
    building, number = labels[room.id]
    return {
        "id": room.id,
        "building": building,
        "number": number,
        "beds": room.beds,
        "closed_at": room.closed_at,
        "supply": _describe_supply(session, metering, room.id, figures.now),
        "requests": [
            describe_request(one, labels, names, me) for one in requests.find(session, room_id=room.id, limit=_REQUESTS)
        ],
        "money": _describe_money(session, metering, room.id, figures.now),
        "residents": _describe_residents(session, room.id, figures, names),
        "meters": _describe_meters(session, room.id),
        "course": describe_course(session, metering, room.id, figures, step),
        "charges": [
            describe_charge(row) for row in reversed(charges.standing(session, room.id, figures.today() - CHARGED_DAYS))
        ],
    }


def _describe_supply(session: Session, metering: MeteringServices, room_id: UUID, now: datetime) -> dict[str, Any]:
    found = view.look(session, metering.supply, room_id, now=now)
    grounds = {ground.reason for ground in found.grounds}
    return {
        "state": found.supply,
        "advice": found.advice,
        "has_relay": bool(found.meters),
        "grounds": [describe_ground(one, {}) for one in found.grounds],
        "needed_fen": found.needed_fen,
        "put_off_until": found.put_off_until,
        "paid_at": found.paid_at,
        "ordered_at": found.ordered_at,
        "armed_at": found.armed_at,
        "orders": found.orders,
        "can_trip": sorted(TRIPS_BY_STAFF - grounds),
        "can_arm": sorted(reason for reason in grounds if TRIP_RULES[reason].may_staff_lift),
    }


def _describe_money(session: Session, metering: MeteringServices, room_id: UUID, now: datetime) -> dict[str, Any]:
    found = find_credit(session, room_id, now, metering.zone)
    return {
        "balance_fen": found.balance,
        "used_wh": found.used.wh,
        "used_fen": found.used.fen,
        "available_fen": found.available,
        "energy_left_wh": found.energy_left(),
        "read_until": found.read_until,
        "is_vacant": found.is_vacant,
        "free": [(grant.window, grant.wh, left) for grant, left in found.free_left],
    }


def _describe_residents(
    session: Session, room_id: UUID, figures: Figures, names: Mapping[UUID, str]
) -> list[dict[str, Any]]:
    today = figures.today()
    found = [
        {
            "person_id": one.person_id,
            "name": names.get(one.person_id, str(one.person_id)),
            "moved_in": one.moved_in,
            "moved_out": one.moved_out,
            "is_gone": one.moved_out is not None and one.moved_out <= today,
            "is_to_come": one.moved_in > today,
        }
        for one in residents.find_history(session, room_id)
    ]
    return sorted(found, key=lambda one: (one["is_gone"], one["moved_in"]))


def _describe_meters(session: Session, room_id: UUID) -> list[dict[str, Any]]:
    described = []
    for period, meter in meters.find_room_periods(session, room_id):
        final = period.final_digits
        described.append(
            {
                "id": meter.id,
                "serial": meter.serial,
                "address": meter.address,
                "model": meter.model,
                "utility": meter.utility,
                "supply": meter.supply,
                "silent_since": meter.silent_since,
                "begins_at": period.begins_at,
                "ends_at": period.ends_at,
                "ratio": period.ratio,
                "digits": period.digits,
                "decimals": period.decimals,
                "first": show_digits(period.first_digits, period.decimals),
                "first_source": period.first_source,
                "final": None if final is None else show_digits(final, period.decimals),
                "final_source": period.final_source,
            }
        )
    return described


def find_store(session: Session) -> list[dict[str, str]]:
    """Return the electricity meters that could take another's place."""
    return [
        {"id": str(meter.id), "serial": meter.serial, "address": meter.address}
        for meter in meters.find_in_store(session, Utility.ELECTRICITY)
    ]


def describe_course(
    session: Session, metering: MeteringServices, room_id: UUID, figures: Figures, step: Step
) -> dict[str, Any]:
    """Return what a room used by hour, day or month, as bars: null where that is not known."""
    since = (figures.now - _LOOKS_BACK[step]).astimezone(metering.zone).date()
    start = find_midnight(since.replace(day=1) if step is Step.MONTH else since, metering.zone)
    found = read_series(session, room_id, (start, figures.now), step, metering.zone)
    bars = []
    for (begins, _), used in zip(found.spans, found.used, strict=True):
        local = begins.astimezone(metering.zone)
        state = "missing" if used is None else "estimated" if used.is_estimated else "read"
        wh = None if used is None else used.wh
        bars.append(
            {"label": f"{local:{_LABEL[step]}}", "short": f"{local:{_SHORT[step]}}", "value": wh, "state": state}
        )
    return {"step": step.value, "bars": bars, "known_until": found.known_until}
