"""Rules that depend on the hour of the night and on other people: curfew, anti-passback, occupancy, first and second.

Each is a pure generator of refusals and notices, called by `access.decision` in its order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from access.policy import AntiPassback, Direction, GatePolicy
from access.reasons import Notice, Reason
from access.snapshot import PersonEntry


@dataclass(frozen=True, slots=True)
class LastPassage:
    """Where and when one person last passed, and the zone that led them into (None: unknown or outside)."""

    gate: str
    direction: Direction
    at: datetime
    zone: str | None


@dataclass(frozen=True, slots=True)
class AccessContext:
    """What is known beyond the directory. Every field has a value for not knowing."""

    synced_at: datetime | None = None
    """When the directory was last confirmed."""
    passages_known: bool = True
    """Whether `last_passage` includes other gates."""
    last_passage: LastPassage | None = None
    """This person's; None when never seen or forgiven."""
    inside: int | None = None
    """People in the inner zone."""
    first_passed_at: datetime | None = None
    """When one of the first person's groups last passed."""
    waiting: UUID | None = None
    """Who showed themselves and waits for a second person, since `waiting_since`."""
    waiting_since: datetime | None = None


def check_curfew(
    entry: PersonEntry, gate: GatePolicy, now: datetime, direction: Direction
) -> Iterator[Reason | Notice]:
    """Refuse, or report to the warden, whoever comes or goes in the curfew."""
    rule = gate.curfew
    if rule is None or _shares(rule.exempt_groups, entry) or not gate.is_open(rule.schedule, now):
        return
    if rule.refuses(direction):
        yield Reason.CURFEW
    else:
        yield Notice.LATE_EXIT if direction is Direction.EXIT else Notice.LATE_RETURN


def check_anti_passback(
    entry: PersonEntry, gate: GatePolicy, now: datetime, direction: Direction, context: AccessContext
) -> Iterator[Reason | Notice]:
    """Refuse, or report, a pass that does not fit where this person last passed."""
    rule, last = gate.anti_passback, context.last_passage
    if rule is None or _shares(rule.exempt_groups, entry):
        return
    if not context.passages_known:
        yield Notice.PASSAGES_UNKNOWN
    if last is None or not _repeats(rule, gate, last, now, direction):
        return
    hard = rule.hard and (context.passages_known or (rule.offline_hard and last.gate == gate.gate))
    yield Reason.PASSED_BACK if hard else Notice.PASSED_BACK


def check_occupancy(
    entry: PersonEntry, gate: GatePolicy, direction: Direction, context: AccessContext
) -> Iterator[Reason | Notice]:
    """Refuse entry into a full zone; a count that is not known is reported, as a full zone is no danger to life."""
    rule = gate.occupancy
    if rule is None or direction is Direction.EXIT or _shares(rule.exempt_groups, entry):
        return
    if context.inside is None:
        yield Notice.OCCUPANCY_UNKNOWN
    elif context.inside >= rule.limit:
        yield Reason.ZONE_FULL


def check_first_person(entry: PersonEntry, gate: GatePolicy, now: datetime, context: AccessContext) -> Iterator[Reason]:
    """Refuse everyone until, within this window, somebody who may go first has passed."""
    rule = gate.first_person
    if rule is None or _shares(rule.groups, entry):
        return
    opened_at = gate.schedule(rule.schedule).opened_at(now, gate.zone)
    if opened_at is not None and (context.first_passed_at is None or context.first_passed_at < opened_at):
        yield Reason.FIRST_PERSON_AWAITED


def check_two_persons(entry: PersonEntry, gate: GatePolicy, now: datetime, context: AccessContext) -> Iterator[Reason]:
    """Grant only when another entitled person showed themselves shortly before."""
    rule = gate.two_persons
    if rule is None:
        return
    partner = context.waiting is not None and context.waiting != entry.person_id
    since = context.waiting_since
    if not (partner and since is not None and since <= now <= since + rule.within):
        yield Reason.SECOND_PERSON_AWAITED


def _repeats(rule: AntiPassback, gate: GatePolicy, last: LastPassage, now: datetime, direction: Direction) -> bool:
    if rule.kind == "timed":
        leads_to = gate.outer_zone if direction is Direction.EXIT else gate.inner_zone
        same_way = last.gate == gate.gate or (last.zone is not None and last.zone == leads_to)
        return same_way and last.direction is direction and last.at <= now < last.at + rule.within
    if direction is Direction.EXIT:
        # Who left through a gate that leads nowhere known is out all the same.
        return last.zone != gate.inner_zone and (last.zone is not None or last.direction is Direction.EXIT)
    return last.zone == gate.inner_zone


def _shares(groups: tuple[str, ...], entry: PersonEntry) -> bool:
    return not set(groups).isdisjoint(entry.groups)
