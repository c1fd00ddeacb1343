"""The state of every process that the campus runs on, as far as the server knows it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import audit
from accounts.tables import Device
from console.services import ConsoleServices
from directory import gates
from directory.lag import find_behind
from metering.rooms.tables import MeterLine
from metering.sessions.tables import ShowerController
from operations.alarms import register
from operations.alarms.rules import AlarmKind

_SHOWER_SILENT = timedelta(minutes=3)


class Standing(StrEnum):
    """How a process stands."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One process or machine: what it is (`kind`), its name, how it stands and since or until when that was heard."""

    kind: str
    name: str
    standing: Standing
    words: str
    """The key of how it stands."""
    at: datetime | None = None


def describe_gates(session: Session, services: ConsoleServices) -> list[ProcessState]:
    """Return controller and edge of every gate; an edge where the gate asks for faces or one was heard."""
    views = {view.gate: view for view in services.board.views()}
    unsure = {one.gate for one in register.open_alarms(session) if one.kind == AlarmKind.CLOCK_UNSURE}
    found = []
    for gate in gates.find(session):
        view = views.get(gate.name)
        controller, edge = (view.controller, view.edge) if view is not None else (None, None)
        controller_since, edge_since = (view.controller_since, view.edge_since) if view is not None else (None, None)
        found.append(_presence("controller", gate.title, controller, controller_since))
        if gates.policy_of(gate).uses_faces or edge_since is not None:
            found.append(_presence("edge", gate.title, edge, edge_since))
        if gate.name in unsure:
            found.append(ProcessState("clock", gate.title, Standing.BAD, "alarm.clock_unsure"))
    return found


def describe_directories(session: Session, now: datetime) -> list[ProcessState]:
    """Return the devices whose directory is behind."""
    titles = gates.find_titles(session)
    return [
        ProcessState("directory", titles.get(lag.gate, lag.gate), Standing.BAD, "alarm.directory_lag", lag.seen_at)
        for lag in find_behind(session, now)
    ]


def describe_meters(session: Session) -> list[ProcessState]:
    """Return every line of meters."""
    words = {True: "line_up", False: "line_down", None: "unknown"}
    return [
        ProcessState(
            "line", line.name, _standing(line.is_up), f"administration.state.{words[line.is_up]}", line.heard_at
        )
        for line in session.scalars(select(MeterLine).order_by(MeterLine.name))
    ]


def describe_showers(session: Session, now: datetime) -> list[ProcessState]:
    """Return every shower's controller."""
    rows = session.execute(
        select(ShowerController, Device.name)
        .join(Device, Device.id == ShowerController.device_id)
        .where(Device.revoked_at.is_(None))
        .order_by(Device.name)
    )
    found = []
    for one, name in rows:
        heard = None if one.seen_at is None else now - one.seen_at <= _SHOWER_SILENT
        words = {True: "presence.online", False: "presence.offline", None: "presence.never"}[heard]
        if heard and one.faults:
            found.append(ProcessState("shower", name, Standing.BAD, "administration.state.faults", one.seen_at))
        else:
            found.append(ProcessState("shower", name, _standing(heard), words, one.seen_at))
    return found


def find_last_backup(session: Session) -> datetime | None:
    """Return when `campusgate backup` last wrote a whole file; None where the trail has no line of it."""
    lines = audit.find(session, action=audit.BACKUP, limit=1)
    return lines[0].at if lines else None


def _presence(kind: str, name: str, status: StrEnum | None, since: datetime | None) -> ProcessState:
    if status is None:
        return ProcessState(kind, name, Standing.UNKNOWN, f"presence.{'unknown' if since else 'never'}", since)
    standing = Standing.GOOD if status.value == "online" else Standing.BAD
    return ProcessState(kind, name, standing, f"presence.{status.value}", since)


def _standing(is_good: bool | None) -> Standing:
    return Standing.UNKNOWN if is_good is None else Standing.GOOD if is_good else Standing.BAD
