"""Jobs and the clock: a wrong time erases nothing and closes no day, and the alarm says so."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from accounts.tables import ProviderAttempt
from campusgate.processes.jobs import server_jobs
from campusgate.processes.jobs.schedule import Job, run_jobs
from campusgate.settings import Settings
from database import Database, DatabaseBusyError, StorageError
from messages import Availability, Health, ProcessStatus
from operations import clock_guard
from operations.alarms import register
from operations.alarms.watch import AlarmWatch
from operations.board import Board
from operations.clock_guard import ClockGuard
from operations.server_clock import ClockDoubt
from tests.waiting import PATIENCE_S, until

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class Machine:
    """A machine whose clocks stand in the test's hands."""

    def __init__(self, database: Database) -> None:
        self.database, self.board = database, Board()
        self.at, self.elapsed = NOW, 1000.0
        self.guard = self.start()

    def start(self) -> ClockGuard:
        self.guard = ClockGuard(self.database, self.board, now=lambda: self.at, elapsed=lambda: self.elapsed)
        return self.guard

    def later(self, time: timedelta, *, jump: timedelta = timedelta()) -> ClockDoubt | None:
        self.at += time + jump
        self.elapsed += time.total_seconds()
        return self.guard.doubt()


@pytest.fixture
def machine(database: Database) -> Machine:
    return Machine(database)


@pytest.fixture
def working(machine: Machine, database: Database) -> Iterator[tuple[list[datetime], threading.Thread]]:
    """All the server's jobs on their thread, as often as they can, and one that only tells the time it is given."""
    told: list[datetime] = []
    attempt = ProviderAttempt(provider="oidc", state_digest=bytes(32), nonce="n", verifier="v", expires_at=NOW + DAY)
    with database.begin() as session:
        session.add(attempt)
    everything = [
        Job(one.name, timedelta(0), one.do, by_age=one.by_age)
        for one in server_jobs.make_housekeeping_jobs(database, None, Settings())  # type: ignore[arg-type]
        if one.name != "credit stranded top-ups"
    ]
    stop = threading.Event()
    work = [*everything, Job("tell the time", timedelta(0), told.append)]
    thread = threading.Thread(target=run_jobs, args=(work, stop, machine.guard), daemon=True)
    machine.guard.doubt()
    yield told, thread
    stop.set()
    thread.join(PATIENCE_S)


def attempts(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(ProviderAttempt)) or 0


@pytest.fixture(autouse=True)
def _at_once(monkeypatch) -> None:
    monkeypatch.setattr("campusgate.processes.jobs.schedule._POLL_S", 0.001)


def test_a_wrong_time_erases_nothing_and_the_right_one_goes_on(machine, working, database) -> None:
    told, thread = working
    assert machine.later(timedelta(seconds=1), jump=400 * DAY) is ClockDoubt.AHEAD
    thread.start()
    until(lambda: len(told) >= 3)
    assert attempts(database) == 1
    assert max(told) < NOW + DAY, "what goes on goes by the earlier time"
    with database.begin() as session:
        clock_guard.confirm(session, by="person:admin", now=machine.at)
    until(lambda: attempts(database) == 0)


def test_what_waits_is_everything_that_erases_ends_or_closes_by_age(database) -> None:
    everything = [
        *server_jobs.make_housekeeping_jobs(database, None, Settings()),
        *server_jobs.make_day_end_jobs(database, Settings()),
    ]
    waiting = {one.name for one in everything if one.by_age}
    assert waiting >= {
        "expire holds", "close past days", "erase photos", "tidy the accounts", "forget passages", "forget nonces",
        "forget counters", "forget receipts", "forget removals",
    }  # fmt: skip


def test_the_time_on_record_outlives_a_restart(machine) -> None:
    assert machine.guard.doubt() is None
    machine.start()
    assert machine.later(timedelta(), jump=3 * DAY) is ClockDoubt.AHEAD
    machine.start()
    assert machine.guard.doubt() is ClockDoubt.AHEAD, "and starting again does not help a wrong clock"
    assert machine.later(timedelta(seconds=5), jump=-3 * DAY) is None


def test_gates_that_were_up_all_the_while_end_the_doubt_after_a_long_downtime(machine) -> None:
    machine.guard.doubt()
    machine.start()
    assert machine.later(timedelta(), jump=5 * DAY) is ClockDoubt.AHEAD
    machine.later(timedelta(minutes=11))
    online = Availability(gate="north", status=ProcessStatus.ONLINE, boot_id="00000000-0000-4000-8000-000000000000")
    machine.board.availability(online, source="controller", heard_at=machine.at)
    figures = {"clock_steady_s": (6 * DAY).total_seconds()}
    machine.board.health(Health(gate="north", source="controller", at=machine.at, figures=figures), heard_at=machine.at)
    assert machine.guard.doubt() is None


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StorageError("unreachable"), {"event": "job_waits_for_database", "log_level": "warning"}),
        (DatabaseBusyError(), {"event": "job_waits_for_database", "log_level": "warning"}),
        (ValueError("a fault of ours"), {"event": "job_failed", "log_level": "error"}),
    ],
)
def test_a_database_that_is_away_is_a_sentence_and_a_fault_of_ours_a_trace(machine, error: Exception, told) -> None:
    stop, done = threading.Event(), list[str]()

    def fail(_now: datetime) -> None:
        done.append("failed")
        raise error

    def end(_now: datetime) -> None:
        stop.set()

    with capture_logs() as logged:
        run_jobs([Job("first", DAY, fail), Job("second", DAY, end)], stop, machine.guard)
    assert done == ["failed"]
    (line,) = [one for one in logged if one.get("job") == "first"]
    assert {name: line[name] for name in told} == told
    assert ("exc_info" in line) == (told["event"] == "job_failed")


def test_an_old_database_without_a_time_on_record(machine, database) -> None:
    with database.begin() as session:
        clock_guard.audit.record(session, actor="person:x", action="test", subject="test:1", now=NOW)
    assert machine.later(timedelta(), jump=3 * DAY) is None, (
        "nothing was written for some days, and the time may be right"
    )
    other = Machine(database)
    with database.begin() as session:
        session.delete(session.get_one(clock_guard.ServerClockRecord, 1))
    assert other.later(timedelta(), jump=400 * DAY) is ClockDoubt.AHEAD


def test_the_doubt_is_an_alarm_that_ends_with_it(machine, database) -> None:
    watch = AlarmWatch(database, machine.board, lambda: True, clock_doubt=machine.guard.doubt, now=lambda: machine.at)
    machine.guard.doubt()

    def alarms() -> list[tuple[str, str | None]]:
        watch.update()
        with database.read() as session:
            return [(one.kind, one.reason) for one in register.open_alarms(session)]

    machine.later(timedelta(seconds=1), jump=400 * DAY)
    assert alarms() == [("server_clock", "ahead")]
    machine.later(timedelta(seconds=1), jump=-400 * DAY)
    assert alarms() == []
