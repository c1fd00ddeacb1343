"""For facilities staff: gates, who may pass them, zones, lag, and the question why."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from access.policy import Direction, GatePolicy, Mode, Rule
from access.reasons import Notice, Reason
from access.snapshot import View
from accounts.api.dependencies import ROLE_ERRORS, FacilitiesDep, NowDep
from accounts.audit import disclosures
from directory import gates
from directory.api.dependencies import GateName, Moment, ServicesDep
from directory.dry_run import Shown, dry_run
from directory.feed import NotPublishedError
from directory.lag import find_lags
from directory.tables import GateRecord
from web import tickets
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, ProblemError, responses
from web.text import Line, Slug
from web.tickets import TicketDep

router = APIRouter(prefix="/api/v1/directory", tags=["gates"])

_PLACES = (gates.UnknownZoneError, gates.UnknownGateError)
_CHANGE_ERRORS = (*ROLE_ERRORS, *tickets.ERRORS, NotFoundError)
TICKET = "gate"
"""The action of a ticket by which a gate's policy is changed: it decides how the door behaves."""


class GateNameDiffersError(ProblemError):
    """The address names one gate, the policy another."""

    code = "gate_name_differs"
    status = 422
    title = "The policy names another gate than the address"


class GateIn(BaseModel):
    """A gate and its policy. `policy.model_id` is the server's choice; what is given there is not heeded."""

    model_config = ConfigDict(extra="forbid")

    title: Line
    policy: GatePolicy


class GateOut(BaseModel):
    """A gate as it is kept; `revision` is its directory's."""

    name: str
    title: str
    policy: GatePolicy
    revision: int
    published_at: datetime | None

    @classmethod
    def of(cls, gate: GateRecord) -> "GateOut":
        """Show `gate`."""
        return cls(
            name=gate.name,
            title=gate.title,
            policy=gates.policy_of(gate),
            revision=gate.revision,
            published_at=gate.published_at,
        )


class ZoneIn(BaseModel):
    """A zone."""

    model_config = ConfigDict(extra="forbid")

    site: Slug
    title: Line


class ZoneOut(ZoneIn):
    """A zone with its name."""

    name: str


class LagOut(BaseModel):
    """How far one device of a gate is behind; see `directory.lag`."""

    model_config = ConfigDict(from_attributes=True)

    gate: str
    view: View
    device_id: UUID
    latest_revision: int
    revision: int
    behind: int
    behind_s: float
    waiting_revocations: int
    applied_at: datetime
    seen_at: datetime


