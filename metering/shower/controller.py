"""The state machine of a shower's controller: state, signal, time in; state and effects out. Pure.

A session is asked for, runs, ends, and its end is sent until the server has acknowledged it. Whatever is sent was
recorded before, so after a power cut its end is still known (`recovery`).
"""

from dataclasses import replace

from messages.metering import (
    HeartbeatAnswer,
    MeterTotal,
    SessionAnswer,
    SessionLimit,
    SessionReport,
    SessionStep,
    ShownCard,
)
from metering.shower import counting
from metering.shower.offline import offline_limit
from metering.shower.signals import (
    Answered,
    CardShown,
    CodeShown,
    Effect,
    Forget,
    HeartbeatAnswered,
    Instant,
    KeepTerms,
    MetersRead,
    Notice,
    PausePressed,
    Save,
    Send,
    Signal,
    StopPressed,
    ValvePosition,
)
from metering.shower.state import Phase, Session, State
from metering.shower.steps import Work, stricter
from metering.vocabulary import SessionRefusal, StopReason

_RUNNING = (Phase.OPEN, Phase.PAUSED)


def advance(state: State, signal: Signal, now: Instant) -> tuple[State, tuple[Effect, ...]]:
    """Return the state after `signal`, and what is to be done, in this order."""
    step = _Step(state, now)
    match signal:
        case CardShown(card):
            step.show_card(card)
        case CodeShown(code):
            step.begin(code=code)
        case PausePressed():
            step.pause()
        case StopPressed():
            step.end(StopReason.LOCAL)
        case MetersRead(totals, valve):
            step.read(totals, valve)
        case Answered(answer):
            step.answered(answer)
        case HeartbeatAnswered(answer):
            step.follow(answer)
    return step.state, tuple(step.effects)


