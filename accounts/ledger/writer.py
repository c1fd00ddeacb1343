"""Group commit: one thread gathers the transfers of concurrent requests and records them in one transaction.

What costs in a ledger is the commit and the round trip, not the arithmetic. While one group is on its way to the disk
the next one gathers, so a lone request waits for nobody and a thousand share one commit. Nobody gets an answer before
the transaction that holds it is on the disk.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, Self, TypeVar

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from accounts.ledger.posting import TransferRaceError, record
from accounts.ledger.transfer import PostingResult, Transfer
from database import Database, DatabaseBusyError, StorageError, answer_within

log = structlog.get_logger()

LARGEST_GROUP = 500
ATTEMPTS = 5
ATTEMPTS_WITHOUT_ANSWER = 2
"""The first tells that a connection is gone, the second has a new one, to a new primary as may be. What was recorded by
the first is found by its id."""
_TURN_S = 1.0
"""The longest turn with nothing to record."""
COMMIT_WITHIN_S = 10.0
"""Of each statement of a group, all of which wait for it; the largest takes about a second."""

_T = TypeVar("_T")
_Request_contra = TypeVar("_Request_contra", contravariant=True)
_Request = TypeVar("_Request")
_Beside = TypeVar("_Beside")


class WriterClosedError(Exception):
    """The ledger is shutting down and takes no more transfers; send it again to a running server."""


@dataclass(frozen=True, slots=True)
class Prepared(Generic[_Beside]):
    """The transfer that was made of a request, and what whoever sent it wants to know beside its outcome."""

    transfer: Transfer
    beside: _Beside


class Prepare(Protocol[_Request_contra, _Beside]):
    """Makes transfers of all requests of a group at once, by what it reads in the transaction that records them."""

    def __call__(
        self, session: Session, requests: Sequence[_Request_contra], now: datetime, /
    ) -> Sequence[Prepared[_Beside] | Exception]:
        """Return the transfer of each request, or why there is none. It writes nothing, and may be called again."""
        ...


@dataclass(slots=True, eq=False)
class _Submission:
    """A transfer, a request that one is made of, or work of the caller's own; and where its answer goes."""

    transfer: Transfer | None = None
    work: Callable[[Session, datetime], Any] | None = None
    request: Any = None
    prepare: Prepare[Any, Any] | None = None
    answer: "Future[Any] | asyncio.Future[Any]" = field(default_factory=Future)


_Made = dict[_Submission, Prepared[Any] | Exception]
"""What became of each request."""
_Result = tuple[Any, Exception | None]
"""What a submission came to: a value, or why there is none."""


