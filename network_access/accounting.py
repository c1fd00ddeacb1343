"""What devices report of sessions: begun, still there, over, or that a device began anew.

A session's id follows from device, number and login, its time is the longest that was reported, and what follows is
computed from that: so repeats and reorderings change nothing. What cannot be read is acknowledged, for a device would
repeat it for ever.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from accounts import people
from accounts.ledger import chart
from network_access import charging, login_class
from network_access.asking import Asking, Seat
from network_access.attributes import Request
from network_access.charging import Case
from network_access.login import find_running
from network_access.services import NetworkServices
from network_access.tables import NetworkSession
from network_access.terms import ServiceTerms
from network_access.vocabulary import (
    ENDED_UNHEARD,
    REPLACED,
    RESTARTED,
    DisconnectReason,
    NetworkService,
    NetworkSessionState,
)

log = structlog.get_logger()

_LONGEST_DELAY: Final = timedelta(days=7)
_SLACK: Final = timedelta(minutes=5)
"""By which a device's count may be ahead of our clock before it is worth a line in the log."""


class ReportKind(StrEnum):
    """Acct-Status-Type, as FreeRADIUS's dictionary names it."""

    START = "Start"
    INTERIM = "Interim-Update"
    STOP = "Stop"
    ON = "Accounting-On"
    OFF = "Accounting-Off"


_NUMBERS: Final = {
    "1": ReportKind.START,
    "2": ReportKind.STOP,
    "3": ReportKind.INTERIM,
    "Alive": ReportKind.INTERIM,
    "7": ReportKind.ON,
    "8": ReportKind.OFF,
}


@dataclass(frozen=True, slots=True)
class Report:
    """One packet of accounting; `at` is when it happened, `session_s` what the device has counted."""

    kind: ReportKind
    seat: Seat
    number: str
    user_name: str
    person_id: UUID
    logged_in_at: datetime | None
    login: bytes
    at: datetime
    session_s: int | None
    cause: str

    @property
    def key(self) -> str:
        """What is the same in every packet of one session."""
        return "\n".join((self.seat.nas, self.number, self.login.hex() or str(self.person_id)))


def take(asked: Asking) -> None:
    """Take a packet in; the same again changes nothing.

    Raises:
        DatabaseBusyError: nothing was stored; the device repeats it.
    """
    services, request, kind = asked.services, asked.request, _kind_of(asked.request)
    at = asked.now - min(timedelta(seconds=request.number("Acct-Delay-Time") or 0), _LONGEST_DELAY)
    if kind in {ReportKind.ON, ReportKind.OFF}:
        _close_all(asked, at)
        return
    report = None if kind is None else _read(asked, kind, at)
    if report is None:
        said = request.text("Acct-Status-Type")[:20]
        log.warning("network_report_not_read", kind=said, device=str(asked.device.device_id))
        return
    services.money.writer.run(lambda session, _: _take(session, asked, report))


def end(case: Case, *, at: datetime, reason: str) -> None:
    """End a session and take what it has come to."""
    row = case.row
    row.state, row.ended_at, row.end_reason = NetworkSessionState.ENDED, at, reason
    charging.note_cost(case)
    charging.settle(case)


def lock(session: Session, session_id: UUID, person_id: UUID) -> NetworkSession | None:
    """Lock a person's wallet, by which all of their sessions are taken one by one, and return the session."""
    chart.lock(session, person_id)
    return session.get(NetworkSession, session_id, populate_existing=True)


def _kind_of(request: Request) -> ReportKind | None:
    said = request.text("Acct-Status-Type")
    return ReportKind(said) if said in set(ReportKind) else _NUMBERS.get(said)


def _read(asked: Asking, kind: ReportKind, at: datetime) -> Report | None:
    services, request = asked.services, asked.request
    number, user_name = request.text("Acct-Session-Id"), request.text("User-Name")
    logins = (login_class.read(one, services.class_key) for one in request.octets("Class"))
    login = next((one for one in logins if one is not None), None)
    person_id = _find_named(asked, user_name) if login is None else login.person_id
    if not number or not asked.seat.nas or person_id is None:
        return None
    return Report(
        kind=kind,
        seat=asked.seat,
        number=number,
        user_name=user_name,
        person_id=person_id,
        logged_in_at=None if login is None else login.at,
        login=b"" if login is None else login.nonce,
        at=at,
        session_s=request.number("Acct-Session-Time"),
        cause=request.text("Acct-Terminate-Cause")[:40] or "stop",
    )


def _find_named(asked: Asking, user_name: str) -> UUID | None:
    """Return whose number a device gives, where it sends back no Class."""
    with asked.services.database.read() as session:
        person = people.by_number(session, user_name)
    return None if person is None else person.id


