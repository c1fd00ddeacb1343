"""What several servers over one PostgreSQL tell each other: which of them leads, and what they have just written.

One connection of each, past any pooler, holds the advisory lock of whoever leads, and listens. The lock is lost with
the connection. A process that was killed loses it at once; one that was frozen is asked for nothing, so its session is
ended by the database when it has been idle for `_IDLE_S`. An SQLite database has one server, which leads.
"""

import json
import secrets
import threading
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import URL, text
from sqlalchemy.exc import SQLAlchemyError

from database.advisory_locks import AdvisoryLock
from database.answer_time import answer_within
from database.engine import Database, DatabaseBusyError

log = structlog.get_logger()

_CHANNEL = "campusgate"
BOARD, PEOPLE = "board", "people"
"""Topics: what live pages show was written; people changed, whom gates must know."""
TOPICS = (BOARD, PEOPLE)
_LOOK_S = 1.0
_IDLE_S = 5.0
"""Several looks, so that a busy machine keeps the lead; with one look of the next to lead, taken over within ten."""
_ANSWER_WITHIN_S = 3.0


class Coordination:
    """One server's place among the others. `run` is the body of a thread; `announce` may be called from any."""

    def __init__(
        self,
        database: Database,
        direct_url: str | URL,
        *,
        lead: Callable[[], None],
        follow: Callable[[], None],
        hear: Callable[[str], None],
    ) -> None:
        """Take what is to be done; nothing is asked yet.

        Args:
            database: where announcements are written.
            direct_url: of the same database, past a pooler.
            lead: begins what only one server does.
            follow: ends it; called after each `lead`.
            hear: is told what another server announced, and everything once after a connection was lost.
        """
        self._database = database
        self._direct_url = direct_url
        self._lead, self._follow, self._hear = lead, follow, hear
        self._name = secrets.token_hex(8)
        self._waiting: set[str] = set()
        self._changed = threading.Condition()
        self._looked = threading.Event()
        self.leads = False

    def wait_for_place(self, timeout_s: float) -> None:
        """Wait until `run` has begun to lead, or found that it does not now."""
        self._looked.wait(timeout_s)

    def announce(self, topic: str) -> None:
        """Let the other servers hear of something that is committed; returns at once."""
        if not self._database.is_sqlite:
            with self._changed:
                self._waiting.add(topic)
                self._changed.notify()

    def run(self, stop: threading.Event) -> None:
        """Lead or follow, listen and announce until `stop` is set."""
        if self._database.is_sqlite:
            self._begin_to_lead()
            self._looked.set()
            stop.wait()
            self._end_to_lead()
            return
        teller = threading.Thread(target=self._tell, args=(stop,), name="announcements", daemon=True)
        teller.start()
        from psycopg import Error as DriverError  # noqa: PLC0415 - the driver is an extra

        while not stop.is_set():
            try:
                self._serve(stop)
            except (SQLAlchemyError, DriverError) as error:
                log.warning("other_servers_not_heard", error=type(error).__name__)
            self._looked.set()
            self._end_to_lead()
            stop.wait(_LOOK_S)
        with self._changed:
            self._changed.notify()
        teller.join()

    def _serve(self, stop: threading.Event) -> None:
        direct = Database(self._direct_url, pool_size=1)
        try:
            with direct.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                with answer_within(_ANSWER_WITHIN_S):
                    connection.exec_driver_sql(f"LISTEN {_CHANNEL}")
                    connection.exec_driver_sql(f"SET idle_session_timeout = {round(_IDLE_S * 1000)}")
                for topic in TOPICS:
                    self._hear(topic)
                while not stop.is_set():
                    with answer_within(_ANSWER_WITHIN_S):
                        held = connection.scalar(
                            text("SELECT true") if self.leads else text("SELECT pg_try_advisory_lock(:key)"),
                            {} if self.leads else {"key": AdvisoryLock.LEADER},
                        )
                    if held and not self.leads:
                        self._begin_to_lead()
                    self._looked.set()
                    self._listen(connection.connection.driver_connection)
                self._end_to_lead()
        finally:
            direct.close()

    def _listen(self, connection: Any) -> None:
        for heard in connection.notifies(timeout=_LOOK_S, stop_after=1):
            said = json.loads(heard.payload)
            if said["by"] != self._name:
                self._hear(said["topic"])

    def _begin_to_lead(self) -> None:
        log.info("leads")
        self.leads = True
        self._lead()

    def _end_to_lead(self) -> None:
        if self.leads:
            log.info("leads_no_more")
            self.leads = False
            self._follow()

    def _tell(self, stop: threading.Event) -> None:
        while not stop.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or stop.is_set(), _LOOK_S)
                topics, self._waiting = self._waiting, set()
            try:
                for topic in topics:
                    with self._database.begin() as session:
                        said = {"channel": _CHANNEL, "payload": json.dumps({"by": self._name, "topic": topic})}
                        session.execute(text("SELECT pg_notify(:channel, :payload)"), said)
            except (SQLAlchemyError, DatabaseBusyError) as error:
                # They look by themselves too, only later.
                log.warning("not_announced", topics=sorted(topics), error=type(error).__name__)
