"""Cards: a tap at the reader is answered with a signed yes or no, at once or not at all.

The controller waits a moment for this answer and then decides from its own directory. So silence is safe, and a late
or doubtful answer is worse than none: taps that are old, of another boot, retained, or seen before are left to it.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import structlog

from access.reasons import Reason
from edge.card_face_pairing import Presence, WaitingCard
from edge.clock import Clock
from edge.decider import DIRECTORY_MISSING, DIRECTORY_UNREADABLE, Decider, Ruling
from edge.metrics import Metrics
from edge.opener import Answer, CannotAskError, Opener
from messages import Action, GateTopics, MalformedMessageError, Method, Tap

_log = structlog.get_logger()

_FRESH = timedelta(seconds=2)
_CLOCKS_APART = timedelta(seconds=2)
_REMEMBERED = 256
_METHODS = {"card": Method.CARD, "code": Method.CODE}

CardOpened = Callable[[UUID, float], None]


class TapDesk:
    """Answers the taps of one gate; its handler runs on the connection's thread."""

    def __init__(
        self,
        *,
        topics: GateTopics,
        judge: Decider,
        opener: Opener,
        presence: Presence,
        metrics: Metrics,
        clock: Clock,
        on_opened: CardOpened,
    ) -> None:
        self._topics = topics
        self._judge = judge
        self._opener = opener
        self._presence = presence
        self._metrics = metrics
        self._clock = clock
        self._on_opened = on_opened
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
        if (why := self._why_not(tap, retained)) is not None:
            _log.info("tap_ignored", tap=str(tap.id), why=why)
            self._metrics.taps_ignored.labels(why).inc()
            return
        self._remember(tap.id)
        self._answer(tap, arrived)

    def _why_not(self, tap: Tap, retained: bool) -> str | None:
        age = self._clock.now() - tap.at
        checks = (
            ("retained", retained),
            ("wrong_gate", tap.gate != self._topics.gate),
            ("wrong_boot", tap.boot_id != self._opener.boot_id),
            ("stale", age > _FRESH or age < -_CLOCKS_APART),
            ("seen_before", tap.id in self._answered),
            ("unknown_kind", tap.credential_kind not in _METHODS),
        )
        return next((why for why, holds in checks if holds), None)

    def _remember(self, tap_id: UUID) -> None:
        self._answered[tap_id] = None
        while len(self._answered) > _REMEMBERED:
            self._answered.popitem(last=False)

    def _answer(self, tap: Tap, arrived: float) -> None:
        kind: str = "code" if tap.credential_kind == "code" else "card"
        ruling = self._judge.card(
            "code" if kind == "code" else "card",
            tap.digest,
            lambda person: self._presence.compare(person, arrived),
            authenticated=tap.authenticated,
        )
        self._metrics.asked.labels(kind, ruling.reason).inc()
        if ruling.reason in {DIRECTORY_MISSING, DIRECTORY_UNREADABLE}:
            # The controller's own replica may be better than ours: leave it the decision.
            self._metrics.taps_ignored.labels(ruling.reason).inc()
            return
        if ruling.reason == Reason.FACE_REQUIRED and ruling.person_id is not None:
            self._presence.card_waits(WaitingCard(arrived, ruling.person_id, tap.digest, tap.authenticated))
        self._send(tap, ruling, arrived)

    def _send(self, tap: Tap, ruling: Ruling, arrived: float) -> None:
        def answered(answer: Answer) -> None:
            self._metrics.commands.labels(answer.result.value).inc()

        try:
            self._opener.ask(
                Action.OPEN if ruling.granted else Action.DENY,
                method=_METHODS[tap.credential_kind],
                reason=ruling.reason,
                person_id=ruling.person_id,
                tap_id=tap.id,
                extended=ruling.extended,
                notices=ruling.notices,
                on_answer=answered,
                seen=arrived,
            )
        except CannotAskError as error:
            _log.warning("tap_not_answered", tap=str(tap.id), reason=error.reason)
            self._metrics.taps_ignored.labels(error.reason).inc()
            return
        self._metrics.tap.observe(self._clock.monotonic() - arrived)
        if ruling.granted and ruling.person_id is not None:
            self._on_opened(ruling.person_id, arrived)