def _take(session: Session, asked: Asking, report: Report) -> None:
    now, session_id = asked.now, uuid5(asked.device.device_id, report.key)
    row = lock(session, session_id, report.person_id)
    if row is None:
        row = _begin(session_id, asked, report)
        _end_replaced(session, asked, row, report)
        session.add(row)
        session.flush()
    case = Case(session, asked.services, row, asked.terms, now)
    row.session_s = max(row.session_s, _believed_s(report, row, asked.terms, now))
    row.heard_at = max(row.heard_at, now)
    charging.note_cost(case)
    if report.kind is ReportKind.STOP:
        end(case, at=min(report.at, now), reason=report.cause)
        return
    if row.state == NetworkSessionState.ENDED:
        charging.settle(case)
        if not _goes_on(row, report):
            return
        row.state, row.ended_at, row.end_reason = NetworkSessionState.RUNNING, None, None
        charging.go_on(case)
    charging.keep_covered(case)
    _mark_surplus(session, asked, row, report)


def _goes_on(row: NetworkSession, report: Report) -> bool:
    """Tell whether a session that was thought to be over is not: it was heard of after that."""
    is_later = row.ended_at is not None and report.at >= row.ended_at
    return report.kind is ReportKind.INTERIM and row.end_reason in ENDED_UNHEARD and is_later


def _begin(session_id: UUID, asked: Asking, report: Report) -> NetworkSession:
    device, terms = asked.device, asked.terms
    began_at = report.at - timedelta(seconds=report.session_s or 0)
    if report.logged_in_at is not None:
        began_at = max(began_at, report.logged_in_at)
    return NetworkSession(
        id=session_id,
        service=asked.service.value,
        device_id=device.device_id,
        merchant_id=device.merchant_id,
        campus=device.campus,
        person_id=report.person_id,
        nas=report.seat.nas,
        nas_address=report.seat.nas_address,
        port=report.seat.port,
        station=report.seat.station,
        number=report.number,
        user_name=report.user_name,
        state=NetworkSessionState.RUNNING,
        began_at=began_at,
        heard_at=report.at,
        session_s=0,
        free_s=0,
        quota_s=terms.quota_s,
        fen_per_hour=terms.fen_per_hour,
        cost=0,
        billed=0,
        billed_before=0,
        held=0,
        holds=0,
        covered_until=began_at + terms.longest,
    )


def _believed_s(report: Report, row: NetworkSession, terms: ServiceTerms, now: datetime) -> int:
    """Return the seconds that a session has come to by a report: never more than can have gone by since its login."""
    since = report.logged_in_at or row.began_at
    most = now - since
    said = report.session_s
    if said is None:
        said = 0 if report.kind is ReportKind.START else int((report.at - row.began_at).total_seconds())
    if said > (most + _SLACK).total_seconds():
        log.warning("network_time_not_believed", session=str(row.id), said_s=said)
    return max(0, min(said, int(most.total_seconds()), int(terms.longest.total_seconds())))


def _end_replaced(session: Session, asked: Asking, row: NetworkSession, report: Report) -> None:
    """At one seat sits one person once: an earlier session of theirs that never ended there is over."""
    if report.kind is ReportKind.STOP:
        return
    for earlier in find_running(session, row.person_id, asked.service):
        if report.seat.is_same(earlier) and earlier.began_at < row.began_at:
            end(Case(session, asked.services, earlier, asked.terms, asked.now), at=asked.now, reason=REPLACED)


def _mark_surplus(session: Session, asked: Asking, row: NetworkSession, report: Report) -> None:
    """Two logins at the same moment may both have been let in: the later session goes."""
    if report.kind is not ReportKind.START or row.disconnect_reason is not None:
        return
    if row in find_running(session, row.person_id, asked.service)[asked.terms.most_sessions :]:
        row.disconnect_reason = DisconnectReason.TOO_MANY_SESSIONS


def _close_all(asked: Asking, at: datetime) -> None:
    """A device began anew: the sessions that it had before are over, at what was last heard of them."""
    seat = asked.seat
    if not seat.nas:
        return
    query = select(NetworkSession.id, NetworkSession.person_id, NetworkSession.service).where(
        NetworkSession.device_id == asked.device.device_id,
        NetworkSession.state == NetworkSessionState.RUNNING,
        NetworkSession.began_at < at,
        or_(NetworkSession.nas == seat.nas, NetworkSession.nas_address == (seat.nas_address or seat.nas)),
    )
    with asked.services.database.read() as session:
        found = session.execute(query).all()
    for session_id, person_id, service in found:
        end_unheard(asked.services, session_id, person_id, NetworkService(service), at=at, reason=RESTARTED)


def end_unheard(
    services: NetworkServices, session_id: UUID, person_id: UUID, service: NetworkService, *, at: datetime, reason: str
) -> None:
    """End a session whose end nobody reported, at what was last heard of it; one that is over stays as it is."""
    terms = services.find_terms(service)

    def work(session: Session, now: datetime) -> None:
        row = lock(session, session_id, person_id)
        if row is not None and row.state == NetworkSessionState.RUNNING:
            end(Case(session, services, row, terms, now), at=at, reason=reason)

    services.money.writer.run(work)
