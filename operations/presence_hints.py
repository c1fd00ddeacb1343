"""Tells gates that somebody passed another gate of their zone. A courtesy: they ask by themselves soon."""

from collections.abc import Mapping

import structlog

from bus import Connection, NotConnectedError
from gate_controller.messages import GateTopics, PresenceHint

log = structlog.get_logger()


class PresenceHints:
    """Safe for threads; nothing waits for the network."""

    def __init__(self, connection: Connection, site: str) -> None:
        self._connection = connection
        self._site = site

    def tell(self, revisions: Mapping[str, int]) -> None:
        """Tell each gate the revision of its zone's passages."""
        for gate, revision in revisions.items():
            hint = PresenceHint(gate=gate, revision=revision)
            try:
                self._connection.publish(GateTopics(self._site, gate).presence, hint.encode())
            except NotConnectedError:
                log.debug("presence_hint_not_sent", gate=gate)
                return
