"""Cards: a tap at the reader is answered with a signed yes or no, at once or not at all.

The controller waits a moment for this answer and then decides from its own directory. So silence is safe, and a late
or doubtful answer is worse than none: taps that are old, of another boot, retained, or seen before are left to it.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

import structlog

from access.decision import Decision, FaceResult
from access.reasons import Reason
from access.snapshot import CredentialKind, PersonEntry
from edge.card_face_pairing import CardFacePairing, WaitingCard
from edge.command_sender import CommandSender
from edge.decider import Decider
from edge.metrics import Metrics
from edge.probe_sender import ProbeSender
from messages import Action, Clock, CommandEffect, GateTopics, MalformedMessageError, Method, Refusal, Tap
from messages.command_client import Answer, NotSentError

_log = structlog.get_logger()

_FRESH = timedelta(seconds=2)
_CLOCKS_APART = timedelta(seconds=2)
_REMEMBERED = 256
_METHODS = {"card": Method.CARD, "code": Method.CODE, "virtual": Method.CODE}
_ENTRIES: Mapping[str, CredentialKind] = {"card": "card", "code": "code", "virtual": "card"}
"""What the directory holds for each kind of tap: a virtual card, shown as a code, is a card."""

_UNDECIDABLE = {Reason.DIRECTORY_MISSING, Reason.DIRECTORY_UNREADABLE}
"""The controller's own replica may be better than ours: leave it the decision."""

GrantHandler = Callable[[UUID, float], None]
"""Called with the person let in and the monotonic second at which the card came."""


class TapResponder:
    """Answers the taps of one gate; its handler runs on the connection's thread."""

    def __init__(
        self,
        *,
        topics: GateTopics,
        decider: Decider,
        commands: CommandSender,
        pairing: CardFacePairing,
        metrics: Metrics,
        clock: Clock,
        on_granted: GrantHandler,
        probes: ProbeSender | None = None,
    ) -> None:
        self._topics = topics
        self._decider = decider
        self._commands = commands
        self._pairing = pairing
        self._metrics = metrics
        self._clock = clock
        self._on_opened = on_granted
        self._probes = probes
        self._answered: OrderedDict[UUID, None] = OrderedDict()

    def handle(self, _topic: str, payload: bytes, retained: bool) -> None:
        """Answer one message of the taps topic."""
        arrived = self._clock.monotonic()
        try:
            tap = Tap.decode(payload)
        except MalformedMessageError as error:
            _log.warning("tap_unreadable", error=str(error))
            self._metrics.taps_ignored.labels("unreadable").inc()
            return
        if (why := self._find_fault(tap, retained=retained)) is not None:
            _log.info("tap_ignored", tap=str(tap.id), why=why)
            self._metrics.taps_ignored.labels(why).inc()
            return
        self._record(tap.id)
        self._answer(tap, arrived)

    def _find_fault(self, tap: Tap, *, retained: bool) -> str | None:
        age = self._clock.now() - tap.at
        checks = (
            (Refusal.RETAINED.value, retained),
            (Refusal.WRONG_GATE.value, tap.gate != self._topics.gate),
            (Refusal.WRONG_BOOT.value, tap.boot_id != self._commands.boot_id),
            (Refusal.STALE.value, age > _FRESH or age < -_CLOCKS_APART),
            ("seen_before", tap.id in self._answered),
            ("unknown_kind", tap.credential_kind not in _METHODS),
        )
        return next((why for why, holds in checks if holds), None)

    def _record(self, tap_id: UUID) -> None:
        self._answered[tap_id] = None
        while len(self._answered) > _REMEMBERED:
            self._answered.popitem(last=False)

    def _answer(self, tap: Tap, arrived: float) -> None:
        seen: list[FaceResult | None] = []

        def compare(person: PersonEntry, model_id: str) -> FaceResult | None:
            seen.append(self._pairing.compare(person, model_id, arrived))
            return seen[-1]

        entry = _ENTRIES[tap.credential_kind]
        decision = self._decider.decide_card(entry, tap.digest, compare, authenticated=tap.authenticated)
        self._metrics.asked.labels(tap.credential_kind, decision.reason).inc()
        if decision.reason in _UNDECIDABLE:
            self._metrics.taps_ignored.labels(decision.reason).inc()
            return
        if decision.reason is Reason.FACE_REQUIRED and decision.person_id is not None:
            self._pairing.record_card(WaitingCard(arrived, decision.person_id, tap.digest, tap.authenticated))
        self._send(tap, decision, arrived, is_holder_in_front=FaceResult.MATCHED in seen)

    def _send(self, tap: Tap, decision: Decision, arrived: float, *, is_holder_in_front: bool) -> None:
        def follow_up(answer: Answer) -> None:
            self._metrics.count_command(answer.effect)
            is_passage = decision.granted and is_holder_in_front and answer.effect is CommandEffect.DONE
            if self._probes is not None and is_passage and decision.person_id is not None:
                self._probes.offer(decision.person_id, _METHODS[tap.credential_kind], arrived)

        try:
            self._commands.send(
                Action.OPEN if decision.granted else Action.DENY,
                method=_METHODS[tap.credential_kind],
                reason=decision.reason,
                person_id=decision.person_id,
                tap_id=tap.id,
                extended=decision.extended_time,
                notices=decision.notices,
                on_answer=follow_up,
                seen_s=arrived,
            )
        except NotSentError as error:
            _log.warning("tap_not_answered", tap=str(tap.id), reason=error.reason.value)
            self._metrics.taps_ignored.labels(error.reason.value).inc()
            return
        self._metrics.tap.observe(self._clock.monotonic() - arrived)
        if decision.granted and decision.person_id is not None:
            self._on_opened(decision.person_id, arrived)