class LedgerWriter:
    """The way into the ledger for concurrent requests. Close it, or use it in a `with` block."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Start the writing thread."""
        self._database = database
        self._clock = clock
        self._submissions: queue.SimpleQueue[_Submission | None] = queue.SimpleQueue()
        self.on_turn: Callable[[], None] = lambda: None
        """Called before each group, and once a second where none waits; for the rim to set."""
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, transfer: Transfer) -> PostingResult:
        """Record one transfer and wait until it is on the disk.

        Raises:
            DatabaseBusyError: another process kept the database locked; trying again with the same id is safe.
            StorageError: the database cannot be used, or did not answer; trying again with the same id is safe.
        """
        outcome: PostingResult = self._put(_Submission(transfer=transfer)).result()
        return outcome

    def send(self, transfer: Transfer) -> "Future[PostingResult]":
        """Record one transfer; the future is done once it is on the disk."""
        answer: Future[PostingResult] = self._put(_Submission(transfer=transfer))
        return answer

    def submit_request(self, request: _Request, prepare: Prepare[_Request, _Beside]) -> tuple[PostingResult, _Beside]:
        """Record the transfer that `prepare` makes of a request, and wait until it is on the disk.

        `prepare` is called once for all requests of a group that came with it, which is what makes it cheap.

        Raises:
            Exception: what `prepare` returned or raised instead.
            DatabaseBusyError: another process kept the database locked; trying again with the same id is safe.
        """
        submission = _Submission(request=request, prepare=prepare)
        outcome: tuple[PostingResult, _Beside] = self._put(submission).result()
        return outcome

    async def send_request(
        self, request: _Request, prepare: Prepare[_Request, _Beside]
    ) -> tuple[PostingResult, _Beside]:
        """Do as `submit_request`, with no thread that waits.

        Raises:
            Exception, DatabaseBusyError: as `submit_request`.
        """
        answer: asyncio.Future[tuple[PostingResult, _Beside]] = asyncio.get_running_loop().create_future()
        self._put(_Submission(request=request, prepare=prepare, answer=answer))
        return await answer

    def run(self, work: Callable[[Session, datetime], _T]) -> _T:
        """Run `work` in a transaction, alone or beside others; what it raises undoes its own part and comes out here.

        `work` may be called again when another process was in the way, so it must do nothing but write to the session.

        Raises:
            DatabaseBusyError: another process kept the database locked; trying again is safe.
        """
        if self._database.is_sqlite:
            result: _T = self._put(_Submission(work=work)).result()
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

    def _put(self, submission: _Submission) -> Any:
        with self._closing:
            if self._closed:
                raise WriterClosedError("the ledger is shutting down; try again in a moment")
            self._submissions.put(submission)
        return submission.answer

    def _run(self) -> None:
        open_ = True
        while open_:
            self.on_turn()
            try:
                first = self._submissions.get(timeout=_TURN_S)
            except queue.Empty:
                continue
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
            results = _retried(lambda: self._commit(group), without_answer=all(one.work is None for one in group))
        except (DatabaseBusyError, StorageError) as error:
            # Nobody is to blame: one by one they would wait as long once more for each.
            _deliver(group, [(None, error)] * len(group))
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who asked must hear it
            if len(group) == 1:
                _deliver(group, [(None, error)])
                return
            # One of them is to blame; on their own, the others still get through.
            log.warning("ledger_group_failed", submissions=len(group), error=type(error).__name__)
            for submission in group:
                self.on_turn()
                self._answer([submission])
            return
        _deliver(group, results)

    def _commit(self, group: list[_Submission]) -> list[_Result]:
        """Everything of the group in one transaction: the transfers as one set, then the works one by one."""
        now = self._clock()
        with answer_within(COMMIT_WITHIN_S), self._database.begin() as session:
            prepared = _prepare(session, group, now)
            transfers = [transfer for one in group if (transfer := _transfer_of(one, prepared)) is not None]
            outcomes: Iterator[PostingResult] = iter(record(session, transfers, now) if transfers else ())
            results: list[_Result] = []
            for submission in group:
                if submission.work is not None:
                    results.append(_in_savepoint(session, submission.work, now))
                elif submission.prepare is None:
                    results.append((next(outcomes), None))
                elif isinstance(made := prepared[submission], Prepared):
                    results.append(((next(outcomes), made.beside), None))
                else:
                    results.append((None, made))
            return results


def _prepare(session: Session, group: Sequence[_Submission], now: datetime) -> _Made:
    made: _Made = {}
    for prepare in {submission.prepare for submission in group if submission.prepare is not None}:
        asked = [submission for submission in group if submission.prepare is prepare]
        found = prepare(session, [submission.request for submission in asked], now)
        made.update(zip(asked, found, strict=True))
    return made


def _transfer_of(submission: _Submission, prepared: _Made) -> Transfer | None:
    made = prepared.get(submission)
    return made.transfer if isinstance(made, Prepared) else submission.transfer


def _deliver(group: Sequence[_Submission], results: Sequence[_Result]) -> None:
    """Answer everybody; an event loop is woken once for all of its own."""
    of_loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], _Result]]] = {}
    for submission, result in zip(group, results, strict=True):
        if isinstance(submission.answer, Future):
            _settle(submission.answer, result)
        else:
            of_loops.setdefault(submission.answer.get_loop(), []).append((submission.answer, result))
    for loop, answers in of_loops.items():
        # A loop that was closed meanwhile has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle_all, answers)


def _settle_all(answers: Sequence[tuple[asyncio.Future[Any], _Result]]) -> None:
    for answer, result in answers:
        # Whoever asked may have given up; what was recorded stands.
        if not answer.done():
            _settle(answer, result)


def _settle(answer: "Future[Any] | asyncio.Future[Any]", result: _Result) -> None:
    value, failure = result
    if failure is None:
        answer.set_result(value)
    else:
        answer.set_exception(failure)


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


def _retried(attempt: Callable[[], _T], *, without_answer: bool = False) -> _T:
    """Return what an attempt came to; `without_answer`: also where nobody knows what became of the one before."""
    for number in range(1, ATTEMPTS):
        try:
            return attempt()
        except (TransferRaceError, DatabaseBusyError) as error:
            log.info("ledger_retries", error=type(error).__name__)
        except StorageError as error:
            if not (without_answer and error.may_pass and number < ATTEMPTS_WITHOUT_ANSWER):
                raise
            log.info("ledger_retries", error=error.fault)
    return attempt()
