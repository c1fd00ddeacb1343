"""What the server does beside its requests: connections to the broker, and its place among the campus's servers."""

import threading
from functools import partial

from sqlalchemy import event
from sqlalchemy.orm import Session

from accounts.people import changes
from campusgate.processes.server.assembly import Server
from campusgate.processes.server.leader_work import LeaderWork
from database.coordination import BOARD, PEOPLE, Coordination

_PLACE_S = 3.0
"""A server begins to answer with its work begun; where the database does not answer, requests are told so."""


class Background:
    """Runs from `start` to `stop`, which also closes the server's database."""

    def __init__(self, server: Server) -> None:
        """Make the threads; none runs yet."""
        self._server = server
        self._work = LeaderWork(server)
        self._coordination = Coordination(
            server.database,
            server.settings.resolved_direct_url if server.settings.database_direct_url else server.database.url,
            lead=self._work.begin,
            follow=self._work.end,
            hear=self._hear,
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._coordination.run, args=(self._stop,), name="coordination", daemon=True
        )

    @property
    def leads(self) -> bool:
        """Whether this server does now what only one does."""
        return self._coordination.leads

    def start(self) -> None:
        """Connect, and find this server's place."""
        self._server.operations.board.on_touch = partial(self._coordination.announce, BOARD)
        if self._server.tickets.shared is not None:
            self._server.tickets.shared.announce = self._coordination.announce
        event.listen(Session, "after_commit", self._announce_changes)
        if self._server.traces is not None:
            self._server.traces.start()
        self._server.ingest.start()
        if self._server.showers is not None:
            self._server.showers.start()
        self._server.connections.events.start()
        self._server.connections.orders.start()
        self._thread.start()
        self._coordination.wait_for_place(_PLACE_S)

    def stop(self) -> None:
        """End in order: who gives work first, the writer of the ledger and the database last."""
        self._stop.set()
        self._server.connections.orders.stop()
        self._server.connections.events.stop()
        self._server.ingest.stop()
        if self._server.traces is not None:
            self._server.traces.stop()
        if self._server.showers is not None:
            self._server.showers.stop()
        self._thread.join()
        self._work.wait_ended()
        event.remove(Session, "after_commit", self._announce_changes)
        self._server.money.writer.close()
        self._server.database.close()

    def _hear(self, topic: str) -> None:
        """Take what another server has written."""
        if topic == BOARD:
            self._server.operations.board.wake()
        elif topic == PEOPLE:
            self._work.wake()
        else:
            self._server.tickets.hear(topic)

    def _announce_changes(self, session: Session) -> None:
        if session.bind is self._server.database.engine and changes.take_noted(session):
            self._coordination.announce(PEOPLE)
