"""Sessions of showers: a report or a heartbeat in, an answer out, by whatever port it came.

A session goes authorised → running → settled, or expires in silence, or waits for a person; what arrives late still
finds it. Every report is kept under (session, number, step), and all that follows is computed from all that are kept:
so repeats and reorderings change nothing, and money is taken exactly once.
"""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from accounts.ledger import account
from accounts.payments.services import MoneyServices
from accounts.tables import Device
from accounts.vocabulary import DeviceRole
from messages.metering import (
    MOST_FEN,
    DeviceHeartbeat,
    HeartbeatAnswer,
    SessionAnswer,
    SessionLimit,
    SessionReport,
    SessionStep,
)
from metering.sessions import authorisation, holders, limits, places, settlement
from metering.sessions.authorisation import OPEN, SessionRefusedError
from metering.sessions.case import Case
from metering.sessions.clocks import believed
from metering.sessions.heartbeat_order import HeartbeatOrder
from metering.sessions.places import Placed
from metering.sessions.reading import SessionReading
from metering.sessions.tables import ShowerController, WaterSession, WaterSessionReport
from metering.vocabulary import SessionState, StopReason
from web.problems import NotFoundError, ProblemError

log = structlog.get_logger()


class SessionService:
    """Takes what controllers say. Safe to call from several threads; every call may be repeated."""

    def __init__(self, money: MoneyServices) -> None:
        """Use the money's database, ledger and campus clock."""
        self._money = money
        self.order = HeartbeatOrder()
        """Of all ports by which heartbeats come."""

    def report(self, report: SessionReport, now: datetime) -> SessionAnswer:
        """Store a report and return its answer, which acknowledges it.

        Raises:
            NotFoundError: no meter has this id, or its token was revoked.
            DatabaseBusyError: nothing was stored; send it again.
        """
        return self._money.writer.run(lambda session, _: self._take(session, report, now))

    def heartbeat(self, heartbeat: DeviceHeartbeat, now: datetime) -> HeartbeatAnswer:
        """Note how a controller is, take what it repeats, and return what it works by.

        One that comes after a newer one is answered, and what it repeats is taken; else it changes nothing.

        Raises:
            NotFoundError, DatabaseBusyError: as `report`.
        """
        is_past = self.order.is_past(heartbeat)

        def work(session: Session, _now: datetime) -> HeartbeatAnswer:
            found = _lock_device(session, heartbeat.device)
            if not is_past:
                _note_heartbeat(session, heartbeat, now)
            repeated = heartbeat.unsettled
            answer = None
            if repeated is not None and repeated.device == heartbeat.device:
                answer = self._take(session, repeated, now)
            elif heartbeat.queued == 0 and not is_past:
                # A restart without a record of its last session: its end will never come.
                gone = WaterSession.boot_id != heartbeat.boot_id, WaterSession.id != heartbeat.running
                self._close_open(session, found, now, *gone)
            return places.configuration(session, found, self._money.accounts.zone, now, answer)

        answered = self._money.writer.run(work)
        if not is_past:
            self.order.taken(heartbeat)
        elif self.order.is_second_voice(heartbeat):
            log.error("shower_speaks_twice", device=str(heartbeat.device), boot=str(heartbeat.boot_id))
        return answered

    def expire(self, now: datetime, *, most: int = 200) -> int:
        """Settle sessions that nothing was heard of for long from their last report; return how many."""
        with self._money.database.read() as session:
            query = select(WaterSession.id, WaterSession.device_id).where(
                WaterSession.state.in_(OPEN), WaterSession.expires_at <= now
            )
            due = session.execute(query.order_by(WaterSession.expires_at).limit(most)).all()
        for session_id, device_id in due:
            try:
                self._money.writer.run(partial(self._expire, session_id, device_id, now))
            except ProblemError as error:
                # One session must not keep the money of all others held.
                log.warning("session_not_settled", session=str(session_id), code=error.code)
        return len(due)

    def _expire(self, session_id: UUID, device_id: UUID, now: datetime, session: Session, _now: datetime) -> None:
        # Of a revoked controller too: it says nothing more, and what it held must not stay held.
        session.get(Device, device_id, with_for_update=True)
        found = places.placed(session, device_id)
        row = session.get(WaterSession, session_id, populate_existing=True)
        if row is not None and row.state in OPEN and row.expires_at <= now:
            self._close(Case(session, self._money, row, found, now))

    def _take(self, session: Session, report: SessionReport, now: datetime) -> SessionAnswer:
        found = _lock_device(session, report.device)
        row = session.get(WaterSession, report.session, populate_existing=True)
        if row is None:
            row = _begin(session, report, found, now)
        case = Case(session, self._money, row, found, now)
        is_new = _store(session, report, now)
        if is_new:
            self._advance(case, report)
        return self._answer(case, report)

    def _advance(self, case: Case, report: SessionReport) -> None:
        """Take a report in that was not known before."""
        row = case.row
        reading = settlement.reading_of(case)
        may_hold = row.hold_id is None and row.state in (SessionState.REFUSED, *OPEN) and not reading.has_ended
        if report.step is SessionStep.AUTHORISE and may_hold:
            self._close_open(case.session, case.found, case.now, WaterSession.id != row.id)
            _authorise(case, report)
        elif row.person_id is None:
            holders.identify(case, report)
        if not reading.has_started:
            return
        shown = None
        if row.price_list_id is None and row.place_id is not None:
            row.began_at = believed(case.found, report, reading.began_at, case.now) or row.began_at
            shown = places.price_list(case.session, row.place_id, row.began_at, report.tariff)
        doubts = settlement.note(case, reading, shown)
        if row.decided_at is not None:
            row.cost = row.decided_fen or 0
            return
        if reading.has_ended:
            row.ended_at = row.ended_at or case.now
        elif row.state not in (SessionState.SETTLED, SessionState.EXPIRED, SessionState.IN_REVIEW):
            self._go_on(case)
            return
        if doubts:
            settlement.let_go(case)
        else:
            settlement.settle(case, reading, at=_used_at(case, report, reading))
        row.state = settlement.end_state(case, doubts, heard=reading.has_ended)

    def _go_on(self, case: Case) -> None:
        """A session that runs: it is heard of, and what is held keeps up with it."""
        row = case.row
        row.state = SessionState.RUNNING
        row.expires_at = case.now + timedelta(seconds=case.settings.silence_s)
        if row.person_id is not None:
            authorisation.keep_held(case, limits.allowance(case), self._subsidy(case))

    def _close(self, case: Case) -> None:
        """Settle a session whose end was not heard from what was reported last."""
        row, reading = case.row, settlement.reading_of(case)
        doubts = settlement.note(case, reading)
        if doubts:
            settlement.let_go(case)
        else:
            settlement.settle(case, reading, at=case.now)
        row.ended_at = case.now
        row.state = settlement.end_state(case, doubts, heard=False)
        log.info("session_settled_without_its_end", session=str(row.id), state=row.state, cost=row.cost)

    def _close_open(self, session: Session, found: Placed, now: datetime, *among: ColumnElement[bool]) -> None:
        """A controller has one session at a time: another one beside it has ended without its end."""
        query = select(WaterSession).where(WaterSession.device_id == found.device.id, WaterSession.state.in_(OPEN))
        for row in session.scalars(query.where(*among)).all():
            self._close(Case(session, self._money, row, found, now))

    def _subsidy(self, case: Case) -> int:
        """What subsidies pay of the session: what they have paid, and where only hot water runs what is left."""
        prices = places.by_id(case.session, case.row.price_list_id)
        return case.row.subsidy + (0 if prices is None else authorisation.subsidy_left(case, prices))

    def _answer(self, case: Case, report: SessionReport) -> SessionAnswer:
        row = case.row
        limit = None
        stop: StopReason | None = None
        if row.state in OPEN and row.person_id is not None:
            paid = row.held + self._subsidy(case)
            limit = limits.allowance(case).limit(paid)
            stop = StopReason.REMOTE if holders.is_blocked(case) else limits.reached(row, limit)
        elif row.state == SessionState.RUNNING and row.refusal is not None:
            stop = StopReason.REMOTE
        return SessionAnswer(
            device=row.device_id,
            session=row.id,
            seq=report.seq,
            at=case.now,
            state=row.state,
            refusal=row.refusal if row.state == SessionState.REFUSED else None,
            stop=stop,
            hold=row.hold_id,
            expires_at=row.expires_at if row.state in OPEN else None,
            limit=limit or (SessionLimit(fen=0) if row.state == SessionState.REFUSED else None),
            tariff=row.price_list_id,
            cost=min(row.cost, MOST_FEN),
            subsidy=row.subsidy,
            balance=None if row.person_id is None else account(case.session, row.person_id).available,
        )


