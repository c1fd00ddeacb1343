"""Group commit: one thread gathers the transfers of concurrent requests and records them in one transaction.

What costs in a ledger is the commit and the round trip, not the arithmetic. While one group is on its way to the disk
the next one gathers, so a lone request waits for nobody and a thousand share one commit. Nobody gets an answer before
the transaction that holds it is on the disk.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from accounts.ledger.posting import TransferRaceError, record
from accounts.ledger.transfer import PostingResult, Transfer
from database import Database, DatabaseBusyError

log = structlog.get_logger()

LARGEST_GROUP = 500
ATTEMPTS = 5

_T = TypeVar("_T")


class WriterClosedError(Exception):
    """The ledger is shutting down and takes no more transfers; send it again to a running server."""


@dataclass(slots=True)
class _Submission:
    """A transfer, or work of the caller's own that records some, and where its answer goes."""

    transfer: Transfer | None
    work: Callable[[Session, datetime], Any] | None
    answer: "Future[Any]" = field(default_factory=Future)


class LedgerWriter:
    """The way into the ledger for concurrent requests. Close it, or use it in a `with` block."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Start the writing thread."""
        self._database = database
        self._clock = clock
        self._submissions: queue.SimpleQueue[_Submission | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, transfer: Transfer) -> PostingResult:
        """Record one transfer and wait until it is on the disk.

        Raises:
            DatabaseBusyError: another process kept the database locked; trying again with the same id is safe.
        """
        outcome: PostingResult = self._put(_Submission(transfer, None)).result()
        return outcome

    def send(self, transfer: Transfer) -> "Future[PostingResult]":
        """Record one transfer; the future is done once it is on the disk."""
        return self._put(_Submission(transfer, None))

    def run(self, work: Callable[[Session, datetime], _T]) -> _T:
        """Run `work` in a transaction, alone or beside others; what it raises undoes its own part and comes out here.

        `work` may be called again when another process was in the way, so it must do nothing but write to the session.

        Raises:
            DatabaseBusyError: another process kept the database locked; trying again is safe.
        """
        if self._database.is_sqlite:
            result: _T = self._put(_Submission(None, work)).result()
            return result
        # PostgreSQL writes side by side: a transaction of its own keeps this work's locks short.
        return _retried(lambda: self._alone(work))

    def _alone(self, work: Callable[[Session, datetime], _T]) -> _T:
        with self._database.begin() as session:
            return work(session, self._clock())

    def close(self) -> None:
        """Finish what was submitted, then stop."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._submissions.put(None)
        self._thread.join()

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Close at the end of the block."""
        self.close()

    def _put(self, submission: _Submission) -> "Future[Any]":
        with self._closing:
            if self._closed:
                raise WriterClosedError("the ledger is shutting down; try again in a moment")
            self._submissions.put(submission)
        return submission.answer

    def _run(self) -> None:
        open_ = True
        while open_:
            first = self._submissions.get()
            if first is None:
                return
            group = [first]
            while len(group) < LARGEST_GROUP:
                try:
                    submission = self._submissions.get_nowait()
                except queue.Empty:
                    break
                if submission is None:
                    open_ = False
                    break
                group.append(submission)
            self._answer(group)

    def _answer(self, group: list[_Submission]) -> None:
        try:
            results = _retried(lambda: self._commit(group))
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who asked must hear it
            if len(group) == 1:
                group[0].answer.set_exception(error)
                return
            # One of them is to blame; on their own, the others still get through.
            log.warning("ledger_group_failed", submissions=len(group), error=type(error).__name__)
            for submission in group:
                self._answer([submission])
            return
        for submission, (value, failure) in zip(group, results, strict=True):
            if failure is None:
                submission.answer.set_result(value)
            else:
                submission.answer.set_exception(failure)

    def _commit(self, group: list[_Submission]) -> list[tuple[Any, Exception | None]]:
        """Everything of the group in one transaction: the transfers as one set, then the works one by one."""
        now = self._clock()
        with self._database.begin() as session:
            transfers = [submission.transfer for submission in group if submission.transfer is not None]
            outcomes: Iterator[PostingResult] = iter(record(session, transfers, now) if transfers else ())
            return [
                (next(outcomes), None) if submission.work is None else _in_savepoint(session, submission.work, now)
                for submission in group
            ]


def _in_savepoint(
    session: Session, work: Callable[[Session, datetime], Any], now: datetime
) -> tuple[Any, Exception | None]:
    try:
        with session.begin_nested():
            return work(session, now), None
    except (TransferRaceError, OperationalError):
        raise
    except Exception as error:  # noqa: BLE001 - it belongs to the one who gave the work
        return None, error


def _retried(attempt: Callable[[], _T]) -> _T:
    for _ in range(ATTEMPTS - 1):
        try:
            return attempt()
        except (TransferRaceError, DatabaseBusyError) as error:
            log.info("ledger_retries", error=type(error).__name__)
    return attempt()
