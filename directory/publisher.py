"""From a change of a person or a gate to a new revision at every gate concerned.

State counts, not events: whoever changed is assembled anew and compared with what was published to each gate. So work
may be repeated, skipped ahead or taken up after a crash, and the same end is reached. Revocations overtake all else.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from sqlalchemy import event, exists, or_, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from accounts.people import changes
from accounts.tables import Card, Person, PersonChange
from accounts.vocabulary import CardState, PersonState
from database import Database, DatabaseBusyError, Sealer
from directory import gate_models, zone_passages
from directory.publication import Publication
from directory.records import EXPIRED_GRACE, MOST_PEOPLE, find_visitors
from directory.tables import DirectoryPerson, DirectoryState, GateRecord

_log = structlog.get_logger()

POLL_S = 0.25
"""Changes made by another process are found within this."""
LEAST_PAUSE_S = 0.02
"""Between two rounds, so that a busy server is not asked after every payment."""
RETRY_S = 1.0
SWEEP_S = 3600.0
_FEWEST_PEOPLE = 25

Notify = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Published:
    """What one round did: the gates with a new revision, and whether more waits."""

    gates: dict[str, int]
    more: bool


class Publisher:
    """Keeps every gate's directory current. One at a time works on a database; others wait for their turn."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        *,
        model_id: str | None,
        further_models: Sequence[str] = (),
        notify: Notify | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`model_id` is the face model that the campus uses or moves to, None without faces.

        `further_models` are made beside it. `notify(gate, revision)` is called after the commit, from the thread that
        publishes; it must not block.
        """
        self._database = database
        self._sealer = sealer
        self._models = [] if model_id is None else list(dict.fromkeys((model_id, *further_models)))
        self._notify = notify
        self._clock = clock
        self._revoked_to = 0
        """Changes up to this sequence number hold no revocation that has not overtaken the queue."""
        self._newly_listed = set[UUID]()

    def publish(self) -> dict[str, int]:
        """Publish everything that waits, and return the new revisions by gate."""
        gates: dict[str, int] = {}
        while (published := self.publish_some()).gates or published.more:
            gates.update(published.gates)
        return gates

    def publish_some(self) -> Published:
        """Publish revocations that wait, then a bounded number of other changes; one transaction, then the hints."""
        with self._database.begin() as session:
            state = self._lock_state(session)
            models = gate_models.find_used(state, self._models)
            publication = Publication(session, self._sealer, state, models=models, now=self._clock())
            publication.renew_policies()
            # Before the look: what is recorded after it has a greater number, for they follow the order of commits.
            latest = changes.latest(session)
            revoked = _find_revoked(session, max(state.seq, self._revoked_to))
            if revoked:
                self._publish_changes(session, publication, revoked)
                more = True
            else:
                limit = _people_at_once(len(publication.lists))
                waiting = changes.since(session, state.seq, limit=limit)
                self._publish_changes(session, publication, waiting)
                if waiting:
                    state.seq = waiting[-1].seq
                more = len(waiting) == limit
            moved = publication.close()
        # Nobody looks again through what waits: with a long queue each round would cost as much as the queue is long.
        self._revoked_to = revoked[-1].seq if revoked else latest
        self._notify_gates(moved)
        self._newly_listed |= publication.newly_listed
        self._tell_passages_again()
        return Published(moved, more)

    def forget_expired(self) -> None:
        """Remove from every gate who expired longer than the grace ago."""
        with self._database.begin() as session:
            expired = session.scalars(
                select(DirectoryPerson.person_id)
                .where(DirectoryPerson.valid_until < self._clock() - EXPIRED_GRACE)
                .limit(MOST_PEOPLE)
            ).all()
            if expired:
                changes.record(session, *expired)

    def has_work(self) -> bool:
        """Whether anything waits to be published."""
        with self._database.read() as session:
            state = session.get(DirectoryState, 1)
            return (
                bool(self._newly_listed)
                or state is None
                or state.assembled != gate_models.find_used(state, self._models)
                or changes.latest(session) > state.seq
                or session.scalar(select(GateRecord.name).where(GateRecord.is_dirty).limit(1)) is not None
            )

    def run(self, stop: threading.Event, wake: threading.Event | None = None) -> None:
        """Publish whatever comes until `stop` is set: at once after a commit of this process, else within `POLL_S`."""
        wake = wake or threading.Event()
        last_sweep = None
        with _WakeOnCommit(self._database, wake):
            while not stop.is_set():
                wake.clear()
                now = self._clock()
                pause = POLL_S
                try:
                    if last_sweep is None or abs((now - last_sweep).total_seconds()) >= SWEEP_S:
                        self.forget_expired()
                        last_sweep = now
                    if self.has_work():
                        self.publish()
                except (SQLAlchemyError, DatabaseBusyError) as error:
                    # Revocations wait for this thread: it must outlive a database that is away for a while.
                    _log.error("directory_not_published", error=str(error))
                    pause = RETRY_S
                except Exception:  # noqa: BLE001 - see above; the log holds it
                    _log.exception("directory_not_published")
                    pause = RETRY_S
                stop.wait(LEAST_PAUSE_S)
                wake.wait(pause)

    def _tell_passages_again(self) -> None:
        """Let gates hear where people are who are new to them; after the commit, and again where that failed."""
        if self._newly_listed:
            with self._database.begin() as session:
                zone_passages.tell_again(session, self._newly_listed)
            self._newly_listed.clear()

    def _publish_changes(self, session: Session, publication: Publication, found: Sequence[changes.Change]) -> None:
        people = [change.person_id for change in found]
        publication.publish(people)
        visitors = find_visitors(session, people, self._clock())
        for start in range(0, len(visitors), MOST_PEOPLE):
            publication.publish(visitors[start : start + MOST_PEOPLE])

    def _lock_state(self, session: Session) -> DirectoryState:
        """Return the one row, locked; the first publisher of a database makes it and begins with everybody."""
        found = select(DirectoryState).where(DirectoryState.id == 1).with_for_update()
        state = session.scalar(found)
        if state is None:
            made = session.execute(
                text(
                    "INSERT INTO directory_state (id, seq, revision, models) VALUES (1, 0, 0, '[]')"
                    " ON CONFLICT (id) DO NOTHING RETURNING id"
                )
            ).all()
            if made:
                _requeue_people_without_change(session)
            state = session.scalars(found).one()
        return state

    def _notify_gates(self, moved: dict[str, int]) -> None:
        if moved:
            _log.info("directory_published", gates=len(moved), revision=max(moved.values()))
        if self._notify is None:
            return
        for gate, revision in moved.items():
            try:
                self._notify(gate, revision)
            except Exception:  # noqa: BLE001 - whatever the rim's callback does, the next gate is notified
                # The hint is a courtesy: the gate asks by itself soon.
                _log.exception("directory_hint_failed", gate=gate)


def _find_revoked(session: Session, seq: int) -> Sequence[changes.Change]:
    """Return changes after `seq` of people who may now pass less: they are published before all others."""
    refused = Person.state != PersonState.ACTIVE
    card = exists().where(
        Card.person_id == PersonChange.person_id, Card.state.in_((CardState.LOST, CardState.SUSPENDED))
    )
    rows = session.execute(
        select(PersonChange.seq, PersonChange.person_id)
        .join(Person, Person.id == PersonChange.person_id)
        .where(PersonChange.seq > seq, or_(refused, card))
        .order_by(PersonChange.seq)
        .limit(MOST_PEOPLE)
    )
    return [changes.Change(number, person_id) for number, person_id in rows]


def _requeue_people_without_change(session: Session) -> None:
    """Put people whose changes are forgotten already at the end of the queue."""
    heard_of = exists().where(PersonChange.person_id == Person.id)
    people = session.scalars(select(Person.id).where(~heard_of).order_by(Person.id)).all()
    if people:
        changes.record(session, *people)


def _people_at_once(lists: int) -> int:
    """Return how many people one transaction takes: the more lists, the fewer, so that a revocation waits little."""
    return min(MOST_PEOPLE, max(_FEWEST_PEOPLE, 5 * MOST_PEOPLE // (4 + max(1, lists))))


class _WakeOnCommit(AbstractContextManager[None]):
    """Set `wake` after every commit of this process on this database."""

    def __init__(self, database: Database, wake: threading.Event) -> None:
        self._engine = database.engine
        self._wake = wake

    def __enter__(self) -> None:
        event.listen(Session, "after_commit", self._committed)

    def __exit__(self, *_: object) -> None:
        event.remove(Session, "after_commit", self._committed)

    def _committed(self, session: Session) -> None:
        if session.bind is self._engine:
            self._wake.set()
