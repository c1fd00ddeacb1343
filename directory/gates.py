"""The administration of gates and zones. The publisher does the rest: it sees that a gate is dirty."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from access.policy import GatePolicy, Rule
from accounts import audit
from accounts.people import changes
from directory.list_tables import GateEntry, PastGate
from directory.tables import GateApplied, GateModel, GateRecord, VisitorPass, ZoneRecord
from web.problems import NotFoundError, ProblemError


class GateNameTakenError(ProblemError):
    """Another gate has this name."""

    code = "gate_name_taken"
    status = 409
    title = "Another gate has this name"


class UnknownZoneError(ProblemError):
    """The policy names a zone that does not exist."""

    code = "unknown_zone"
    status = 422
    title = "There is no such zone; add it first"


class UnknownGateError(ProblemError):
    """The policy names a gate beside this one that does not exist, or that takes only faces itself."""

    code = "unknown_face_free_gate"
    status = 422
    title = "The gate that takes cards instead does not exist, or needs a face itself"


class ImpossiblePolicyError(ProblemError):
    """The parts of the policy contradict each other or the law; the detail says which."""

    code = "impossible_policy"
    status = 422
    title = "The gate's policy cannot hold"


class ZoneInUseError(ProblemError):
    """A gate leads into the zone."""

    code = "zone_in_use"
    status = 409
    title = "A gate leads into this zone or out of it"


class GateInUseError(ProblemError):
    """Another gate sends whoever shows no face here."""

    code = "gate_in_use"
    status = 409
    title = "Another gate names this one as the way for those who show no face"


def add(session: Session, policy: GatePolicy, *, title: str, by: str, now: datetime) -> GateRecord:
    """Add the gate that `policy` names.

    Raises:
        GateNameTakenError, UnknownZoneError, UnknownGateError: see there.
    """
    if session.get(GateRecord, policy.gate) is not None:
        raise GateNameTakenError(f"there is a gate {policy.gate!r} already")
    _check(session, policy)
    gate = GateRecord(name=policy.gate, title=title, policy=_stored(policy))
    session.add(gate)
    session.flush()
    audit.record(session, actor=by, action="gate.add", subject=f"gate:{gate.name}", now=now)
    return gate


def change(
    session: Session, gate: GateRecord, policy: GatePolicy, *, title: str | None = None, by: str, now: datetime
) -> bool:
    """Give the gate another policy or title, and return whether anything changed.

    Raises:
        UnknownZoneError, UnknownGateError: see there.
    """
    stored = _stored(policy)
    if stored == gate.policy and title in {None, gate.title}:
        return False
    _check(session, policy)
    if title is not None:
        gate.title = title
    gate.policy, gate.is_dirty = stored, True
    audit.record(session, actor=by, action="gate.change", subject=f"gate:{gate.name}", now=now)
    return True


def entitle(session: Session, gate: GateRecord, rule: Rule, *, by: str, now: datetime) -> bool:
    """Let a group pass; a rule of the same group and schedule is replaced.

    Raises:
        ImpossiblePolicyError: the gate has no such schedule.
    """
    policy = policy_of(gate)
    others = tuple(one for one in policy.rules if (one.group, one.schedule) != (rule.group, rule.schedule))
    try:
        changed = GatePolicy.model_validate(policy.model_dump() | {"rules": (*others, rule)})
    except ValidationError as error:
        raise ImpossiblePolicyError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error
    return change(session, gate, changed, by=by, now=now)


def remove(session: Session, gate: GateRecord, *, by: str, now: datetime) -> None:
    """Remove a gate with its directory; its devices are refused from now on.

    Raises:
        GateInUseError: another gate sends people here.
    """
    if any(policy_of(other).face_free_gate == gate.name for other in find(session) if other is not gate):
        raise GateInUseError
    for table in (GateEntry, GateApplied, GateModel, PastGate):
        session.execute(delete(table).where(table.gate == gate.name))
    for one in session.scalars(select(VisitorPass).where(VisitorPass.ended_at.is_(None))):
        if gate.name in one.gates:
            one.gates = [name for name in one.gates if name != gate.name]
            changes.record(session, one.person_id)
    session.delete(gate)
    session.flush()
    audit.record(session, actor=by, action="gate.remove", subject=f"gate:{gate.name}", now=now)


def get(session: Session, name: str, *, for_change: bool = False) -> GateRecord:
    """Return a gate, locked when it is to be changed.

    Raises:
        NotFoundError: there is none of that name.
    """
    statement = select(GateRecord).where(GateRecord.name == name)
    gate = session.scalar(statement.with_for_update() if for_change else statement)
    if gate is None:
        raise NotFoundError(f"there is no gate {name!r}")
    return gate


def find(session: Session, *, after: str | None = None, limit: int | None = None) -> Sequence[GateRecord]:
    """Return gates by name."""
    statement = select(GateRecord).order_by(GateRecord.name)
    if after is not None:
        statement = statement.where(GateRecord.name > after)
    return session.scalars(statement.limit(limit)).all()


def find_titles(session: Session) -> dict[str, str]:
    """Return the titles of all gates by name, in the order of their names."""
    rows = session.execute(select(GateRecord.name, GateRecord.title).order_by(GateRecord.name))
    return {row.name: row.title for row in rows}


def policy_of(gate: GateRecord) -> GatePolicy:
    """Return what the administrators asked for."""
    return GatePolicy.model_validate(gate.policy)


def put_zone(session: Session, name: str, *, site: str, title: str, by: str, now: datetime) -> ZoneRecord:
    """Add a zone, or change its site and title."""
    zone = session.get(ZoneRecord, name) or ZoneRecord(name=name)
    zone.site, zone.title = site, title
    session.add(zone)
    session.flush()
    audit.record(session, actor=by, action="zone.put", subject=f"zone:{name}", now=now)
    return zone


def remove_zone(session: Session, name: str, *, by: str, now: datetime) -> None:
    """Remove a zone.

    Raises:
        NotFoundError: there is none.
        ZoneInUseError: a gate leads there.
    """
    zone = session.get(ZoneRecord, name)
    if zone is None:
        raise NotFoundError(f"there is no zone {name!r}")
    for gate in find(session):
        policy = policy_of(gate)
        if name in {policy.inner_zone, policy.outer_zone}:
            raise ZoneInUseError(f"gate {gate.name!r} leads into zone {name!r} or out of it")
    session.delete(zone)
    audit.record(session, actor=by, action="zone.remove", subject=f"zone:{name}", now=now)


def find_zones(session: Session) -> Sequence[ZoneRecord]:
    """Return all zones by name."""
    return session.scalars(select(ZoneRecord).order_by(ZoneRecord.name)).all()


def _stored(policy: GatePolicy) -> dict[str, object]:
    """Return what is kept: the model is not an administrator's choice but the server's."""
    return policy.model_copy(update={"model_id": None}).model_dump(mode="json")


def _check(session: Session, policy: GatePolicy) -> None:
    for zone in (policy.inner_zone, policy.outer_zone):
        if zone is not None and session.get(ZoneRecord, zone) is None:
            raise UnknownZoneError(f"there is no zone {zone!r}")
    if policy.face_free_gate is not None:
        other = session.get(GateRecord, policy.face_free_gate)
        if other is None or not policy_of(other).takes_cards_alone:
            raise UnknownGateError(f"gate {policy.face_free_gate!r} does not exist, or needs a face itself")
