"""Which gates a person may pass, on which hours of the coming days, with what in hand, and why not where not.

From what is published, by the gate's own decision, as `directory.dry_run`: what is said here is what the gate does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.decision import decide, required_mode
from access.open_times import Stretch, find_period, find_stretches, intersect, subtract, unite
from access.policy import Direction, DoorMode, GateKind, GatePolicy, Mode, Rule
from access.reasons import Reason
from access.schedules import SpecialDays
from access.snapshot import Grant, PersonEntry
from database import Sealer
from directory.dry_run import Shown, imagine_request
from directory.records import EntryFilter, PersonRecord
from directory.tables import DirectoryPerson, GateRecord

DAYS = 7
_SPECIAL_AHEAD = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class OpenDay:
    """When a person may pass on a day; `special` names the special days that change its hours."""

    day: date
    stretches: tuple[Stretch, ...]
    special: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Means:
    """A way of showing who one is: `refusal` None where it is enough at this gate."""

    shown: Shown
    refusal: Reason | None


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What one gate is to one person. `refusal` is why they may not pass at all; None where they may at some hour."""

    gate: str
    title: str
    kind: GateKind
    direction: Direction
    refusal: Reason | None
    is_open: bool
    """Whether they may pass now, with something that they have."""
    changes_at: datetime | None
    """When that ends, or begins, within the days shown."""
    mode: Mode
    """What the gate asks for now, or when it opens next."""
    later_modes: tuple[Mode, ...]
    """What else it asks for at other hours."""
    means: tuple[Means, ...]
    """Of what the person has."""
    days: tuple[OpenDay, ...]
    special_days: tuple[SpecialDays, ...]
    is_curfew_reported: bool


def find_entitlements(session: Session, sealer: Sealer, person_id: UUID, now: datetime) -> list[Entitlement]:
    """Return every published gate as it is to a person, those that they may pass first, by title."""
    sealed = session.get(DirectoryPerson, person_id)
    record = None if sealed is None else PersonRecord.open(sealer, person_id, sealed.sealed)
    gates = session.scalars(select(GateRecord).where(GateRecord.published.is_not(None)).order_by(GateRecord.title))
    found = [_find_entitlement(gate, record, now) for gate in gates]
    return sorted(found, key=lambda one: one.refusal is not None)


def _find_entitlement(gate: GateRecord, record: PersonRecord | None, now: datetime) -> Entitlement:
    policy = GatePolicy.model_validate_json(gate.published or "")
    entry = None if record is None else record.for_gate(EntryFilter.of(policy, gate.models))
    today = now.astimezone(policy.zone).date()
    permits = () if entry is None else _find_permits(policy, entry)
    days = tuple(_find_day(policy, permits, entry, today + timedelta(days=one)) for one in range(DAYS))
    is_within, changes_at = _find_change(policy, days, now)
    at = now if is_within or changes_at is None else changes_at
    means = () if entry is None else _find_means(policy, entry, at)
    mode = required_mode(policy, at)
    return Entitlement(
        gate=gate.name,
        title=gate.title,
        kind=policy.kind,
        direction=policy.direction,
        refusal=_find_refusal(entry, permits, days, now),
        is_open=is_within and any(one.refusal is None for one in means),
        changes_at=changes_at,
        mode=mode,
        later_modes=tuple(dict.fromkeys(one for one in _list_modes(policy) if one is not mode)),
        means=means,
        days=days,
        special_days=_find_special_days(policy, permits, today),
        is_curfew_reported=_is_curfew_reported(policy, entry),
    )


def _find_permits(policy: GatePolicy, entry: PersonEntry) -> tuple[Rule | Grant, ...]:
    return (*(rule for rule in policy.rules if rule.group in entry.groups), *entry.grants)


def _find_day(policy: GatePolicy, permits: Sequence[Rule | Grant], entry: PersonEntry | None, day: date) -> OpenDay:
    zone = policy.zone
    allowed = unite(
        stretch
        for permit in permits
        for stretch in intersect(
            find_stretches(policy.schedule(permit.schedule), day),
            find_period(permit.valid_from, permit.valid_until, day, zone),
        )
    )
    if entry is not None:
        allowed = intersect(allowed, find_period(entry.valid_from, entry.valid_until, day, zone))
    stretches = subtract(allowed, _find_closed(policy, entry, day))
    special = {one.name for permit in permits if (one := policy.schedule(permit.schedule).special_on(day)) is not None}
    return OpenDay(day, tuple(stretches), tuple(sorted(special)))


