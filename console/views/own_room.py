"""The room that somebody lives in as their page is given it: money in fen, energy in Wh, price, supply, notices."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from metering.billing import automatic
from metering.billing.credit import AHEAD, RoomCredit, find_credit, find_days_left
from metering.billing.current_price import CurrentPrice, find_current_price
from metering.rooms import registry
from metering.rooms.tables import Residence
from metering.services import MeteringServices
from metering.supply import view
from metering.supply.rules import TRIP_RULES, LiftedBy
from metering.supply.states import RequestAction
from metering.supply.tables import RoomNotice, SupplyGround, SupplyRequest
from metering.supply.view import RoomView
from metering.tariffs.electricity import PricePlan, Quota
from metering.tariffs.electricity_credit import warning_level
from metering.vocabulary import TripReason

_NOTICES = 5


def describe_home(session: Session, services: MeteringServices, home: Residence, *, now: datetime) -> dict[str, Any]:
    """Return everything the page shows of the room that somebody lives in, but its charges."""
    room = registry.get_room(session, home.room_id)
    credit = find_credit(session, room.id, now, services.zone, ahead=AHEAD)
    standing = automatic.find(session, room.id, home.person_id)
    return {
        "id": str(room.id),
        "building": registry.get_building(session, room.building_id).name,
        "number": room.number,
        "moved_in": home.moved_in.isoformat(),
        "money": _describe_money(session, services, credit, room.beds),
        "price": _describe_price(credit, services),
        "supply": _describe_supply(session, services, home, now=now),
        "automatic": None
        if standing is None
        else {
            "below_fen": standing.below_fen,
            "fen": standing.fen,
            "month_limit_fen": standing.month_limit_fen,
            "agreed_at": standing.agreed_at.isoformat(),
        },
    }


def _describe_money(session: Session, services: MeteringServices, credit: RoomCredit, beds: int) -> dict[str, Any]:
    left = credit.energy_left()
    return {
        "available_fen": credit.available,
        "balance_fen": credit.balance,
        "used_wh": credit.used.wh,
        "used_fen": credit.used.fen,
        "read_until": _moment(credit.read_until),
        "energy_left_wh": left,
        "days_left": find_days_left(session, credit, services.zone),
        "is_low": left < warning_level(beds),
        "is_vacant": credit.is_vacant,
        "quotas": _describe_quotas(credit, services),
    }


def _describe_quotas(credit: RoomCredit, services: MeteringServices) -> list[dict[str, Any]]:
    """The free energy of now, that of all residents together, by the last day on which it may be used."""
    found: dict[date | None, dict[str, Any]] = {}
    for grant, unused in credit.free_left:
        last = None if grant.ends is None else (grant.ends - timedelta(seconds=1)).astimezone(services.zone).date()
        one = found.setdefault(
            last, {"granted_wh": 0, "left_wh": 0, "last_day": None if last is None else last.isoformat()}
        )
        one["granted_wh"] += grant.wh
        one["left_wh"] += unused
    return list(found.values())


def _describe_price(credit: RoomCredit, services: MeteringServices) -> dict[str, Any] | None:
    now = find_current_price(credit)
    if now is None:
        return None
    today = credit.at.astimezone(services.zone).date()
    following = min(
        (one for one in credit.terms.plans if one.starts_on > today), key=lambda one: one.starts_on, default=None
    )
    return {
        "plan": now.plan.name,
        "starts_on": now.plan.starts_on.isoformat(),
        "rate": now.rate.name,
        "rate_until": _rate_until(now, credit, services),
        "tier": now.tier,
        "price": now.price,
        "tier_used_wh": now.tier_used,
        "next_tier_at_wh": now.next_tier_at,
        **_describe_plan(now.plan),
        "is_holiday": now.plan.is_holiday(today),
        "periods": [{"begins": f"{one.begins:%H:%M}", "rate": one.rate} for one in now.plan.periods_of(today)],
        "next_plan": None
        if following is None
        else {"plan": following.name, "starts_on": following.starts_on.isoformat(), **_describe_plan(following)},
    }


def _describe_plan(plan: PricePlan) -> dict[str, Any]:
    return {
        "tier_limits_wh": list(plan.tier_limits),
        "tier_window": plan.tier_window.value,
        "rates": [{"name": rate.name, "prices": list(rate.prices)} for rate in plan.rates],
        "quota": None if plan.quota is None else _describe_quota(plan.quota),
    }


def _describe_quota(quota: Quota) -> dict[str, Any]:
    return {
        "wh": quota.wh,
        "share": quota.share.value,
        "window": quota.window.value,
        "months_without": sorted(quota.months_without),
        "expiry": quota.expiry.value,
    }


def _rate_until(now: CurrentPrice, credit: RoomCredit, services: MeteringServices) -> str | None:
    """When another price begins today, by the campus's clock."""
    local = credit.at.astimezone(services.zone)
    later = (one for one in now.plan.periods_of(local.date()) if one.begins > local.time())
    return next((f"{one.begins:%H:%M}" for one in later if one.rate != now.rate.name), None)