def _lock_device(session: Session, device_id: UUID) -> Placed:
    """Lock the controller: its reports are taken one by one, which is how it makes them."""
    device = session.get(Device, device_id, with_for_update=True, populate_existing=True)
    if device is None or device.role is not DeviceRole.METER or device.revoked_at is not None:
        raise NotFoundError("no meter has this id")
    return places.placed(session, device_id)


def _begin(session: Session, report: SessionReport, found: Placed, now: datetime) -> WaterSession:
    asks = report.step is SessionStep.AUTHORISE
    row = WaterSession(
        id=report.session,
        device_id=report.device,
        boot_id=report.boot_id,
        number=report.number,
        place_id=None if found.place is None else found.place.id,
        merchant_id=found.device.merchant_id,
        campus=found.device.campus,
        state=SessionState.REFUSED if asks else SessionState.RUNNING,
        held=0,
        cost=0,
        subsidy=0,
        billed=0,
        hot_ml=0,
        cold_ml=0,
        open_s=0,
        loss_ml=0,
        doubts="",
        began_at=now,
        heard_at=now,
        expires_at=now + timedelta(seconds=found.settings.silence_s),
    )
    if not asks:
        row.began_at = believed(found, report, report.began_at or report.at, now) or now
    session.add(row)
    session.flush()
    return row


