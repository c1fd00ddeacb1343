"""What the edge asks of its controller: to open, or to answer a card's tap with no."""

from collections.abc import Mapping
from uuid import UUID

from bus.port import Bus
from messages import Action, Clock, GateTopics, Method, ProcessStatus, Signer, TrustedKey
from messages.command_client import AnswerHandler, CommandClient
from messages.controller_watch import ControllerWatch

STALE_S = 2.0
"""What was seen so long ago opens nothing: whoever it was has left, or stands there still and is seen again."""


class CommandSender:
    """Sends commands to the one controller of this gate. Safe for threads."""

    def __init__(
        self,
        bus: Bus,
        topics: GateTopics,
        signer: Signer,
        trusted: Mapping[str, TrustedKey],
        clock: Clock,
        *,
        ttl_ms: int = 3_000,
    ) -> None:
        """Take the connection and whose acknowledgements count: `trusted` are the keys of the controller."""
        self._gate = topics.gate
        self._clock = clock
        self._ttl_ms = ttl_ms
        self._watch = ControllerWatch(bus, topics)
        self._client = CommandClient(
            bus,
            topics.site,
            signer,
            trusted,
            lambda _gate: self._watch.view,
            now=clock.now,
            monotonic_s=clock.monotonic,
            answer_wait_s=ttl_ms / 1000,
        )

    def listen(self) -> None:
        """Subscribe to what the controller says; call once."""
        self._watch.listen()
        self._client.listen(self._gate)

    @property
    def boot_id(self) -> UUID | None:
        """The controller's boot, None while unknown."""
        return self._watch.view.boot_id

    @property
    def controller(self) -> ProcessStatus | None:
        """Whether the controller is there, None while unknown."""
        return self._watch.view.status

    def send(
        self,
        action: Action,
        *,
        method: Method,
        reason: str,
        on_answer: AnswerHandler,
        seen_s: float,
        person_id: UUID | None = None,
        tap_id: UUID | None = None,
        extended: bool = False,
        notices: tuple[str, ...] = (),
    ) -> UUID:
        """Sign and publish one command; `on_answer` is called exactly once, from another thread or from `expire`.

        `seen_s`: the monotonic second at which the face or card came that this is about.

        Raises:
            NotSentError: nothing was sent, and nothing will be.
        """
        return self._client.send(
            self._gate,
            action,
            method=method,
            reason=reason,
            ttl_ms=lambda: self._ttl_ms if self._clock.monotonic() - seen_s <= STALE_S else 0,
            on_answer=on_answer,
            person_id=person_id,
            tap_id=tap_id,
            extended=extended,
            notices=notices,
        )

    def expire(self) -> None:
        """End the commands whose life is over without an answer; call often."""
        self._client.expire()
