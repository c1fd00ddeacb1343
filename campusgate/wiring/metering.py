"""From the server's parts to the services of metering."""

from accounts.payments.services import MoneyServices
from campusgate.settings import Settings
from enrollment import room_notices
from metering.services import MeteringServices
from metering.supply.rules import Hours, SupplyRules


def make_metering(settings: Settings, money: MoneyServices) -> MeteringServices:
    """Return the services of showers, rooms and meters."""
    return MeteringServices(
        money=money,
        cycle=settings.meters.cycle,
        rules=make_supply_rules(settings),
        notify=room_notices.write,
        two_persons=settings.supply.two_persons,
    )


def make_supply_rules(settings: Settings) -> SupplyRules:
    """Return the campus's rules of cutting rooms off and arming them."""
    supply = settings.supply
    curfew = None
    if supply.curfew_begins is not None and supply.curfew_ends is not None:
        curfew = Hours(supply.curfew_begins, supply.curfew_ends)
    return SupplyRules(
        zone=settings.time_zone,
        quiet=Hours(supply.quiet_begins, supply.quiet_ends),
        quiet_weekdays=frozenset(supply.quiet_weekdays),
        quiet_days=frozenset(supply.quiet_days),
        coldest_cut_c=supply.coldest_cut_c,
        emergency_fen=supply.emergency_fen,
        warnings_fen=tuple(supply.warnings_fen),
        curfew=curfew,
        load_limit_w=supply.load_limit_w,
        overload_pause=supply.overload_pause,
        overload_trips=supply.overload_trips,
    )
