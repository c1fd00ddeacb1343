"""Cards and codes: the edge is asked first; when it is away or too slow the controller decides. One tap, one result."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog
import uuid_utils.compat

from access.credentials import CredentialError, card_digest, code_digest, virtual_card_digest
from access.decision import Decision, required_mode
from access.passages import PassageLog
from access.policy import Mode
from access.reasons import Reason
from access.snapshot import CredentialKind
from bus import NotConnectedError
from gate_controller.card_authentication import CardAuthenticator, ProofRefusal
from gate_controller.card_decision import Directory, decide_card
from gate_controller.clock import ClockWatch
from gate_controller.code_authentication import CodeAuthenticator, CodeRefusal
from gate_controller.door_driver import DoorDriver
from gate_controller.pending_taps import PendingTap, PendingTaps, form_details
from gate_controller.pin_entry import AwaitedPin, PinEntry
from gate_controller.readers import Dropped, Kind, Presented, Reading, ReadingResult, Unreadable
from gate_controller.readers.freshness import STALE_S
from gate_controller.reporter import Reporter
from gate_controller.signals import Grant
from gate_controller.unused_readings import UnusedReadings
from messages import EventKind, Method, Refusal, Tap

log = structlog.get_logger()

_PROVEN_BEFORE = frozenset({Reason.PIN_REQUIRED, Reason.FACE_REQUIRED})


class CardHandler:
    """Gives each reading its result."""

    def __init__(
        self,
        driver: DoorDriver,
        taps: PendingTaps,
        reporter: Reporter,
        clock: ClockWatch,
        *,
        directory: Directory | None,
        passage_log: PassageLog,
        credential_key: bytes,
        answer_wait_s: float,
        authenticator: CardAuthenticator,
        codes: CodeAuthenticator,
        pins: PinEntry,
    ) -> None:
        """`answer_wait_s`: how long the edge may think before the controller decides alone."""
        self._driver = driver
        self._taps = taps
        self._reporter = reporter
        self._clock = clock
        self._directory = directory
        self._passage_log = passage_log
        self._credential_key = credential_key
        self._answer_wait_s = answer_wait_s
        self._authenticator = authenticator
        self._codes = codes
        self._pins = pins
        self._unused = UnusedReadings(reporter, clock)
        self.edge_online = False

    def handle(self, presented: Presented) -> None:
        """Decide about what was presented, or ask the edge."""
        if isinstance(presented, Dropped):
            self._unused.report_dropped(presented.number, presented.why)
        elif self._clock.monotonic_ns() - presented.read_ns > STALE_S * 1e9:
            self._too_late(presented)
        elif isinstance(presented, Unreadable):
            self._unreadable(presented)
        else:
            self._handle_reading(presented)

    def handle_missed(self, presented: Presented) -> None:
        """Count, from any thread, what the queue has no room for."""
        self._unused.count_missed(presented.number if isinstance(presented, Dropped) else 1)
        if not isinstance(presented, Dropped):
            presented.answer(ReadingResult(granted=False, reason=Refusal.TOO_LATE.value))

    def _handle_reading(self, reading: Reading) -> None:
        if (awaited := self._pins.pop_awaited(reading, self._clock.monotonic())) is not None:
            self._handle_pin(reading, awaited)
            return
        if reading.kind == "sun":
            proven = self._authenticator.authenticate(reading)
            if isinstance(proven, ProofRefusal):
                self._refuse(reading, proven)
            else:
                self._handle_credential(proven)
        elif reading.kind == "code":
            self._handle_code(reading)
        else:
            self._handle_credential(reading)

    def _handle_code(self, reading: Reading) -> None:
        at, sure = self._clock.read()
        now = self._clock.monotonic()
        found = self._codes.authenticate(reading, at, sure=sure, now=now, is_open=self._is_open)
        if isinstance(found, CodeRefusal):
            self._refuse(reading, found)
        else:
            self._handle_credential(found)

    def _is_open(self, reading: Reading) -> bool:
        """Return whether this waits for its answer, or belongs to a grant that waits for its passage."""
        digest = self._digest(reading)
        return self._taps.waits(digest) or self._repeats(reading, digest)

    def _digest(self, reading: Reading) -> str:
        return _DIGESTS[reading.kind](self._credential_key, reading.value)

    def _handle_credential(self, reading: Reading) -> None:
        try:
            digest = self._digest(reading)
        except CredentialError:
            form = reading.form or f"unreadable: {len(reading.value)} bytes"
            self._unreadable(Unreadable(form, answer=reading.answer))
            return
        if self._taps.join(digest, reading):
            return
        at, _ = self._clock.read()
        tap = Tap(
            id=uuid_utils.compat.uuid7(),
            gate=self._reporter.gate,
            at=at,
            boot_id=self._reporter.boot_id,
            credential_kind=reading.kind,
            digest=digest,
            authenticated=reading.authenticated,
        )
        waiting = PendingTap(tap, reading, reading.read_ns / 1e9 + self._answer_wait_s)
        if self._repeats(reading, digest):
            self.decide_alone(waiting, "repeat")
            return
        if self._asks_for_pin(at):
            self.decide_alone(waiting, "pin")
            return
        if not self.edge_online:
            self.decide_alone(waiting, "edge_offline")
            return
        try:
            self._reporter.publish_tap(tap)
        except NotConnectedError:
            self.decide_alone(waiting, "no_broker")
            return
        self._taps.add(waiting)

    def record_use_elsewhere(self, digest: str, second: int) -> None:
        """Take note that a virtual card's code opened another gate."""
        at, _ = self._clock.read()
        self._codes.record_use_elsewhere(digest, second, at)

    def set_edge_online(self, *, online: bool) -> None:
        """Set whether the edge is there; what waits for a lost one is decided now."""
        self.edge_online = online
        if not online:
            for waiting in self._taps.pop_all():
                self.decide_alone(waiting, "edge_offline")

    @property
    def next_at(self) -> float | None:
        """When `tick` is due (monotonic seconds)."""
        return min((at for at in (self._taps.next_deadline, self._unused.next_at) if at is not None), default=None)

    def tick(self) -> None:
        """Decide what has waited long enough."""
        self._unused.tick()
        for waiting in self._taps.pop_due(self._clock.monotonic()):
            self.decide_alone(waiting, "edge_silent")

    def _repeats(self, reading: Reading, digest: str) -> bool:
        """Return whether this is presented by somebody who has a grant that waits, or who passed on one just now."""
        if not self._driver.has_recent_grants or self._directory is None:
            return False
        try:
            person = self._directory.by_credential(_kind(reading), digest)
        except Exception:
            log.exception("directory_unreadable")
            return False
        return person is not None and self._driver.has_grant(Grant(person.person_id, METHODS[reading.kind]))

    def _asks_for_pin(self, at: datetime) -> bool:
        try:
            policy = self._directory.policy if self._directory is not None else None
            return policy is not None and required_mode(policy, at) is Mode.CARD_AND_PIN
        except Exception:
            log.exception("policy_unreadable")
            return False

    def _handle_pin(self, reading: Reading, awaited: AwaitedPin) -> None:
        if self._is_code(reading):
            # Somebody's own code, typed after another's card: neither a wrong PIN nor held up by a lock.
            self._handle_credential(reading)
            return
        if awaited.code_second is not None:
            reading = self._codes.follow(reading, awaited.digest, awaited.code_second)
        at, _ = self._clock.read()
        if self._pins.is_locked(awaited.person_id, at):
            decision = Decision(granted=False, reason=Reason.PIN_LOCKED, person_id=awaited.person_id)
        else:
            card = replace(reading, kind=awaited.kind, authenticated=awaited.authenticated)
            decision = self._decision(card, awaited.digest, at, pin=self._pins.digest(awaited, reading.value))
            if decision.granted or decision.reason is Reason.PIN_WRONG:
                self._pins.record_attempt(awaited.person_id, at, right=decision.granted)
        self._carry_out(decision, reading, METHODS[awaited.kind], "pin", None)

    def _is_code(self, reading: Reading) -> bool:
        try:
            digest = code_digest(self._credential_key, reading.value)
            return self._directory is not None and self._directory.by_credential("code", digest) is not None
        except CredentialError:
            return False
        except Exception:
            log.exception("directory_unreadable")
            return False

    def _refuse(self, reading: Reading, refusal: ProofRefusal | CodeRefusal) -> None:
        at, _ = self._clock.read()
        self._reporter.record(
            EventKind.ACCESS_DENIED,
            at,
            granted=False,
            reason=refusal.value,
            method=METHODS[reading.kind],
            details=form_details(reading),
        )
        reading.answer(ReadingResult(granted=False, reason=refusal.value))

    def _unreadable(self, unreadable: Unreadable) -> None:
        self._unused.report_unreadable(unreadable.form)
        unreadable.answer(ReadingResult(granted=False, reason="unreadable"))

    def _too_late(self, presented: Reading | Unreadable) -> None:
        """Whoever showed this has been waiting for long, or is somebody else by now."""
        self._unused.report_dropped(1, "hung")
        presented.answer(ReadingResult(granted=False, reason=Refusal.TOO_LATE.value))

    def decide_alone(self, waiting: PendingTap, why: str) -> None:
        """Decide about a tap here; `why` goes into the event."""
        reading, tap = waiting.reading, waiting.tap
        if waiting.is_old(self._clock.monotonic()):
            self._too_late(reading)
            return
        at, _ = self._clock.read()
        decision = self._decision(reading, tap.digest, at)
        if decision.reason in _PROVEN_BEFORE and self._driver.has_grant(
            Grant(decision.person_id, METHODS[reading.kind])
        ):
            # What the gate asks for beside the card was shown for the grant that this only renews.
            decision = replace(decision, granted=True, reason=Reason.GRANTED)
        if decision.reason is Reason.PIN_REQUIRED and decision.person_id is not None:
            self._pins.await_pin(reading, tap.digest, decision.person_id, now=self._clock.monotonic())
        self._carry_out(decision, reading, METHODS[reading.kind], why, tap.id)

    def _carry_out(self, decision: Decision, reading: Reading, method: Method, why: str, tap_id: UUID | None) -> None:
        reason = decision.reason.value
        notices = {notice.value: True for notice in decision.notices}
        details: dict[str, str | float | bool] = {"alone": why, **form_details(reading), **notices}
        if not decision.granted:
            at, sure = self._clock.read()
            self._reporter.record(
                EventKind.ACCESS_DENIED,
                at,
                granted=False,
                reason=reason,
                person_id=decision.person_id,
                method=method,
                tap_id=tap_id,
                latency_ms=(self._clock.monotonic_ns() - reading.read_ns) / 1e6,
                details=details | ({} if sure else {"clock_sure": False}),
            )
            reading.answer(ReadingResult(granted=False, reason=reason))
            return
        grant = Grant(decision.person_id, method, reason, tap_id=tap_id, extended=decision.extended_time)
        result = self._driver.apply(grant, since_ns=reading.read_ns, details=details)
        refusal = result.refusal
        reading.answer(ReadingResult(granted=refusal is None, reason=reason if refusal is None else refusal.value))

    def _decision(self, reading: Reading, digest: str, at: datetime, *, pin: str | None = None) -> Decision:
        try:
            return decide_card(
                self._directory,
                self._passage_log,
                _kind(reading),
                digest,
                authenticated=reading.authenticated,
                now=at,
                pin=pin,
            )
        except Exception:
            # Whoever stands at the door gets an answer, also when the replica's disk has failed.
            log.exception("directory_unreadable")
            return Decision(granted=False, reason=Reason.DIRECTORY_UNREADABLE)


def _kind(reading: Reading) -> CredentialKind:
    """Return what the directory holds for it: a virtual card is a card."""
    return "code" if reading.kind == "code" else "card"


_DIGESTS: Mapping[Kind, Callable[[bytes, str], str]] = {
    "card": card_digest,
    "sun": card_digest,
    "code": code_digest,
    "virtual": virtual_card_digest,
}
METHODS: Mapping[Kind, Method] = {
    "card": Method.CARD,
    "sun": Method.CARD,
    "code": Method.CODE,
    "virtual": Method.CODE,
}
