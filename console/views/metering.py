"""What needs somebody in metering, as the staff's page shows it: silence, cut-offs, doubtful readings, disputes."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from accounts.ledger import find_account
from console.views.metering_figures import Figures
from metering.billing import disputes
from metering.billing.disputes import DisputeState
from metering.billing.stored import LINES, QUOTES, load
from metering.billing.tables import RoomCharge
from metering.readings import doubtful
from metering.readings.tables import ReadingReview
from metering.readings.values import Reading, Register
from metering.rooms import meters, reader, registry, reviews
from metering.rooms.shown import show_digits
from metering.rooms.tables import Meter, MeterLine
from metering.services import MeteringServices
from metering.supply import overview
from metering.supply.locks import lifted_by
from metering.supply.tables import SupplyGround, SupplyRequest

MOST = 50
"""Rows of one kind on the page: more are not looked through, they are worked off."""
_MOST_VALUES = 5


def describe_silence(session: Session, metering: MeteringServices, figures: Figures) -> dict[str, Any]:
    """Return the lines whose reader or gateway does not answer, and silent meters on others, with their rooms."""
    unread = reader.find_unread(session, figures.now, metering.cycle)
    down = [line for line in reader.find_down(session) if line not in unread]
    silent = [(row[0], row[1]) for row in reader.find_silent(session)]
    return {
        "lines": [
            *(_describe_line(line, "unread", line.heard_at) for line in unread),
            *(_describe_line(line, "down", line.since) for line in down),
        ],
        "meters": _describe_silent(session, silent[:MOST]),
        "silent": len(silent),
        "all_lines": len(meters.find_lines(session)),
    }


def _describe_line(line: MeterLine, trouble: str, since: Any) -> dict[str, Any]:
    return {"name": line.name, "url": line.url, "trouble": trouble, "since": since, "silent": line.silent_meters}


def _describe_silent(session: Session, silent: Sequence[tuple[Meter, MeterLine]]) -> list[dict[str, Any]]:
    rooms = {meter.id: meters.find_room_of(session, meter.id) for meter, _ in silent}
    labels = registry.find_names(session, {room for room in rooms.values() if room is not None})
    return [
        {
            "serial": meter.serial,
            "line": line.name,
            "since": meter.silent_since,
            "room_id": rooms[meter.id],
            "room": None if (room := rooms[meter.id]) is None else labels.get(room),
        }
        for meter, line in silent
    ]


def describe_supply(session: Session, figures: Figures, names: Mapping[UUID, str], me: UUID) -> dict[str, Any]:
    """Return rooms that are cut off or near to it, and requests that wait; `names` of whoever asked."""
    cut = overview.find_cut_offs(session)
    near = overview.find_near_cut_off(session, limit=MOST)
    requests = overview.find_waiting_requests(session, figures.now)
    shown = {one.room_id for one in cut.grounds} | {one.room_id for one in near} | {one.room_id for one in requests}
    labels = registry.find_names(session, shown)
    return {
        "cut": [describe_ground(one, labels) for one in cut.grounds],
        "ordinary": cut.ordinary,
        "near": [
            {
                "room_id": one.room_id,
                "room": labels[one.room_id],
                "is_below_zero": one.warning_level < 0,
                "balance_fen": _balance(session, one.room_id),
                "put_off_until": one.put_off_until,
            }
            for one in near
        ],
        "requests": [describe_request(one, labels, names, me) for one in requests],
    }


def describe_ground(ground: SupplyGround, labels: Mapping[UUID, tuple[str, str]]) -> dict[str, Any]:
    """Return a cut-off with its reason and who may lift it."""
    return {
        "room_id": ground.room_id,
        "room": labels.get(ground.room_id),
        "reason": ground.reason,
        "began_at": ground.began_at,
        "until": ground.until,
        "note": ground.note,
        "lifted_by": lifted_by(ground),
    }


def describe_request(
    request: SupplyRequest, labels: Mapping[UUID, tuple[str, str]], names: Mapping[UUID, str], me: UUID
) -> dict[str, Any]:
    """Return a request for a room's supply."""
    return {
        "id": request.id,
        "room_id": request.room_id,
        "room": labels.get(request.room_id),
        "action": request.action,
        "reason": request.reason,
        "note": request.note,
        "state": request.state,
        "asked_by": names.get(request.asked_by, str(request.asked_by)),
        "asked_at": request.asked_at,
        "decided_by": None if request.decided_by is None else names.get(request.decided_by, str(request.decided_by)),
        "decided_at": request.decided_at,
        "is_own": request.asked_by == me,
    }


