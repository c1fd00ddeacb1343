"""The price of a room's next kilowatt-hour, and where it comes from: plan, time of use, tier."""

from dataclasses import dataclass

from metering.billing.credit import RoomCredit
from metering.tariffs.electricity import PricePerKwh, PricePlan, Rate, WattHours, plan_on


@dataclass(frozen=True, slots=True)
class CurrentPrice:
    """The rate and tier of now."""

    plan: PricePlan
    rate: Rate
    tier: int
    """Counted from 1."""
    price: PricePerKwh
    tier_used: WattHours
    """What was used in the calendar time in which tiers count, free energy apart."""
    next_tier_at: WattHours | None
    """Where the next tier begins; None in the last one."""


def find_current_price(found: RoomCredit) -> CurrentPrice | None:
    """Return the price at which a room's next energy is charged, free energy apart; None where no plan holds."""
    local = found.at.astimezone(found.terms.zone)
    plan = plan_on(found.terms.plans, local.date())
    if plan is None:
        return None
    used = found.state.tier_wh if found.state.tier_window == plan.tier_window_of(local) else WattHours(0)
    tier = sum(1 for limit in plan.tier_limits if used >= limit)
    rate = plan.rate_at(local)
    following = plan.tier_limits[tier] if tier < len(plan.tier_limits) else None
    return CurrentPrice(plan, rate, tier + 1, rate.prices[tier], WattHours(used), following)
