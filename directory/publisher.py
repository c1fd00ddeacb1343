"""From a change of a person or a gate to a new revision at every gate concerned.

State counts, not events: whoever changed is assembled anew and compared with what each gate was told. So work may be
repeated, skipped ahead or taken up after a crash, and the same end is reached. Revocations overtake everything else.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from sqlalchemy import delete, event, exists, or_, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from access.policy import GatePolicy
from accounts.people import changes
from accounts.tables import Card, Person, PersonChange
from accounts.vocabulary import CardState, PersonState
from database import Database, DatabaseBusyError, Sealer
from directory import acknowledgements
from directory.gate_revision import Digests, GateLedger
from directory.records import EXPIRED_GRACE, MOST_PEOPLE, Record, assemble
from directory.tables import DirectoryPerson, DirectoryState, GateEntry, GateRecord

_log = structlog.get_logger()

POLL_S = 0.25
"""Changes made by another process are found within this."""
BREATH_S = 0.02
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
        notify: Notify | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`notify(gate, revision)` is called after the commit, from the thread that publishes; it must not block."""
        self._database = database
        self._sealer = sealer
        self._model_id = model_id
        self._notify = notify
        self._clock = clock
        self._hurried = 0
        """Revocations up to this sequence number have overtaken the queue."""

    def publish(self) -> dict[str, int]:
        """Publish everything that waits, and return the new revisions by gate."""
        gates: dict[str, int] = {}
        while (published := self.publish_some()).gates or published.more:
            gates.update(published.gates)
        return gates

    def publish_some(self) -> Published:
        """Publish revocations that wait, then a bounded number of other changes; one transaction, then the hints."""
        with self._database.begin() as session:
            state = self._state(session)
            gates = list(session.scalars(select(GateRecord).order_by(GateRecord.name).with_for_update(key_share=True)))
            now = self._clock()
            ledgers = [GateLedger(session, gate, now) for gate in gates]
            self._renew_policies(session, state, ledgers)
            urgent = self._revoked(session, max(state.seq, self._hurried))
            if urgent:
                waiting = [change.person_id for change in urgent]
                self._publish_people(session, ledgers, waiting, now)
                more = True
            else:
                limit = _people_at_once(len(ledgers))
                waiting_changes = changes.since(session, state.seq, limit=limit)
                self._publish_people(session, ledgers, [change.person_id for change in waiting_changes], now)
                if waiting_changes:
                    state.seq = waiting_changes[-1].seq
                more = len(waiting_changes) == limit
            closed = [ledger.gate for ledger in ledgers if ledger.close()]
            for gate in closed:
                acknowledgements.published(session, gate, now)
            moved = {gate.name: gate.revision for gate in closed}
        if urgent:
            self._hurried = urgent[-1].seq
        self._tell(moved)
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
                state is None
                or state.model_id != self._model_id
                or changes.latest(session) > state.seq
                or session.scalar(select(GateRecord.name).where(GateRecord.is_dirty).limit(1)) is not None
            )

    def run(self, stop: threading.Event, wake: threading.Event | None = None) -> None:
        """Publish whatever comes until `stop` is set: at once after a commit of this process, else within `POLL_S`."""
        wake = wake or threading.Event()
        last_sweep = None
        with _waking(self._database, wake):
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
                stop.wait(BREATH_S)
                wake.wait(pause)

    def _state(self, session: Session) -> DirectoryState:
        """Return the one row, locked; the first publisher of a database makes it and begins with everybody."""
        found = select(DirectoryState).where(DirectoryState.id == 1).with_for_update()
        state = session.scalar(found)
        if state is None:
            made = session.execute(
                text(
                    "INSERT INTO directory_state (id, seq, model_id) VALUES (1, 0, :model_id)"
                    " ON CONFLICT (id) DO NOTHING RETURNING id"
                ),
                {"model_id": self._model_id},
            ).all()
            if made:
                _note_unheard_of(session)
            state = session.scalars(found).one()
        return state

    def _renew_policies(self, session: Session, state: DirectoryState, ledgers: Sequence[GateLedger]) -> None:
        """Publish changed policies; where who is entitled or the model changes, everybody is looked at again.

        All in this transaction, however long: a gate must never be told one model and sent templates of another.
        """
        if state.model_id != self._model_id:
            state.model_id = self._model_id
            _log.info("directory_model", model=self._model_id)
            self._assemble_all(session)
            for ledger in ledgers:
                ledger.gate.is_dirty = True
        concerned = []
        for ledger in ledgers:
            if ledger.gate.is_dirty:
                wanted = GatePolicy.model_validate(ledger.gate.policy)
                model_id = self._model_id if wanted.uses_faces else None
                if ledger.adopt(wanted.model_copy(update={"model_id": model_id})):
                    concerned.append(ledger)
        if not concerned:
            return
        rows = session.execute(select(DirectoryPerson.person_id, DirectoryPerson.sealed))
        for part in rows.partitions(MOST_PEOPLE):
            records = {person: Record.open(self._sealer, person, sealed) for person, sealed in part}
            digests = Digests()
            for ledger in concerned:
                ledger.write({person: records[person].for_gate(ledger.cut) for person in records}, digests)

    def _assemble_all(self, session: Session) -> None:
        people = session.scalars(select(Person.id)).all()
        for start in range(0, len(people), MOST_PEOPLE):
            self._store(session, people[start : start + MOST_PEOPLE], self._clock())

    def _revoked(self, session: Session, seq: int) -> Sequence[changes.Change]:
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

    def _publish_people(
        self, session: Session, ledgers: Sequence[GateLedger], people: Sequence[UUID], now: datetime
    ) -> None:
        wanted = list(dict.fromkeys(people))
        if not wanted:
            return
        records = self._store(session, wanted, now)
        digests = Digests()
        for ledger in ledgers:
            ledger.write(
                {person: records[person].for_gate(ledger.cut) if person in records else None for person in wanted},
                digests,
            )

    def _store(self, session: Session, people: Sequence[UUID], now: datetime) -> dict[UUID, Record]:
        """Assemble people anew and keep their records; of whoever is gone nothing stays."""
        records = assemble(session, self._sealer, people, model_id=self._model_id, now=now)
        session.execute(delete(DirectoryPerson).where(DirectoryPerson.person_id.in_(people)))
        session.add_all(
            DirectoryPerson(person_id=person, valid_until=record.entry.valid_until, sealed=record.seal(self._sealer))
            for person, record in records.items()
        )
        session.flush()
        return records

    def _tell(self, moved: dict[str, int]) -> None:
        for gate, revision in moved.items():
            _log.info("directory_published", gate=gate, revision=revision)
            if self._notify is None:
                continue
            try:
                self._notify(gate, revision)
            except Exception:  # noqa: BLE001 - whatever the rim's callback does, the next gate is told
                # The hint is a courtesy: the gate asks by itself soon.
                _log.exception("directory_hint_failed", gate=gate)