def _find_closed(policy: GatePolicy, entry: PersonEntry | None, day: date) -> list[Stretch]:
    """Return when nobody passes, or this person does not: the door is closed to everybody, or a curfew refuses."""
    closed = [
        stretch
        for rule in policy.door_modes
        if rule.mode is DoorMode.ALWAYS_CLOSED
        for stretch in find_stretches(policy.schedule(rule.schedule), day)
    ]
    curfew = policy.curfew
    if curfew is None or _is_exempt(curfew.exempt_groups, entry):
        return closed
    refuses = curfew.refuses(policy.facing())
    return [*closed, *find_stretches(policy.schedule(curfew.schedule), day)] if refuses else closed


def _is_exempt(groups: Sequence[str], entry: PersonEntry | None) -> bool:
    return entry is not None and not set(groups).isdisjoint(entry.groups)


def _is_curfew_reported(policy: GatePolicy, entry: PersonEntry | None) -> bool:
    curfew = policy.curfew
    if curfew is None or _is_exempt(curfew.exempt_groups, entry):
        return False
    return not curfew.refuses(policy.facing())


def _find_change(policy: GatePolicy, days: Sequence[OpenDay], now: datetime) -> tuple[bool, datetime | None]:
    """Return whether `now` lies within a stretch, and when that changes next; None: not within the days."""
    edges = unite_days(days)
    midnight = datetime.combine(days[0].day, time(), policy.zone)
    minute = (now - midnight).total_seconds() / 60
    end_of_all = len(days) * 24 * 60
    for start, end in edges:
        if minute < start:
            return False, midnight + timedelta(minutes=start)
        if minute < end:
            return True, None if end == end_of_all else midnight + timedelta(minutes=end)
    return False, None


def unite_days(days: Sequence[OpenDay]) -> list[Stretch]:
    """Return the stretches of days that follow each other, in minutes since the first midnight."""
    shift = 24 * 60
    return unite(
        (start + number * shift, end + number * shift)
        for number, one in enumerate(days)
        for start, end in one.stretches
    )


def _find_means(policy: GatePolicy, entry: PersonEntry, at: datetime) -> tuple[Means, ...]:
    kinds = {one.kind for one in entry.credentials if one.status == "active"}
    faces = bool(entry.templates)
    having = {
        Shown.FACE: faces,
        Shown.CARD: "card" in kinds,
        Shown.CODE: "code" in kinds,
        Shown.CARD_AND_FACE: "card" in kinds and faces,
        Shown.CARD_AND_PIN: {"card", "pin"} <= kinds,
    }
    found = [_try(policy, entry, shown, at) for shown, has in having.items() if has]
    alone = {one.shown for one in found if one.refusal is None}
    # With two things in hand one is enough where one alone is.
    if Shown.CARD in alone:
        found = [one for one in found if one.shown not in (Shown.CARD_AND_FACE, Shown.CARD_AND_PIN)]
    return tuple(found)


def _try(policy: GatePolicy, entry: PersonEntry, shown: Shown, at: datetime) -> Means:
    decision = decide(imagine_request(shown, entry, policy, policy.facing()), entry, policy, at)
    return Means(shown, None if decision.granted else decision.reason)


def _find_refusal(
    entry: PersonEntry | None, permits: Sequence[Rule | Grant], days: Sequence[OpenDay], now: datetime
) -> Reason | None:
    if entry is None or not permits:
        return Reason.NOT_ENTITLED
    if entry.suspended:
        return Reason.SUSPENDED
    if entry.valid_until is not None and now >= entry.valid_until:
        return Reason.EXPIRED
    if any(one.stretches for one in days):
        return None
    if entry.valid_from is not None and now < entry.valid_from:
        return Reason.NOT_YET_VALID
    return Reason.OUTSIDE_SCHEDULE


def _list_modes(policy: GatePolicy) -> list[Mode]:
    return [policy.mode, *(rule.mode for rule in policy.mode_rules)]


def _find_special_days(policy: GatePolicy, permits: Sequence[Rule | Grant], today: date) -> tuple[SpecialDays, ...]:
    until = today + _SPECIAL_AHEAD
    found = {
        (one.name, one.first, one.last, one.hours): one
        for permit in permits
        for one in policy.schedule(permit.schedule).special_days
        if one.last >= today and one.first <= until
    }
    return tuple(sorted(found.values(), key=lambda one: (one.first, one.name)))
