"""Commands: verified, carried out or refused, and always acknowledged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from access.reasons import Reason
from gate_controller.clock import ClockWatch
from gate_controller.door_driver import DoorDriver, SignalResult
from gate_controller.pending_taps import PendingTap, PendingTaps, form_details
from gate_controller.readers import Reading, ReadingResult
from gate_controller.reporter import Reporter
from gate_controller.signals import Authority, BarrierMode, Grant, ModeOrdered, Signal
from messages import Action, Command, EventKind, Method, Refusal, RefusedError, Verifier

_LOOKS_BACK = {Reason.PASSED_BACK.value, Reason.ZONE_FULL.value, Reason.SECOND_PERSON_AWAITED.value}
_FACE_WAIT_S = 10.0
"""How long an edge lets a card wait for its holder's face (`edge.card_face_pairing`)."""
_MODES = {
    Action.HOLD: BarrierMode.HELD_OPEN,
    Action.LOCK: BarrierMode.ALWAYS_CLOSED,
    Action.LOCKDOWN: BarrierMode.LOCKDOWN,
    Action.RELEASE: BarrierMode.NORMAL,
}


@dataclass(frozen=True, slots=True)
class _AwaitedFace:
    """A virtual card's code that waits for its holder's face; `until` in monotonic seconds."""

    person_id: UUID
    details: Mapping[str, str | float]
    until: float


class CommandHandler:
    """Carries out what the verifier lets through."""

    def __init__(
        self,
        verifier: Verifier,
        driver: DoorDriver,
        taps: PendingTaps,
        reporter: Reporter,
        clock: ClockWatch,
        *,
        decide_again: Callable[[PendingTap], None],
    ) -> None:
        """`decide_again` decides about a tap that the edge refused for what only this door knows better."""
        self._verifier = verifier
        self._driver = driver
        self._taps = taps
        self._reporter = reporter
        self._clock = clock
        self._decide_again = decide_again
        self._awaited_face: _AwaitedFace | None = None

    def handle(self, payload: bytes, *, retained: bool, received_ns: int) -> None:
        """Verify and carry out one command; its nonce is spent before anything moves."""
        at, sure = self._clock.read()
        try:
            command = self._verifier.verify(payload, retained=retained, now=at, clock_sure=sure)
        except RefusedError as error:
            self._refuse(error.command, error.refusal, received_ns, authentic=error.authentic)
            return
        waiting = self._taps.pop(command.tap_id, self._clock.monotonic()) if command.tap_id is not None else None
        if command.tap_id is not None and waiting is None:
            self._refuse(command, Refusal.TOO_LATE, received_ns, authentic=True)
            return
        if waiting is not None and self._is_overtaken(command):
            self._decide_again(waiting)
            self._reporter.acknowledge(command, None, at, received_ns=received_ns)
            return
        since_ns = waiting.reading.read_ns if waiting is not None else received_ns
        form = form_details(waiting.reading) if waiting is not None else self._pop_awaited_face(command)
        if waiting is not None and command.reason == Reason.FACE_REQUIRED.value:
            self._await_face(command.person_id, waiting.reading)
        result = self._carry_out(command, since_ns, form)
        refusal = result.refusal
        energised_ns = result.energised_ns if command.action is Action.OPEN and refusal is None else None
        self._reporter.acknowledge(command, refusal, at, received_ns=received_ns, energised_ns=energised_ns)
        if waiting is not None:
            granted = command.action is Action.OPEN and refusal is None
            waiting.reading.answer(ReadingResult(granted, command.reason if refusal is None else refusal.value))

    def _await_face(self, person_id: UUID | None, shown: Reading) -> None:
        if person_id is not None and shown.code_second is not None:
            until = self._clock.monotonic() + _FACE_WAIT_S
            self._awaited_face = _AwaitedFace(person_id, form_details(shown), until)

    def _pop_awaited_face(self, command: Command) -> Mapping[str, str | float]:
        """Return the details of the code that somebody showed just before their face, once."""
        awaited = self._awaited_face
        by_face = command.action is Action.OPEN and command.method is Method.FACE
        if awaited is None or not by_face or command.person_id != awaited.person_id:
            return {}
        self._awaited_face = None
        return awaited.details if self._clock.monotonic() < awaited.until else {}

    def _is_overtaken(self, command: Command) -> bool:
        """Return whether an edge refuses somebody for a passage that their own grant still waits for."""
        looks_back = command.action is Action.DENY and command.reason in _LOOKS_BACK
        return looks_back and self._driver.has_grant(Grant(command.person_id, command.method))

    def _carry_out(self, command: Command, since_ns: int, form: Mapping[str, str | float]) -> SignalResult:
        if command.action is not Action.DENY:
            details: dict[str, str | float | bool] = {**dict.fromkeys(command.notices, True), **form}
            return self._driver.apply(_signal(command), since_ns=since_ns, details=details)
        at, _ = self._clock.read()
        self._reporter.record(
            EventKind.ACCESS_DENIED,
            at,
            granted=False,
            reason=command.reason,
            person_id=command.person_id,
            method=command.method,
            command_id=command.id,
            tap_id=command.tap_id,
            latency_ms=(self._clock.monotonic_ns() - since_ns) / 1e6,
            details=form,
        )
        return SignalResult()

    def _refuse(self, command: Command | None, refusal: Refusal, received_ns: int, *, authentic: bool) -> None:
        at, _ = self._clock.read()
        self._reporter.acknowledge(command, refusal, at, received_ns=received_ns)
        # What an unproven command says about people is not put on record: anybody could write it.
        known = command if authentic else None
        self._reporter.record(
            EventKind.COMMAND_REFUSED,
            at,
            granted=False,
            reason=refusal.value,
            person_id=known.person_id if known else None,
            method=known.method if known else None,
            command_id=command.id if command else None,
            details={"authentic": authentic, "sender": known.sender if known else None},
        )


def _signal(command: Command) -> Signal:
    if command.action is Action.OPEN:
        return Grant(
            command.person_id, command.method, command.reason, command.id, command.tap_id, extended=command.extended
        )
    return ModeOrdered(_MODES[command.action], Authority.STAFF, command.id, command.person_id)