def _describe_supply(session: Session, services: MeteringServices, home: Residence, *, now: datetime) -> dict[str, Any]:
    seen = view.look(session, services.supply, home.room_id, now=now)
    applied = _applications(session, home)
    return {
        "state": seen.supply.value,
        "advice": seen.advice.value,
        "grounds": [_describe_ground(one, applied) for one in seen.grounds],
        "needed_fen": seen.needed_fen,
        "emergency_fen": services.supply.rules.emergency_fen if seen.credit is not None else None,
        "put_off_until": _moment(seen.put_off_until),
        "steps": _steps(seen, now),
        "meters": [
            {
                "serial": meter.serial,
                "state": meter.supply.value,
                "said_at": _moment(meter.status_at),
                "silent_since": _moment(meter.silent_since),
            }
            for meter in seen.meters
        ],
        "notices": [_describe_notice(one) for one in seen.notices[:_NOTICES]],
    }


_SHOW_STEPS_FOR = timedelta(days=1)


def _steps(seen: RoomView, now: datetime) -> list[dict[str, Any]] | None:
    """How far a top-up of a dark room has come: paid, armed, closed by the resident; None where none was needed."""
    if seen.paid_at is None or now - seen.paid_at > _SHOW_STEPS_FOR or (not seen.grounds and seen.ordered_at is None):
        return None
    is_on = seen.supply == "on"
    return [
        {"name": "paid", "at": _moment(seen.paid_at), "is_done": True},
        {"name": "ordered", "at": _moment(seen.ordered_at), "is_done": seen.ordered_at is not None},
        {"name": "armed", "at": _moment(seen.armed_at), "is_done": seen.armed_at is not None or is_on},
        {"name": "closed", "at": None, "is_done": is_on},
    ]


def _applications(session: Session, home: Residence) -> Sequence[SupplyRequest]:
    query = select(SupplyRequest).where(
        SupplyRequest.room_id == home.room_id,
        SupplyRequest.action == RequestAction.APPLY,
        SupplyRequest.asked_by == home.person_id,
    )
    return session.scalars(query.order_by(SupplyRequest.id.desc()).limit(10)).all()


def _describe_ground(ground: SupplyGround, applied: Sequence[SupplyRequest]) -> dict[str, Any]:
    rule = TRIP_RULES[ground.reason]
    is_locked = ground.reason is TripReason.OVERLOAD and ground.until is None
    mine = next((one for one in applied if one.reason is ground.reason and one.asked_at >= ground.began_at), None)
    return {
        "reason": ground.reason.value,
        "began_at": ground.began_at.isoformat(),
        "until": _moment(ground.until),
        "lifted_by": (LiftedBy.WRITTEN_REQUEST if is_locked else rule.lifted_by).value,
        "can_apply": rule.may_staff_lift and ground.until is None and mine is None,
        "application": None if mine is None else {"state": mine.state.value, "asked_at": mine.asked_at.isoformat()},
    }


def _describe_notice(row: RoomNotice) -> dict[str, Any]:
    return {"id": str(row.id), "at": row.at.isoformat(), "kind": row.kind.value, **_content(row)}


def _content(row: RoomNotice) -> dict[str, Any]:
    content = row.content
    return {"fen": content.get("fen"), "until": content.get("at"), "reason": content.get("reason")}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