class DryRunIn(BaseModel):
    """Who, when, and what they show."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID
    at: Moment | None = Field(default=None, description="now when left out")
    shown: Shown = Shown.FACE
    direction: Direction = Direction.ENTRY


class DryRunOut(BaseModel):
    """The answer, and what it rests on."""

    granted: bool
    reason: Reason
    notices: tuple[Notice, ...]
    at: datetime
    mode: Mode
    groups: tuple[str, ...]
    in_directory: bool
    known_by: tuple[str, ...]
    revision: int


@router.get("/gates", responses=responses(*ROLE_ERRORS, InvalidCursorError))
def list_gates(_staff: FacilitiesDep, services: ServicesDep, page: PageDep) -> Page[GateOut]:
    """List gates by name."""
    with services.database.read() as session:
        found = gates.find(session, after=page.after(str), limit=page.limit + 1)
        rows, following = page.cut(found, lambda gate: gate.name)
        return Page(items=[GateOut.of(gate) for gate in rows], next=following)


@router.post("/gates", status_code=201, responses=responses(*ROLE_ERRORS, gates.GateNameTakenError, *_PLACES))
def add_gate(staff: FacilitiesDep, services: ServicesDep, now: NowDep, body: GateIn) -> GateOut:
    """Add a gate; its directory is assembled within moments."""
    with services.database.begin() as session:
        return GateOut.of(gates.add(session, body.policy, title=body.title, by=staff.actor, now=now))


@router.get("/gates/{gate}", responses=responses(*ROLE_ERRORS, NotFoundError))
def get_gate(gate: GateName, _staff: FacilitiesDep, services: ServicesDep) -> GateOut:
    """Show one gate."""
    with services.database.read() as session:
        return GateOut.of(gates.get(session, gate))


@router.put("/gates/{gate}", responses=responses(*_CHANGE_ERRORS, GateNameDiffersError, *_PLACES))
def change_gate(
    gate: GateName, staff: FacilitiesDep, services: ServicesDep, now: NowDep, *, ticket: TicketDep, body: GateIn
) -> GateOut:
    """Give a gate another policy; it is told within moments. With a ticket for `gate`."""
    if body.policy.gate != gate:
        raise GateNameDiffersError
    with services.database.begin() as session:
        ticket.redeem(staff.person_id, TICKET)
        record = gates.get(session, gate, for_change=True)
        gates.change(session, record, body.policy, title=body.title, by=staff.actor, now=now)
        return GateOut.of(record)


@router.post("/gates/{gate}/rules", responses=responses(*_CHANGE_ERRORS, gates.ImpossiblePolicyError))
def add_rule(
    gate: GateName, staff: FacilitiesDep, services: ServicesDep, now: NowDep, *, ticket: TicketDep, body: Rule
) -> GateOut:
    """Let a group pass; a rule of the same group and schedule is replaced. With a ticket for `gate`."""
    with services.database.begin() as session:
        ticket.redeem(staff.person_id, TICKET)
        record = gates.get(session, gate, for_change=True)
        gates.entitle(session, record, body, by=staff.actor, now=now)
        return GateOut.of(record)


@router.delete("/gates/{gate}", status_code=204, responses=responses(*_CHANGE_ERRORS, gates.GateInUseError))
def remove_gate(gate: GateName, staff: FacilitiesDep, services: ServicesDep, now: NowDep, *, ticket: TicketDep) -> None:
    """Remove a gate; its devices are refused from now on. With a ticket for `gate`."""
    with services.database.begin() as session:
        ticket.redeem(staff.person_id, TICKET)
        gates.remove(session, gates.get(session, gate, for_change=True), by=staff.actor, now=now)


@router.get("/lags", responses=responses(*ROLE_ERRORS))
def list_lags(_staff: FacilitiesDep, services: ServicesDep, now: NowDep, gate: Slug | None = None) -> list[LagOut]:
    """Show how far each gate's devices are behind."""
    with services.database.read() as session:
        return [LagOut.model_validate(lag) for lag in find_lags(session, now, gate=gate)]


@router.post("/gates/{gate}/dry-run", responses=responses(*ROLE_ERRORS, NotFoundError, NotPublishedError))
def ask(gate: GateName, staff: FacilitiesDep, services: ServicesDep, now: NowDep, body: DryRunIn) -> DryRunOut:
    """May this person pass this gate at this time, and why (not)? Nothing opens; who asked about whom is audited."""
    at = body.at or now
    with services.database.read() as session:
        found = dry_run(
            session,
            services.sealer,
            gate,
            body.person_id,
            at=at,
            shown=body.shown,
            direction=body.direction,
        )
    about = f"person:{body.person_id}"
    disclosures.record(
        services.database, by=staff.person_id, action="dry_run", subject=about, now=now, details={"gate": gate}
    )
    return DryRunOut(
        granted=found.decision.granted,
        reason=found.decision.reason,
        notices=found.decision.notices,
        at=at,
        mode=found.mode,
        groups=found.groups,
        in_directory=found.in_directory,
        known_by=found.known_by,
        revision=found.revision,
    )


@router.get("/zones", responses=responses(*ROLE_ERRORS))
def list_zones(_staff: FacilitiesDep, services: ServicesDep) -> list[ZoneOut]:
    """List zones by name."""
    with services.database.read() as session:
        return [ZoneOut(name=zone.name, site=zone.site, title=zone.title) for zone in gates.find_zones(session)]


ZoneName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


@router.put("/zones/{zone}", responses=responses(*ROLE_ERRORS))
def put_zone(zone: ZoneName, staff: FacilitiesDep, services: ServicesDep, now: NowDep, body: ZoneIn) -> ZoneOut:
    """Add a zone, or change it."""
    with services.database.begin() as session:
        gates.put_zone(session, zone, site=body.site, title=body.title, by=staff.actor, now=now)
    return ZoneOut(name=zone, site=body.site, title=body.title)


@router.delete("/zones/{zone}", status_code=204, responses=responses(*ROLE_ERRORS, NotFoundError, gates.ZoneInUseError))
def remove_zone(zone: ZoneName, staff: FacilitiesDep, services: ServicesDep, now: NowDep) -> None:
    """Remove a zone that no gate leads into."""
    with services.database.begin() as session:
        gates.remove_zone(session, zone, by=staff.actor, now=now)