class _Step(Work):
    """What each signal means."""

    # What people do.

    def show_card(self, card: ShownCard) -> None:
        state, session, now_s = self.state, self.state.session, self.now.monotonic_s
        is_same_tap = card == state.tapped and now_s - state.tapped_s < state.times.tap_s
        self.set(tapped=card, tapped_s=now_s)
        if is_same_tap:
            return
        if session is None:
            self.begin(card=card)
        elif session.report.card is not None and session.report.card.digest == card.digest:
            self.end(StopReason.LOCAL)
        else:
            self.show(Notice.OCCUPIED)

    def begin(self, *, card: ShownCard | None = None, code: str | None = None) -> None:
        """Ask the server for a session."""
        state, now = self.state, self.now
        if state.session is not None:
            self.show(Notice.OCCUPIED)
            return
        if self.is_out_of_order():
            self.show(Notice.OUT_OF_ORDER)
            return
        report = SessionReport(
            device=state.device,
            boot_id=state.boot_id,
            number=state.next_number,
            seq=0,
            step=SessionStep.AUTHORISE,
            at=now.at,
            clock_sure=now.clock_sure,
            began_at=now.at,
            card=card,
            code=code,
            tariff=state.terms.tariff if state.terms is not None else None,
        )
        self.set(
            phase=Phase.ASKING,
            next_number=state.next_number + 1,
            session=Session(report, report, since_s=now.monotonic_s, sent_s=now.monotonic_s),
        )
        self.effects += [Save(report), Send(report)]
        self.show(Notice.WAIT)

    def pause(self) -> None:
        session = self.state.session
        if session is None or self.state.phase not in _RUNNING:
            return
        is_open = self.state.phase is Phase.PAUSED
        session = self.with_times(session)
        self.set(phase=Phase.OPEN if is_open else Phase.PAUSED, session=replace(session, flowed_s=self.now.monotonic_s))
        self.move(is_open=is_open)
        self.report(SessionStep.UPDATED, trigger="resumed" if is_open else "paused")
        self.show(Notice.RUNNING if is_open else Notice.PAUSED)

    def end(self, reason: StopReason) -> None:
        """Close the valve; the session's end is told when it is closed."""
        session = self.state.session
        if session is None or self.state.phase not in _RUNNING:
            return
        self.set(phase=Phase.CLOSING, session=replace(self.with_times(session), stop_reason=reason))
        self.move(is_open=False)

    # What meters and valve say, and what is due by then.

    def read(self, totals: tuple[MeterTotal, ...] | None, valve: ValvePosition) -> None:
        self.set(valve=valve)
        if totals is None:
            if self.now.monotonic_s - self.state.read_at_s >= self.state.times.meters_silent_s:
                self.set(are_meters_faulty=True)
                self.end(StopReason.METER_SILENT)
        else:
            self._watch_closed_valve(totals)
            self._count(totals)
            self.set(totals=totals, read_at_s=self.now.monotonic_s)
            if self.state.session is None:
                self.set(are_meters_faulty=False)
        self._go_on()
        self.send_what_is_due()

    def _watch_closed_valve(self, totals: tuple[MeterTotal, ...]) -> None:
        """Water that flows though the valve has had its time to close: it is stuck, and told again to close."""
        state, now_s = self.state, self.now.monotonic_s
        if state.phase not in (Phase.IDLE, Phase.ASKING) or now_s - state.closed_at_s < state.times.closing_s:
            return
        before = {total.utility: (total.now, total.total) for total in state.totals}
        flows = any(before.get(total.utility, (total.now, total.total)) != (total.now, total.total) for total in totals)
        is_open = state.valve in (ValvePosition.OPEN, ValvePosition.STUCK)
        if flows or is_open:
            self.set(is_stuck=True)
            self.move(is_open=False)
        elif state.is_stuck:
            self.set(is_stuck=False)

    def _count(self, totals: tuple[MeterTotal, ...]) -> None:
        session = self.state.session
        if session is None or self.state.phase is Phase.ASKING:
            return
        open_s, paused_s = self.times_of(session)
        counts = counting.count(session.report.counts, totals, open_s=open_s, paused_s=paused_s)
        if counting.is_faulty(session.report.counts, totals):
            self.set(are_meters_faulty=True)
            self.keep(counts)
            self.end(StopReason.METER_FAULT)
            return
        if counting.has_flown(session.report.counts, counts):
            session = replace(session, flowed_s=self.now.monotonic_s)
        has_opened = session.has_opened or self.state.valve is not ValvePosition.CLOSED
        self.set(session=replace(session, has_opened=has_opened))
        self.keep(counts)

    def _go_on(self) -> None:
        match self.state.phase:
            case Phase.ASKING:
                self._go_on_asking()
            case Phase.OPEN | Phase.PAUSED:
                self._go_on_running()
            case Phase.CLOSING:
                self._go_on_closing()

    def _go_on_asking(self) -> None:
        session, times, now_s = self.current(), self.state.times, self.now.monotonic_s
        if now_s - session.since_s >= times.ask_s:
            limit = offline_limit(self.state, session.report.card, self.now)
            if limit is not None:
                self.start(limit, offline=True)
            else:
                # The server may have heard the question: the end lets its hold go.
                self.finish(StopReason.LOCAL)
                self.show(Notice.REFUSED, SessionRefusal.SERVER_UNAVAILABLE)
        elif now_s - session.sent_s >= times.resend_s:
            self.resend()

    def _go_on_running(self) -> None:
        session, now_s = self.current(), self.now.monotonic_s
        reason = counting.reached(session.report.counts, session.prices, session.limit)
        if reason is None and (terms := self.state.terms) is not None:
            if self.state.phase is Phase.PAUSED:
                reason = StopReason.PAUSED_TOO_LONG if now_s - session.since_s >= terms.pause_s else None
            elif not session.has_opened:
                reason = StopReason.IDLE if now_s - session.since_s >= terms.idle_s else None
            elif now_s - session.flowed_s >= terms.no_flow_s:
                reason = StopReason.NO_FLOW
        if reason is not None:
            self.end(reason)
        elif now_s - session.reported_s >= (
            self.state.terms.update_s if self.state.terms else self.state.times.record_s
        ):
            self.report(SessionStep.UPDATED, trigger="periodic")
        elif not session.is_answered and now_s - session.sent_s >= self.state.times.resend_s:
            self.resend()
        elif now_s - session.recorded_s >= self.state.times.record_s:
            self.record()

    def _go_on_closing(self) -> None:
        session, state = self.current(), self.state
        is_late = self.now.monotonic_s - state.closed_at_s >= state.times.closing_s
        if state.valve is ValvePosition.CLOSED or is_late:
            is_stuck = is_late and state.valve in (ValvePosition.OPEN, ValvePosition.STUCK)
            self.set(is_stuck=state.is_stuck or is_stuck)
            self.finish(StopReason.VALVE_STUCK if is_stuck else session.stop_reason or StopReason.LOCAL)
            self.show(Notice.ENDED, session.stop_reason)

    # What the server says.

    def answered(self, answer: SessionAnswer) -> None:
        """Take an answer to the report that waits for one; any other is of the past and changes nothing."""
        session = self.state.session
        if session is not None and session.report.session == answer.session:
            if session.report.seq == answer.seq:
                self._answered_current(session, answer)
            return
        found = next(
            (one for one in self.state.unsettled if (one.session, one.seq) == (answer.session, answer.seq)), None
        )
        if found is not None:
            left = tuple(one for one in self.state.unsettled if one is not found)
            # The next one goes out at once: what piled up in an outage is gone as soon as the server keeps up.
            self.set(unsettled=left, resends=0, resend_at_s=self.now.monotonic_s)
            self.effects.append(Forget(found.session))
            self.send_unsettled()

    def _answered_current(self, session: Session, answer: SessionAnswer) -> None:
        self.set(session=replace(session, is_answered=True, asked=None))
        if self.state.phase is Phase.ASKING:
            if answer.refusal is not None:
                self.set(phase=Phase.IDLE, session=None)
                self.effects.append(Forget(answer.session))
                self.show(Notice.REFUSED, answer.refusal)
            else:
                self.start(answer.limit or SessionLimit(), hold=answer.hold, tariff=answer.tariff)
            return
        if answer.limit is not None:
            self.set(session=replace(self.current(), limit=stricter(answer.limit, self.state.terms)))
        if answer.stop is not None or answer.refusal is not None:
            self.end(StopReason.REMOTE)
        elif self.state.phase in _RUNNING:
            self.show(Notice.RUNNING if self.state.phase is Phase.OPEN else Notice.PAUSED, cost=answer.cost)

    def follow(self, answer: HeartbeatAnswer) -> None:
        """Work by a new answer, if it is to the last heartbeat."""
        if (answer.boot_id, answer.seq) != (self.state.boot_id, self.state.heartbeat_seq - 1):
            return
        if self.state.terms is None or self.state.terms.revision != answer.revision:
            self.effects.append(KeepTerms(answer.model_copy(update={"answer": None})))
        self.set(terms=answer)
        if answer.answer is not None:
            self.answered(answer.answer)
