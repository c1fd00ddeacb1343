"""Tells the gates of each zone, signed, how its passages stand: a gate that knows all of them need not ask."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import SQLAlchemyError

from bus import Connection, NotConnectedError
from database import Database, DatabaseBusyError, StorageError
from database.answer_time import answer_within
from directory.zone_standings import find_standings
from messages import GateTopics, ZoneHeartbeat, seal_zone_heartbeat

log = structlog.get_logger()

EVERY_S = 10.0
"""A gate awaits the next for twice as long (`access.passages.sync.AWAITED_FOR_S`) before it asks."""
_ANSWER_WITHIN_S = 5.0
"""Of a database: gates believe nothing that is older than ten seconds."""


class ZoneHeartbeats:
    """Says it every ten seconds, for the server that leads. Who cannot say it says nothing: then gates ask.

    Each gate has a topic of its own, as for everything that it hears: with a gate's password nobody learns how many
    are in the zones of others.
    """

    def __init__(
        self,
        bus: Connection,
        site: str,
        database: Database,
        key: Ed25519PrivateKey,
        *,
        clock_believed: Callable[[], bool],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Publish over `bus` to the gates of `site`, signed with the `key` that they trust as the staff's."""
        self._bus = bus
        self._site = site
        self._database = database
        self._key = key
        self._clock_believed = clock_believed
        self._now = now

    def run(self, stop: threading.Event) -> None:
        """Publish until `stop` is set."""
        while not stop.is_set():
            try:
                self.publish()
            except NotConnectedError:
                log.debug("zone_heartbeats_not_sent")
            except (SQLAlchemyError, DatabaseBusyError, StorageError) as error:
                log.warning("zones_not_looked_at", error=type(error).__name__)
            stop.wait(EVERY_S)

    def publish(self) -> None:
        """Tell every gate that must know how its zone stands.

        Raises:
            NotConnectedError: there is no broker.
            SQLAlchemyError, DatabaseBusyError, StorageError: the database does not answer.
        """
        # Before the look: what is stored by now is counted in.
        at = self._now()
        if not self._bus.connected:
            return
        with answer_within(_ANSWER_WITHIN_S):
            if not self._clock_believed():
                return
            with self._database.read() as session:
                standings = find_standings(session, now=at)
        for standing, gates in standings.items():
            heartbeat = ZoneHeartbeat(
                site=self._site,
                zone=standing.zone,
                revision=standing.revision,
                inside=standing.inside,
                forgiven_before=standing.forgiven_before,
                at=standing.at,
            )
            payload = seal_zone_heartbeat(self._key, heartbeat)
            for gate in gates:
                self._bus.publish(GateTopics(self._site, gate).zone_heartbeat, payload, qos=0)
