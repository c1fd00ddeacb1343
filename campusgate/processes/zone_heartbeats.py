"""What the server says of a gate's zone, heard by the gate's edge and by its controller."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

import structlog

from access.passages import PassageLog, ZoneStanding
from access.policy import GatePolicy
from messages import HeartbeatNotBelievedError, MalformedMessageError, TrustedKey, open_zone_heartbeat

log = structlog.get_logger()


class _Directory(Protocol):
    @property
    def policy(self) -> GatePolicy | None: ...


class ZoneHeartbeatHandler:
    """A handler for the bus. What is not the server's, or says nothing here, changes nothing: the gate asks."""

    def __init__(
        self,
        site: str,
        trusted: Mapping[str, TrustedKey],
        directory: _Directory,
        passage_log: PassageLog,
        *,
        ask: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Confirm `passage_log`, and call `ask` when somebody passed of whom it does not know."""
        self._site = site
        self._trusted = trusted
        self._directory = directory
        self._passage_log = passage_log
        self._ask = ask
        self._now = now
        self._refused: str | None = None

    def __call__(self, topic: str, payload: bytes, retained: bool) -> None:
        """Take one message."""
        policy, now = self._directory.policy, self._now()
        if retained or policy is None or not policy.looks_back:
            return
        try:
            said = open_zone_heartbeat(payload, self._trusted, site=self._site, now=now)
        except (HeartbeatNotBelievedError, MalformedMessageError) as error:
            self._report(topic, str(error))
            return
        standing = ZoneStanding(said.zone, said.revision, said.inside, said.forgiven_before, said.at)
        verdict = self._passage_log.confirm(standing, policy, now)
        if verdict.asks:
            self._ask()
        self._report(topic, verdict.value if verdict.is_odd else None)

    def _report(self, topic: str, refused: str | None) -> None:
        """Log why nothing is believed, once until something is: it comes again every few seconds."""
        if refused is not None and refused != self._refused:
            log.warning("zone_heartbeat_not_taken", topic=topic, reason=refused)
        self._refused = refused
