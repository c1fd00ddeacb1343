"""The steps of a session at a shower's controller, and what it sends by the clock. Pure."""

from dataclasses import replace
from math import ceil, floor
from typing import Any
from uuid import UUID

from messages.metering import DeviceHeartbeat, HeartbeatAnswer, SessionLimit, SessionReport, SessionStep
from metering.shower import counting
from metering.shower.counting import Prices
from metering.shower.signals import Effect, Instant, MoveValve, Notice, Save, Send, Show, ValvePosition
from metering.shower.state import Phase, Session, State
from metering.vocabulary import StopReason


class Work:
    """One signal at work: the state as it becomes, and the effects so far."""

    def __init__(self, state: State, now: Instant) -> None:
        """Begin with no effect."""
        self.state = state
        self.now = now
        self.effects: list[Effect] = []

    # The steps of a session.

    def start(
        self, limit: SessionLimit, *, offline: bool = False, hold: UUID | None = None, tariff: UUID | None = None
    ) -> None:
        """Open the valve for the session that was asked for. It is recorded before: what flows is never unknown."""
        session, terms, now_s = self.current(), self.state.terms, self.now.monotonic_s
        changes: dict[str, Any] = {"offline": offline, "hold": hold, "counts": counting.begin(self.state.totals)}
        if tariff is not None:
            changes["tariff"] = tariff
        asked = session.report if offline else None
        report = session.report.model_copy(update=changes)
        prices = Prices(terms.prices, terms.is_pause_charged) if terms is not None else Prices()
        session = Session(report, None, prices, stricter(limit, terms), since_s=now_s, flowed_s=now_s, asked=asked)
        self.set(phase=Phase.OPEN, session=session)
        self.report(SessionStep.STARTED)
        self.move(is_open=True)
        self.show(Notice.RUNNING, cost=0)

    def finish(self, reason: StopReason) -> None:
        """Record and send the end; the controller is free for the next session."""
        report = self._next_report(SessionStep.ENDED, trigger=None, stop_reason=reason)
        self.set(phase=Phase.IDLE, session=None, unsettled=(*self.state.unsettled, report))
        self.effects += [Save(report), Send(report)]
        self.set(resends=0, resend_at_s=self.now.monotonic_s + self.state.times.resend_s)

    def report(self, step: SessionStep, *, trigger: str | None = None) -> None:
        """Record and send the session as it stands."""
        report = self._next_report(step, trigger=trigger)
        now_s = self.now.monotonic_s
        self.set(
            session=replace(
                self.current(), report=report, recorded_s=now_s, reported_s=now_s, sent_s=now_s, is_answered=False
            )
        )
        self.effects.append(Save(report))
        self._ask_again()
        self.effects.append(Send(report))

    def _ask_again(self) -> None:
        """Put the question of an offline session before its report: without a hold the server would have it end."""
        if (asked := self.current().asked) is not None:
            self.effects.append(Send(asked))

    def _next_report(
        self, step: SessionStep, *, trigger: str | None, stop_reason: StopReason | None = None
    ) -> SessionReport:
        last = self.current().report
        return last.model_copy(
            update={
                "seq": last.seq + 1,
                "step": step,
                "at": self.now.at,
                "clock_sure": self.now.clock_sure,
                "trigger": trigger,
                "stop_reason": stop_reason,
            }
        )

    def resend(self) -> None:
        """Send what was not answered, as it was sent: what has flowed since stands in the next report."""
        session = self.current()
        self.set(session=replace(session, sent_s=self.now.monotonic_s))
        self._ask_again()
        self.effects.append(Send(session.sent or session.report))

    def record(self) -> None:
        """Keep the session as it stands."""
        session = self.current()
        self.set(session=replace(session, recorded_s=self.now.monotonic_s))
        self.effects.append(Save(session.report))

    # What is sent by the clock.

    def send_what_is_due(self) -> None:
        """Send the end that waits, and the heartbeat, where it is time."""
        now_s = self.now.monotonic_s
        if self.state.unsettled and now_s >= self.state.resend_at_s:
            self.send_unsettled()
        if now_s >= self.state.heartbeat_at_s:
            self._send_heartbeat()

    def send_unsettled(self) -> None:
        """Send the first end that waits; without an answer it goes to the back, so that none holds up the others."""
        if not self.state.unsettled:
            return
        times, first = self.state.times, self.state.unsettled[0]
        if self.state.resends:
            self.set(unsettled=(*self.state.unsettled[1:], first))
            first = self.state.unsettled[0]
        wait_s = min(times.resend_s * 2 ** min(self.state.resends, 16), times.longest_resend_s)
        self.set(resends=self.state.resends + 1, resend_at_s=self.now.monotonic_s + wait_s)
        self.effects.append(Send(first))

    def _send_heartbeat(self) -> None:
        state = self.state
        heartbeat = DeviceHeartbeat(
            device=state.device,
            boot_id=state.boot_id,
            seq=state.heartbeat_seq,
            at=self.now.at,
            clock_sure=self.now.clock_sure,
            configuration=state.terms.revision if state.terms is not None else None,
            valve=ValvePosition.STUCK if state.is_stuck else state.valve,
            faults=state.faults,
            running=state.session.report.session if state.session is not None else None,
            totals=state.totals,
            queued=len(state.unsettled),
            unsettled=state.unsettled[0] if state.unsettled else None,
        )
        wait_s = state.terms.heartbeat_s if state.terms is not None else state.times.heartbeat_s
        self.set(heartbeat_seq=state.heartbeat_seq + 1, heartbeat_at_s=self.now.monotonic_s + wait_s)
        self.effects.append(Send(heartbeat))

    # Small things.

    def current(self) -> Session:
        """Return the session under way."""
        if self.state.session is None:
            raise RuntimeError("there is no session")
        return self.state.session

    def keep(self, counts: tuple[Any, ...]) -> None:
        """Take new counts into the session."""
        session = self.current()
        self.set(session=replace(session, report=session.report.model_copy(update={"counts": counts})))

    def times_of(self, session: Session) -> tuple[float, float]:
        """Return the seconds open and paused until now."""
        passed = self.now.monotonic_s - session.since_s
        phase = self.state.phase
        return (
            session.open_s + (passed if phase is Phase.OPEN else 0.0),
            session.paused_s + (passed if phase is Phase.PAUSED else 0.0),
        )

    def with_times(self, session: Session) -> Session:
        """Return the session with the present phase's seconds added, as another phase begins."""
        open_s, paused_s = self.times_of(session)
        counts = counting.count(session.report.counts, (), open_s=floor(open_s), paused_s=floor(paused_s))
        report = session.report.model_copy(update={"counts": counts})
        return replace(session, report=report, open_s=open_s, paused_s=paused_s, since_s=self.now.monotonic_s)

    def is_out_of_order(self) -> bool:
        """Tell whether no session may begin, for the valve, the meters or the server."""
        terms = self.state.terms
        is_silent = self.now.monotonic_s - self.state.read_at_s >= self.state.times.meters_silent_s
        return (
            self.state.is_stuck or self.state.are_meters_faulty or is_silent or not (terms is None or terms.is_enabled)
        )

    def move(self, *, is_open: bool) -> None:
        """Open or close the valve."""
        if not is_open:
            self.set(closed_at_s=self.now.monotonic_s)
        self.effects.append(MoveValve(is_open=is_open))

    def show(self, notice: Notice, code: str | None = None, *, cost: int | None = None) -> None:
        """Let the display say something; with a session under way also what it costs."""
        session = self.state.session
        if cost is None and session is not None:
            cost = ceil(counting.cost(session.report.counts, session.prices))
        self.effects.append(Show(notice, code, cost))

    def set(self, **changes: Any) -> None:
        """Change the state."""
        self.state = replace(self.state, **changes)


def stricter(limit: SessionLimit, terms: HeartbeatAnswer | None) -> SessionLimit:
    """Return the smaller of what the session and every session may come to."""
    if terms is None:
        return limit
    both = ((name, (getattr(limit, name), getattr(terms.most, name))) for name in ("fen", "ml", "open_s"))
    return SessionLimit(**{name: min((one for one in pair if one is not None), default=None) for name, pair in both})
