"""The audit trail cannot be changed unseen; the change feed is in order and misses nothing."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from accounts import audit
from accounts.people import changes
from accounts.vocabulary import Role
from database import new_id
from tests.waiting import PATIENCE_S

TRIGGERS = {
    "sqlite": ["DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete"],
    "postgresql": ["DROP TRIGGER audit_inserts_only ON audit"],
}


@pytest.fixture
def trail(campus):
    for _ in range(5):
        campus.person()
    return campus


def without_triggers(database):
    with database.engine.begin() as connection:
        for statement in TRIGGERS[connection.dialect.name]:
            connection.exec_driver_sql(statement)


def verify(campus, **options):
    with campus.database.read() as session:
        return audit.verify(session, **options)


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x' WHERE serial = 2", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_change_the_trail(trail, statement):
    with pytest.raises(DBAPIError, match="inserts only"), trail.database.begin() as session:
        session.execute(text(statement))
    assert verify(trail).intact


@pytest.mark.parametrize(
    ("statement", "first_broken"),
    [
        ("UPDATE audit SET actor = 'person:somebody else' WHERE serial = 3", 3),
        ("UPDATE audit SET details = '{}' WHERE serial = 1", 1),
        ("UPDATE audit SET at = '2026-09-01 04:00:01+00:00' WHERE serial = 4", 4),
        ("DELETE FROM audit WHERE serial = 2", 2),
        ("UPDATE audit SET serial = 99 WHERE serial = 5", 5),
    ],
)
def test_a_changed_line_is_named(trail, statement, first_broken):
    assert (verify(trail).lines, verify(trail).first_broken) == (5, None)
    without_triggers(trail.database)
    with trail.database.begin() as session:
        session.execute(text(statement.replace("details = '{}'", "details = '[]'")))
    found = verify(trail)
    assert (found.intact, found.first_broken) == (False, first_broken)


def test_removed_last_lines_are_found_by_a_head_noted_earlier(trail):
    head = verify(trail).head
    trail.person()
    assert verify(trail, heads=[head]).intact
    without_triggers(trail.database)
    with trail.database.begin() as session:
        session.execute(text("DELETE FROM audit WHERE serial >= 5"))
    assert verify(trail).intact, "the chain alone cannot tell"
    assert not verify(trail, heads=[head]).intact


def test_the_trail_holds_no_names_and_no_numbers(campus):
    person = campus.person(name="欧阳娜娜", number="X777123")
    campus.card(person, "04A1B2C3D4E580")
    with campus.database.read() as session:
        stored = " ".join(str(line) for line in session.execute(text("SELECT * FROM audit")))
    for word in ("欧阳娜娜", "X777123", "04A1B2C3"):
        assert word not in stored


def test_the_administration_reads_the_trail_newest_first(trail):
    headers = trail.as_role(Role.ADMIN)
    first = trail.client.get("/api/v1/audit", params={"limit": 3}, headers=headers).json()
    rest = trail.client.get("/api/v1/audit", params={"limit": 3, "cursor": first["next"]}, headers=headers).json()
    assert [line["serial"] for line in first["items"] + rest["items"]] == [5, 4, 3, 2, 1]
    assert rest["next"] is None
    subject = first["items"][0]["subject"]
    one = trail.client.get("/api/v1/audit", params={"subject": subject}, headers=headers).json()
    assert [line["serial"] for line in one["items"]] == [5]


def test_a_change_is_seen_only_with_its_transaction(campus):
    person_id = new_id()
    with pytest.raises(ZeroDivisionError), campus.database.begin() as session:
        changes.record(session, person_id)
        raise ZeroDivisionError
    with campus.database.read() as session:
        assert changes.since(session, 0) == []
        assert changes.latest(session) == 0


def test_a_reader_never_passes_a_slower_writer(campus):
    """A writer that took its number first commits first, so a reader that has seen a number has seen all before."""
    if campus.database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    slow, fast = new_id(), new_id()
    started, finish, done = threading.Event(), threading.Event(), threading.Event()

    def write_slowly():
        with campus.database.begin() as session:
            changes.record(session, slow)
            started.set()
            finish.wait(PATIENCE_S)

    def write_fast():
        started.wait(PATIENCE_S)
        with campus.database.begin() as session:
            changes.record(session, fast)
        done.set()

    threads = [threading.Thread(target=write_slowly), threading.Thread(target=write_fast)]
    for thread in threads:
        thread.start()
    started.wait(PATIENCE_S)
    assert not done.wait(0.3), "the fast writer waits for the slow one"
    with campus.database.read() as session:
        assert changes.since(session, 0) == []
    finish.set()
    for thread in threads:
        thread.join(10)
    with campus.database.read() as session:
        assert [change.person_id for change in changes.since(session, 0)] == [slow, fast]


def test_parallel_writers_leave_one_unbroken_chain(campus):
    def write(_):
        for _ in range(10):
            with campus.database.begin() as session:
                audit.record(session, actor="system", action="test", subject="x:1", now=campus.clock.now)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    found = verify(campus)
    assert (found.lines, found.intact) == (40, True)


def test_old_changes_are_forgotten_but_never_the_newest(campus):
    people = [campus.person().id for _ in range(3)]
    with campus.database.begin() as session:
        newest = changes.latest(session)
        assert changes.forget(session, campus.clock.now.replace(year=2999)) == 2
        assert changes.latest(session) == newest
        changes.record(session, people[0])
        assert changes.latest(session) == newest + 1