def collect_people(requests: Collection[SupplyRequest]) -> set[UUID]:
    """Return whose names are needed to show requests."""
    return {one.asked_by for one in requests} | {one.decided_by for one in requests if one.decided_by}


def describe_readings(session: Session) -> dict[str, Any]:
    """Return the readings that wait for a person: why, both neighbours, and what would have passed."""
    waiting = doubtful.find_waiting(session, limit=MOST)
    described = [_describe_review(session, review) for review in waiting]
    return {"reviews": described, "count": doubtful.count_waiting(session)}


def _describe_review(session: Session, review: ReadingReview) -> dict[str, Any]:
    meter = meters.get_by_number(session, review.meter)
    period = meters.get_open_period(session, meter.id)
    register = Register() if period is None else meters.to_register(period)
    room_id = None if period is None else period.room_id
    before, after = reviews.find_neighbours(session, review)
    rows = doubtful.find_of(session, review.id)
    return {
        "id": review.id,
        "serial": meter.serial,
        "room_id": room_id,
        "room": None if room_id is None else registry.find_names(session, [room_id])[room_id],
        "doubt": review.doubt,
        "count": review.readings,
        "before": _describe_neighbour(before, register),
        "after": _describe_neighbour(after, register),
        "values": [
            {
                "at": row.at,
                "seen_at": row.seen_at,
                "shown": show_digits(row.digits, register.decimals),
                "step_wh": None if before is None else register.to_wh(row.digits - before.digits),
                "serial": None if row.serial == meter.serial else row.serial,
                "doubt": row.doubt,
            }
            for row in rows[:_MOST_VALUES]
        ],
        "more": max(0, len(rows) - _MOST_VALUES),
    }


def _describe_neighbour(reading: Reading | None, register: Register) -> dict[str, Any] | None:
    if reading is None:
        return None
    shown = show_digits(reading.digits, register.decimals)
    return {"at": reading.at, "seen_at": reading.seen_at, "shown": shown, "source": reading.source}


def describe_disputes(session: Session, names: Mapping[UUID, str]) -> list[dict[str, Any]]:
    """Return the open disputes of rooms' charges, with the readings that each charge quotes."""
    found = disputes.find(session, state=DisputeState.OPEN, limit=MOST)
    labels = registry.find_names(session, {charge.room_id for _, charge in found})
    return [
        {
            "id": row.id,
            "person": names.get(row.person_id, str(row.person_id)),
            "text": row.text,
            "raised_at": row.raised_at,
            "room_id": charge.room_id,
            "room": labels[charge.room_id],
            "charge": describe_charge(charge),
        }
        for row, charge in found
    ]


def describe_charge(row: RoomCharge) -> dict[str, Any]:
    """Return a charge with both readings of each meter, their source and quality, and its lines."""
    return {
        "id": row.id,
        "day": row.day,
        "wh": row.wh,
        "fen": row.fen,
        "is_vacant": row.is_vacant,
        "is_estimated": row.is_estimated,
        "withdrawn_at": row.withdrawn_at,
        "quotes": load(QUOTES, row.quotes),
        "lines": load(LINES, row.lines),
    }


def _balance(session: Session, room_id: UUID) -> int | None:
    found = find_account(session, room_id)
    return None if found is None else found.balance
