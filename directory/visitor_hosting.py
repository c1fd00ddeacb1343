"""Visitor passes that people of the campus give by themselves: for gates they may pass, for hours, each audited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from access.policy import GatePolicy
from accounts import audit, people
from accounts.people.particulars import Particulars
from accounts.people.standing import standing
from accounts.tables import Person
from accounts.vocabulary import PersonKind
from directory import visitor_passes
from directory.hosting_rules import HostingRules
from directory.records import EntryFilter, PersonRecord, context_of_code
from directory.services import DirectoryServices
from directory.tables import DirectoryPerson, GateRecord, VisitorPass
from web.problems import NotFoundError, ProblemError

_NUMBER_LENGTH = 12


class HostingNotAllowedError(ProblemError):
    """People of this kind do not invite visitors by themselves on this campus."""

    code = "hosting_not_allowed"
    status = 403
    title = "You may not invite visitors by yourself; ask the staff of the gates"


class GateNotHostedError(ProblemError):
    """The host may not pass one of the gates, or no visitors are invited there."""

    code = "gate_not_hosted"
    status = 422
    title = "You may not invite visitors to one of these gates"


class HostedPeriodError(ProblemError):
    """The period is longer, or begins later, than a host may decide."""

    code = "hosted_period"
    status = 422
    title = "The pass is too long or begins too late; ask the staff of the gates"


class TooManyPassesError(ProblemError):
    """The host has as many passes as they may; one must be over or be ended first."""

    code = "too_many_passes"
    status = 409
    title = "You have too many passes that are not over; end one first"


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a host asks for; `id` is made with the form, and the same when it is sent again."""

    id: UUID
    visitor: str
    purpose: str
    gates: tuple[str, ...]
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class HostedPass:
    """A pass with its visitor's name; `code` None when it is over, ended, or cannot be shown."""

    row: VisitorPass
    visitor: str
    code: str | None

    def state(self, now: datetime) -> visitor_passes.PassState:
        """Return how it stands at a moment."""
        return visitor_passes.state_of(self.row, now)


def may_host(session: Session, services: DirectoryServices, host_id: UUID, now: datetime) -> bool:
    """Return whether a person may invite visitors by themselves."""
    host = people.get(session, host_id)
    return host.kind in services.hosting.hosts and standing(host, now) == "good"


def find_gates(session: Session, services: DirectoryServices, host_id: UUID, now: datetime) -> Sequence[GateRecord]:
    """Return the gates to which a person may invite: those of the right kind that they may pass themselves."""
    sealed = session.get(DirectoryPerson, host_id)
    if sealed is None:
        return []
    record = PersonRecord.open(services.sealer, host_id, sealed.sealed)
    gates = session.scalars(select(GateRecord).where(GateRecord.published.is_not(None)).order_by(GateRecord.title))
    return [gate for gate in gates if _is_hosted(services.hosting, gate, record, now)]


def invite(
    session: Session, services: DirectoryServices, wanted: Invitation, *, host_id: UUID, by: str, now: datetime
) -> VisitorPass:
    """Give a visitor a pass with a code, in a writing transaction; the same invitation again is the same pass.

    Raises:
        HostingNotAllowedError, GateNotHostedError, HostedPeriodError, TooManyPassesError: see there.
        visitor_passes.PassPeriodError: the period is empty or over.
        NotFoundError: the id is another host's.
    """
    # Locked, so that two at once do not both find room for one more.
    host = people.get(session, host_id, lock=True)
    rules = services.hosting
    if (earlier := session.get(VisitorPass, wanted.id)) is not None:
        return _require_own(earlier, host_id)
    if host.kind not in rules.hosts or standing(host, now) != "good":
        raise HostingNotAllowedError
    _check_period(rules, wanted, now)
    offered = {gate.name for gate in find_gates(session, services, host_id, now)}
    if not wanted.gates or not offered.issuperset(wanted.gates):
        raise GateNotHostedError
    if count_open(session, host_id, now) >= rules.most_open:
        raise TooManyPassesError(most=rules.most_open)
    visitor = _create_visitor(session, wanted, by, now)
    made, code = visitor_passes.issue(
        session,
        person_id=visitor.id,
        gates=wanted.gates,
        valid_from=wanted.valid_from,
        valid_until=wanted.valid_until,
        with_code=True,
        credential_key=services.credential_key,
        by=by,
        now=now,
        pass_id=wanted.id,
    )
    made.host_id, made.purpose = host_id, wanted.purpose
    if code is not None:
        made.sealed_code = services.sealer.seal(code.encode(), context_of_code(made.id))
    session.flush()
    details: dict[str, audit.Scalar | list[str]] = {
        "visitor": str(visitor.id),
        "until": wanted.valid_until.isoformat(),
        "gates": made.gates,
    }
    audit.record(session, actor=by, action="pass.host", subject=f"pass:{made.id}", now=now, details=details)
    return made


