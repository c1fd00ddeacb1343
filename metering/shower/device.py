"""The controller of one shower at work: signals in one queue, one thread that decides and acts."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from messages import signed_codes
from messages.clock import Clock
from messages.metering import HeartbeatAnswer, MeterTotal, ShownCard
from metering.shower.controller import advance
from metering.shower.link import Answer, ShowerLink
from metering.shower.ports import Display, Hydraulics, HydraulicsError
from metering.shower.records import ShowerRecords
from metering.shower.recovery import recover
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
    MoveValve,
    PausePressed,
    Save,
    Send,
    Show,
    Signal,
    StopPressed,
    ValvePosition,
)
from metering.shower.state import State, Times

log = structlog.get_logger()

_MOST_SIGNALS = 200
"""More taps and answers than these in one turn are noise."""


class ServerTime:
    """The wall clock as the server last told it, carried on by the monotonic one: the machine's own may jump."""

    def __init__(self, clock: Clock) -> None:
        """Begin with the machine's wall clock, unsure."""
        self._clock = clock
        self._told: tuple[datetime, float] | None = None

    def tell(self, at: datetime) -> None:
        """Take the server's time."""
        self._told = at, self._clock.monotonic()

    def instant(self) -> Instant:
        """Return this moment."""
        now_s = self._clock.monotonic()
        if self._told is None:
            return Instant(now_s, self._clock.now(), clock_sure=False)
        at, then_s = self._told
        return Instant(now_s, at + timedelta(seconds=now_s - then_s), clock_sure=True)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a controller acts on."""

    hydraulics: Hydraulics
    records: ShowerRecords
    display: Display
    clock: Clock


class ShowerController:
    """Keeps one shower. `run` decides on the caller's thread, or `step` in its place; the rest any thread may call."""

    def __init__(
        self,
        device: UUID,
        boot_id: UUID,
        surroundings: Surroundings,
        make_link: Callable[[Callable[[Answer], None]], ShowerLink],
        *,
        times: Times | None = None,
        poll_s: float = 0.25,
    ) -> None:
        """Close the valve, and end what a power cut ended.

        `make_link` gets what takes the server's answers, and returns the controller's end at the broker. `poll_s` is
        how often valve and meters are read: at 0.15 litres a second some 40 ml.
        """
        self._device = device
        self._hydraulics = surroundings.hydraulics
        self._records = surroundings.records
        self._display = surroundings.display
        self._clock = surroundings.clock
        self._poll_s = poll_s
        self.on_turn: Callable[[], None] = lambda: None
        """Called at each turn of `run`, at least as often as valve and meters are read; for the rim to set."""
        self._signals: queue.Queue[Signal] = queue.Queue(_MOST_SIGNALS)
        self._time = ServerTime(surroundings.clock)
        self._unmoved: MoveValve | None = None
        self._silent: set[str] = set()
        self._next_read_s = surroundings.clock.monotonic()
        self._link = make_link(self._take)
        now = self._time.instant()
        self._state, effects = recover(
            device, boot_id, self._records.kept(), totals=self._totals() or (), now=now, times=times
        )
        self._act(effects)

    @property
    def state(self) -> State:
        """The state after the last signal."""
        return self._state

    def show_card(self, card: ShownCard) -> None:
        """A card was tapped."""
        self._put(CardShown(card))

    def show_code(self, code: str) -> None:
        """A virtual card's code was scanned."""
        self._put(CodeShown(signed_codes.payment_code_of(code)))

    def press_pause(self) -> None:
        """The pause key was pressed."""
        self._put(PausePressed())

    def press_stop(self) -> None:
        """The stop key was pressed."""
        self._put(StopPressed())

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then the valve is closed, and a session under way goes on at the next start."""
        while not stop.is_set():
            self.on_turn()
            wait_s = self.step()
            try:
                signal = self._signals.get(timeout=wait_s)
            except queue.Empty:
                continue
            self.handle(signal)
        self._act((MoveValve(is_open=False),))

    def step(self) -> float:
        """Take the signals that wait, read valve and meters where it is time; return after how many seconds it is."""
        while not self._signals.empty():
            self.handle(self._signals.get_nowait())
        if self._clock.monotonic() >= self._next_read_s:
            self._next_read_s = self._clock.monotonic() + self._poll_s
            self.handle(MetersRead(self._totals(), self._position()))
        return max(0.0, self._next_read_s - self._clock.monotonic())

    def handle(self, signal: Signal) -> None:
        """Take one signal to its effects."""
        self._state, effects = advance(self._state, signal, self._time.instant())
        if isinstance(signal, HeartbeatAnswered) and self._state.terms is signal.answer:
            self._time.tell(signal.answer.at)
        self._act(effects)

    def _put(self, signal: Signal) -> None:
        try:
            self._signals.put_nowait(signal)
        except queue.Full:
            log.warning("shower_signal_dropped", kind=type(signal).__name__)

    def _take(self, answer: Answer) -> None:
        self._put(HeartbeatAnswered(answer) if isinstance(answer, HeartbeatAnswer) else Answered(answer))

    def _totals(self) -> tuple[MeterTotal, ...] | None:
        try:
            totals = self._hydraulics.totals()
        except HydraulicsError as error:
            self._note_silence("meters", error)
            return None
        self._silent.discard("meters")
        return totals

    def _position(self) -> ValvePosition:
        if self._unmoved is not None:
            self._move(self._unmoved)
        try:
            position = self._hydraulics.position()
        except HydraulicsError as error:
            self._note_silence("valve", error)
            return ValvePosition.UNKNOWN
        self._silent.discard("valve")
        return position

    def _note_silence(self, what: str, error: HydraulicsError) -> None:
        """Log it once, until it answered again."""
        if what not in self._silent:
            log.warning("shower_line_silent", what=what, error=str(error))
        self._silent.add(what)

    def _act(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case Save(report):
                    self._records.save(report)
                case Forget(session):
                    self._records.forget(session)
                case KeepTerms(terms):
                    self._records.keep_terms(terms)
                case Send(message):
                    self._link.send(message)
                case MoveValve():
                    self._move(effect)
                case Show():
                    self._display.show(effect)

    def _move(self, order: MoveValve) -> None:
        try:
            self._hydraulics.move_valve(is_open=order.is_open)
        except HydraulicsError as error:
            # Told again at each reading: an open valve that did not hear is the one thing not to be given up.
            log.warning("shower_valve_not_told", error=str(error), is_open=order.is_open)
            self._unmoved = order
        else:
            self._unmoved = None
