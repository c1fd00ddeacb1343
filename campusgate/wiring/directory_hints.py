"""Hints to gates that a newer directory waits for them."""

import structlog

from bus import Connection, NotConnectedError
from messages import DirectoryHint, GateTopics

log = structlog.get_logger()


class DirectoryHints:
    """Publishes that a newer directory waits. A gate that missed a hint asks by itself at its interval."""

    def __init__(self, bus: Connection, site: str) -> None:
        """Publish over `bus` to the gates of `site`."""
        self._bus = bus
        self._site = site

    def __call__(self, gate: str, revision: int) -> None:
        """Publish for one gate; without a connection the hint is left out."""
        hint = DirectoryHint(gate=gate, revision=revision)
        try:
            self._bus.publish(GateTopics(self._site, gate).directory, hint.encode())
        except NotConnectedError:
            log.info("directory_hint_not_sent", gate=gate)
