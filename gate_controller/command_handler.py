"""Commands: judged, carried out or refused, and always answered."""

from collections.abc import Callable, Mapping

from access.reasons import Reason
from gate_controller.clock import ClockWatch
from gate_controller.door_driver import DoorDriver, Result
from gate_controller.readers import Outcome
from gate_controller.reporter import Reporter
from gate_controller.signals import Authority, Grant, Mode, ModeOrdered, Signal
from gate_controller.taps import TapDesk, WaitingTap, form_of
from messages import Action, Command, EventKind, Refusal, RefusedError, Verifier

_LOOKS_BACK = {Reason.PASSED_BACK.value, Reason.ZONE_FULL.value, Reason.SECOND_PERSON_AWAITED.value}
_MODES = {
    Action.HOLD: Mode.HELD_OPEN,
    Action.LOCK: Mode.ALWAYS_CLOSED,
    Action.LOCKDOWN: Mode.LOCKDOWN,
    Action.RELEASE: Mode.NORMAL,
}


class CommandHandler:
    """Carries out what the verifier lets through."""

    def __init__(
        self,
        verifier: Verifier,
        keeper: DoorDriver,
        taps: TapDesk,
        reporter: Reporter,
        clock: ClockWatch,
        *,
        decide_again: Callable[[WaitingTap], None],
    ) -> None:
        """`decide_again` takes a tap that the edge refused for what only this door knows better."""
        self._verifier = verifier
        self._keeper = keeper
        self._taps = taps
        self._reporter = reporter
        self._clock = clock
        self._decide_again = decide_again

    def take(self, payload: bytes, *, retained: bool, received_ns: int) -> None:
        """Decider and carry out one command; its nonce is spent before anything moves."""
        at, sure = self._clock.look()
        try:
            command = self._verifier.verify(payload, retained=retained, now=at, clock_sure=sure)
        except RefusedError as error:
            self._refuse(error.command, error.refusal, received_ns, authentic=error.authentic)
            return
        waiting = self._taps.take(command.tap_id, self._clock.seconds()) if command.tap_id is not None else None
        if command.tap_id is not None and waiting is None:
            self._refuse(command, Refusal.TOO_LATE, received_ns, authentic=True)
            return
        if waiting is not None and self._is_overtaken(command):
            self._decide_again(waiting)
            self._reporter.ack(command, None, at, received_ns=received_ns)
            return
        since_ns = waiting.reading.read_ns if waiting is not None else received_ns
        result = self._carry_out(command, since_ns, form_of(waiting.reading) if waiting is not None else {})
        refusal = result.refusal
        energised_ns = result.energised_ns if command.action is Action.OPEN and refusal is None else None
        self._reporter.ack(command, refusal, at, received_ns=received_ns, energised_ns=energised_ns)
        if waiting is not None:
            granted = command.action is Action.OPEN and refusal is None
            waiting.reading.answer(Outcome(granted, command.reason if refusal is None else refusal.value))

    def _is_overtaken(self, command: Command) -> bool:
        """Tell whether an edge refuses somebody for a passage that their own grant still waits for."""
        looks_back = command.action is Action.DENY and command.reason in _LOOKS_BACK
        return looks_back and self._keeper.holds(Grant(command.person_id, command.method))

    def _carry_out(self, command: Command, since_ns: int, form: Mapping[str, str]) -> Result:
        if command.action is not Action.DENY:
            details: dict[str, str | bool] = {**dict.fromkeys(command.notices, True), **form}
            return self._keeper.apply(_signal(command), since_ns=since_ns, details=details)
        at, _ = self._clock.look()
        self._reporter.event(
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
        return Result()

    def _refuse(self, command: Command | None, refusal: Refusal, received_ns: int, *, authentic: bool) -> None:
        at, _ = self._clock.look()
        self._reporter.ack(command, refusal, at, received_ns=received_ns)
        # What an unproven command says about people is not put on record: anybody could write it.
        known = command if authentic else None
        self._reporter.event(
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