def _note_unheard_of(session: Session) -> None:
    """Put people whose changes are forgotten already at the end of the queue."""
    heard_of = exists().where(PersonChange.person_id == Person.id)
    people = session.scalars(select(Person.id).where(~heard_of).order_by(Person.id)).all()
    if people:
        changes.record(session, *people)


def _people_at_once(gates: int) -> int:
    """Return how many people one transaction takes: the more gates, the fewer, so that a revocation waits little."""
    return min(MOST_PEOPLE, max(_FEWEST_PEOPLE, 5 * MOST_PEOPLE // (4 + max(1, gates))))


def prune(session: Session, gate: GateRecord, before: datetime) -> int:
    """Forget removals older than `before`, and return how many; replicas that never heard of them start anew."""
    old = session.execute(
        select(GateEntry.person_id, GateEntry.revision).where(
            GateEntry.gate == gate.name, GateEntry.is_removed, GateEntry.changed_at < before
        )
    ).all()
    if old:
        gate.floor = max(gate.floor, *(revision for _, revision in old))
        session.execute(
            delete(GateEntry).where(GateEntry.gate == gate.name, GateEntry.is_removed, GateEntry.changed_at < before)
        )
    return len(old)


class _waking(AbstractContextManager[None]):  # noqa: N801 - used like a function
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
