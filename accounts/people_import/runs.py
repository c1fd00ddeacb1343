"""Imports in the server: a list is looked at first, then applied or taken back in the background, one at a time.

A list that waits is kept in memory alone, for it may hold identity numbers; after an hour, or a restart, it is gone.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from accounts.passwords import Hasher
from accounts.passwords.first import FirstPasswords
from accounts.people_import import mapped_list, records
from accounts.people_import.importer import Importer, RowResult
from accounts.people_import.list_table import Table
from accounts.people_import.mapped_list import ColumnChoice
from accounts.people_import.people_list import ListedPerson, Unreadable
from accounts.people_import.tables import ImportState
from accounts.people_import.undo import Undo
from database import Database, new_id
from database.patience import write_patiently
from web.problems import NotFoundError, ProblemError

log = structlog.get_logger()

KEPT_FOR = timedelta(hours=1)
MOST_KEPT = 20
PLAN_KEPT_FOR = timedelta(minutes=5)
"""Long enough to page through; the campus may have changed since."""
MOST_PLANS = 4
"""A plan of a large list holds tens of megabytes."""


class ImportRunningError(ProblemError):
    """Another import, or the undoing of one, is running."""

    code = "import_running"
    status = 409
    title = "Another import is running; wait until it has ended"


class ColumnsMissingError(ProblemError):
    """No column was chosen for the numbers."""

    code = "import_columns_missing"
    status = 422
    title = "Say which column holds the student or staff number"


@dataclass(frozen=True, slots=True)
class WaitingList:
    """A list that somebody sent and has not applied."""

    id: UUID
    person_id: UUID
    file_name: str
    made_at: datetime
    table: Table = field(repr=False)
    choice: ColumnChoice


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying a list with these columns would do, row by row, as of a moment."""

    made_at: datetime
    choice: ColumnChoice
    results: Sequence[RowResult] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the running work is."""

    done: int
    total: int


class ImportRuns:
    """The waiting lists, and the one work that runs."""

    def __init__(self, database: Database, hasher: Hasher, first_passwords: FirstPasswords, zone: ZoneInfo) -> None:
        """Take what an import needs."""
        self._database = database
        self._hasher = hasher
        self._first_passwords = first_passwords
        self._zone = zone
        self._waiting: dict[UUID, WaitingList] = {}
        self._plans: dict[UUID, Plan] = {}
        self._lock = threading.Lock()
        self._running: tuple[UUID, Progress] | None = None
        self._thread: threading.Thread | None = None

    def keep(self, person_id: UUID, file_name: str, content: bytes, *, now: datetime) -> WaitingList:
        """Read a list and keep it until it is applied, for an hour at most.

        Raises:
            list_table.ListTableError: it cannot be read.
        """
        table = mapped_list.read_any_table(content)
        made = WaitingList(new_id(), person_id, file_name, now, table, mapped_list.guess(table))
        with self._lock:
            fresh = [one for one in self._waiting.values() if one.made_at > now - KEPT_FOR]
            self._waiting = {one.id: one for one in [*fresh, made][-MOST_KEPT:]}
            self._plans = {list_id: plan for list_id, plan in self._plans.items() if list_id in self._waiting}
        return made

    def waiting(self, list_id: UUID, person_id: UUID, *, now: datetime) -> WaitingList:
        """Return a list that this person sent.

        Raises:
            NotFoundError: it is not kept (any more).
        """
        with self._lock:
            found = self._waiting.get(list_id)
        if found is None or found.person_id != person_id or found.made_at <= now - KEPT_FOR:
            raise NotFoundError("this list is not kept any more; send it again")
        return found

    def choose(self, found: WaitingList, choice: ColumnChoice) -> WaitingList:
        """Say what the columns of a list hold."""
        chosen = replace(found, choice=choice)
        with self._lock:
            self._waiting[found.id] = chosen
        return chosen

    def drop(self, found: WaitingList) -> None:
        """Forget a list."""
        with self._lock:
            self._waiting.pop(found.id, None)
            self._plans.pop(found.id, None)

    def preview(self, found: WaitingList, *, now: datetime) -> Plan:
        """Say what applying a list would do; planned once, and again after some minutes or with other columns.

        Raises:
            ColumnsMissingError: it is not known where the numbers stand.
        """
        with self._lock:
            kept = self._plans.get(found.id)
        if kept is not None and kept.choice == found.choice and now < kept.made_at + PLAN_KEPT_FOR:
            return kept
        plan = Plan(now, found.choice, self._importer(found).run(self._rows(found), now=now, dry_run=True))
        with self._lock:
            others = [(list_id, one) for list_id, one in self._plans.items() if list_id != found.id]
            self._plans = dict([*others, (found.id, plan)][-MOST_PLANS:])
        return plan

    def apply(self, found: WaitingList, *, now: datetime) -> UUID:
        """Begin to apply a list in the background, and return the import's id; the list is kept no longer.

        Raises:
            ColumnsMissingError, ImportRunningError: see there.
        """
        rows, importer = self._rows(found), self._importer(found)
        with self._alone():
            with self._database.begin() as session:
                import_id = records.begin(session, found.file_name, len(rows), by=importer.by, now=now).id
            self._start(import_id, len(rows), lambda note: self._apply(importer, rows, import_id, now, note))
        self.drop(found)
        return import_id

    def undo(self, import_id: UUID, *, by: str, acting: UUID, now: datetime) -> None:
        """Begin to take an import back in the background.

        Raises:
            NotFoundError, undo.ImportUndoneError, undo.ImportTooOldError, ImportRunningError: see there.
        """
        work = Undo(self._database, import_id, by, acting)
        with self._alone():
            total = work.begin(now)
            self._start(import_id, total, lambda note: work.run(now, note))

    def progress(self, import_id: UUID) -> Progress | None:
        """Return how far the work on an import is; None when none runs."""
        running = self._running
        return running[1] if running is not None and running[0] == import_id else None

    def join(self, timeout_s: float) -> None:
        """Wait until nothing runs."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _rows(self, found: WaitingList) -> list[ListedPerson | Unreadable]:
        if not found.choice.is_complete:
            raise ColumnsMissingError
        return mapped_list.read_rows(found.table, found.choice, self._zone)

    def _importer(self, found: WaitingList) -> Importer:
        by = f"person:{found.person_id}"
        return Importer(self._database, self._hasher, self._first_passwords, by, found.person_id)

    def _apply(
        self,
        importer: Importer,
        rows: list[ListedPerson | Unreadable],
        import_id: UUID,
        now: datetime,
        note: Callable[[int], None],
    ) -> None:
        importer.run(
            rows,
            now=now,
            progress=lambda done, _all: note(done),
            on_written=lambda session, written: records.note(session, import_id, written),
        )
        write_patiently(self._database, lambda session: records.finish(session, import_id, ImportState.DONE, now=now))

    def _start(self, import_id: UUID, total: int, work: Callable[[Callable[[int], None]], None]) -> None:
        self._running = (import_id, Progress(0, total))

        def note(done: int) -> None:
            self._running = (import_id, Progress(done, total))

        def run() -> None:
            try:
                work(note)
            except Exception:
                # Whatever it was: what is written stays written, and the page says that the work was cut off.
                log.exception("people_import_failed", import_id=str(import_id))
            finally:
                self._running = None

        self._thread = threading.Thread(target=run, name="people-import", daemon=True)
        self._thread.start()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock while a work is begun, unless one runs."""
        with self._lock:
            if self._running is not None:
                raise ImportRunningError
            yield
