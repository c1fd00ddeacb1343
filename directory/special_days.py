"""Special days of many gates at once: a holiday, an exam week, put before what schedules say, or taken away again."""

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from access.policy import GatePolicy
from access.schedules import Schedule, SpecialDays
from directory import gates


class Place(NamedTuple):
    """A schedule of a gate."""

    gate: str
    schedule: str


class SpecialDaysChange(BaseModel):
    """Special days, and the schedules that get them; with `is_removal`, those that lose them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    special: SpecialDays
    places: tuple[Place, ...]
    is_removal: bool = False

    @property
    def gates(self) -> Sequence[str]:
        """The names of the gates concerned, in order."""
        return sorted({place.gate for place in self.places})


def find(session: Session) -> dict[SpecialDays, tuple[Place, ...]]:
    """Return the special days of all gates, the first to begin first, with the schedules that have them exactly so."""
    found: dict[SpecialDays, tuple[Place, ...]] = {}
    for gate in gates.find(session):
        for schedule in gates.policy_of(gate).schedules:
            for special in dict.fromkeys(schedule.special_days):
                found[special] = (*found.get(special, ()), Place(gate.name, schedule.name))
    return dict(sorted(found.items(), key=lambda one: (one[0].first, one[0].last, one[0].name)))


def change_policy(policy: GatePolicy, change: SpecialDaysChange) -> GatePolicy:
    """Return a gate's policy as the change makes it.

    What is added stands before the special days that are there, so that it counts where both cover a day.
    """
    wanted = {place.schedule for place in change.places if place.gate == policy.gate}
    schedules = tuple(_change_schedule(one, change) if one.name in wanted else one for one in policy.schedules)
    return policy.model_copy(update={"schedules": schedules})


def _change_schedule(schedule: Schedule, change: SpecialDaysChange) -> Schedule:
    others = tuple(one for one in schedule.special_days if one != change.special)
    days = others if change.is_removal else (change.special, *others)
    return schedule.model_copy(update={"special_days": days})