def count_open(session: Session, host_id: UUID, now: datetime) -> int:
    """Return how many passes of a host are not over."""
    found = _of_host(host_id).where(VisitorPass.ended_at.is_(None), VisitorPass.valid_until > now)
    return session.scalar(select(func.count()).select_from(found.subquery())) or 0


def find_of_host(
    session: Session,
    services: DirectoryServices,
    host_id: UUID,
    now: datetime,
    *,
    before: UUID | None = None,
    limit: int = 50,
) -> list[HostedPass]:
    """Return a host's passes, the newest first; `before` is the id of the last one of the page before."""
    query = _of_host(host_id).order_by(VisitorPass.issued_at.desc(), VisitorPass.id.desc()).limit(limit)
    if before is not None:
        last = get_of_host(session, services, before, host_id, now).row
        query = query.where(
            (VisitorPass.issued_at < last.issued_at)
            | ((VisitorPass.issued_at == last.issued_at) & (VisitorPass.id < last.id))
        )
    return [_describe(session, services, row, now) for row in session.scalars(query)]


def get_of_host(
    session: Session, services: DirectoryServices, pass_id: UUID, host_id: UUID, now: datetime
) -> HostedPass:
    """Return one of a host's own passes.

    Raises:
        NotFoundError: they gave no such pass.
    """
    return _describe(session, services, _require_own(visitor_passes.get(session, pass_id), host_id), now)


def end(session: Session, pass_id: UUID, host_id: UUID, *, by: str, now: datetime) -> None:
    """End one of a host's own passes; every gate forgets it within moments.

    Raises:
        NotFoundError: they gave no such pass.
    """
    _require_own(visitor_passes.get(session, pass_id), host_id)
    visitor_passes.end(session, pass_id, by=by, now=now)


def _of_host(host_id: UUID) -> Select[VisitorPass]:
    return select(VisitorPass).where(VisitorPass.host_id == host_id)


def _require_own(row: VisitorPass, host_id: UUID) -> VisitorPass:
    if row.host_id != host_id:
        raise NotFoundError("you have given no such pass")
    return row


def _describe(session: Session, services: DirectoryServices, row: VisitorPass, now: datetime) -> HostedPass:
    visitor = people.get(session, row.person_id)
    is_over = row.ended_at is not None or now >= row.valid_until
    code = None
    if row.sealed_code is not None and not is_over:
        code = services.sealer.open(row.sealed_code, context_of_code(row.id)).decode()
    return HostedPass(row, visitor.name, code)


def _is_hosted(rules: HostingRules, gate: GateRecord, host: PersonRecord, now: datetime) -> bool:
    policy = GatePolicy.model_validate_json(gate.published or "")
    if not rules.has_gate(policy):
        return False
    entry = host.for_gate(EntryFilter.of(policy, gate.models))
    # A pass of one's own is no leave to invite others: only a rule for one's group is.
    return entry is not None and any(
        rule.group in entry.groups
        and (rule.valid_from is None or now >= rule.valid_from)
        and (rule.valid_until is None or now < rule.valid_until)
        for rule in policy.rules
    )


def _check_period(rules: HostingRules, wanted: Invitation, now: datetime) -> None:
    if not now < wanted.valid_until or not wanted.valid_from < wanted.valid_until:
        raise visitor_passes.PassPeriodError
    is_long = wanted.valid_until - max(wanted.valid_from, now - timedelta(minutes=1)) > rules.longest
    if is_long or wanted.valid_from > now + rules.ahead:
        raise HostedPeriodError(
            longest_h=rules.longest.total_seconds() / 3600, ahead_days=rules.ahead.total_seconds() / 86400
        )


def _create_visitor(session: Session, wanted: Invitation, by: str, now: datetime) -> Person:
    """Open an account that is nobody's sign-in, and over when the pass is."""
    particulars = Particulars(
        number=f"V{wanted.id.hex[-_NUMBER_LENGTH:].upper()}",
        name=wanted.visitor,
        kind=PersonKind.VISITOR,
        valid_from=min(now, wanted.valid_from),
        valid_until=wanted.valid_until,
    )
    return people.create(session, particulars, by=by, now=now)
