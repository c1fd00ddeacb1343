"""Who may end a cut-off that stands: as its rule says; an overload that does not end by itself waits for a letter."""

from metering.supply.rules import TRIP_RULES, LiftedBy
from metering.supply.tables import SupplyGround
from metering.vocabulary import TripReason


def lifted_by(ground: SupplyGround) -> LiftedBy:
    """Return what ends a cut-off, or who."""
    is_locked = ground.reason is TripReason.OVERLOAD and ground.until is None
    return LiftedBy.WRITTEN_REQUEST if is_locked else TRIP_RULES[ground.reason].lifted_by