def _store(session: Session, report: SessionReport, now: datetime) -> bool:
    """Keep a report; False where it is known."""
    if session.get(WaterSessionReport, (report.session, report.seq, report.step.value)) is not None:
        return False
    body = report.model_dump_json(exclude={"code"})
    session.add(
        WaterSessionReport(
            session_id=report.session, seq=report.seq, step=report.step.value, received_at=now, body=body
        )
    )
    session.flush()
    return True


def _authorise(case: Case, report: SessionReport) -> None:
    row, is_running = case.row, case.row.state == SessionState.RUNNING
    try:
        with case.session.begin_nested():
            grant = authorisation.authorise(case, report)
    except SessionRefusedError as error:
        row.refusal = error.refusal.value
        if is_running:
            holders.identify(case, report)
        return
    row.person_id, row.card_id, row.refusal = grant.person_id, grant.card_id, None
    row.proved_key = None if report.card is None else report.card.proved_key
    row.price_list_id = grant.prices.id
    if grant.hold is not None:
        row.hold_id, row.held = grant.hold.id, grant.hold.amount
    row.state = SessionState.RUNNING if is_running else SessionState.AUTHORISED
    row.expires_at = case.now + timedelta(seconds=case.settings.silence_s)


def _used_at(case: Case, report: SessionReport, reading: SessionReading) -> datetime:
    """When the water was used, as far as the controller's clock is to be believed."""
    return believed(case.found, report, reading.ended_at or report.at, case.now) or case.now


def _note_heartbeat(session: Session, heartbeat: DeviceHeartbeat, now: datetime) -> None:
    controller = session.get(ShowerController, heartbeat.device, populate_existing=True)
    if controller is None:
        return
    controller.seen_at, controller.boot_id = now, heartbeat.boot_id
    controller.valve, controller.faults = heartbeat.valve, " ".join(heartbeat.faults)
    controller.queued, controller.configuration = heartbeat.queued, heartbeat.configuration
