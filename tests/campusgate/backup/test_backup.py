"""A backup of each database, made while somebody writes, and restored into an empty one."""

import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from accounts import audit, cards, devices, passwords, people
from accounts.audit.trail_copy import TrailCopy
from accounts.cards import loss
from accounts.tables import Card, Device, Password, Person, SignIn
from accounts.vocabulary import CardState, DeviceRole, PasswordPurpose, PersonKind, PersonState, Role
from campusgate.backup.backup import back_up
from campusgate.backup.file import BackupError
from campusgate.backup.rehearsal import rehearse
from campusgate.backup.restore import restore
from database import Database, Sealer
from database.migrate import upgrade
from directory import gates
from directory import people as gate_people
from directory.tables import GatePerson, ZonePassageState
from enrollment import consent, gate_photos, templates
from enrollment.tables import (
    Consent,
    ConsentPurpose,
    PhotoImage,
    PhotoRecord,
    PhotoSlot,
    PhotoSource,
    PhotoState,
    TemplateRecord,
)
from models.template import Template
from tests.databases import CREDENTIAL_KEY, begin, made_database

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
LATER, MUCH_LATER = NOW + timedelta(hours=1), NOW + timedelta(days=1)
SEALER = Sealer(bytes(32))


@pytest.fixture(scope="module")
def upgraded(postgresql_url: str) -> Iterator[str]:
    """The name of a PostgreSQL database after every revision, to be copied."""
    with made_database(postgresql_url) as database:
        upgrade(database)
        database.close()
        yield str(database.url.database)


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database as a server leaves it, with a person in it."""
    if request.param == "sqlite":
        begin(tmp_path)
        database = Database(f"sqlite:///{tmp_path / 'campusgate.db'}", credential_key=CREDENTIAL_KEY)
        enrol(database, "S1")
        yield database
        database.close()
        return
    url, template = request.getfixturevalue("postgresql_url"), request.getfixturevalue("upgraded")
    with made_database(url, template=template) as database:
        enrol(database, "S1")
        yield database


@pytest.fixture
def empty(server: Database, tmp_path: Path, request: pytest.FixtureRequest):
    if server.is_sqlite:
        database = Database(f"sqlite:///{tmp_path / 'new.db'}", credential_key=CREDENTIAL_KEY)
        yield database
        database.close()
    else:
        with made_database(request.getfixturevalue("postgresql_url")) as database:
            yield database


def enrol(database: Database, number: str) -> None:
    particulars = people.Particulars(number=number, name="made up", kind=PersonKind.STUDENT, valid_from=NOW)
    with database.begin() as session:
        people.create(session, particulars, by=audit.SYSTEM, now=NOW)


def numbers(database: Database) -> set[str]:
    with database.read() as session:
        return {person.number for person in session.query(Person)}


def test_what_was_there_comes_back_and_its_trail_is_intact(server: Database, empty: Database, tmp_path: Path) -> None:
    file, stop = tmp_path / "campus.backup", threading.Event()

    def write() -> None:
        number = 2
        while not stop.is_set():
            enrol(server, f"S{number}")
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    made = back_up(server, file)
    stop.set()
    writer.join()
    assert (made.intact, made.trail_lines > 0, stat.S_IMODE(file.stat().st_mode)) == (True, True, 0o600)
    left = sorted(path.name for path in tmp_path.glob("campus.backup*"))
    assert left == ["campus.backup", "campus.backup.manifest.json"]
    back = restore(empty, file, TrailCopy(tmp_path / "record"), NOW)
    assert (back.intact, back.schema, back.sha256) == (True, made.schema, made.sha256)
    assert {"S1"} <= numbers(empty) <= numbers(server)
    enrol(empty, "later")


def test_nothing_is_overwritten(server: Database, tmp_path: Path) -> None:
    file = tmp_path / "campus.backup"
    back_up(server, file)
    with pytest.raises(BackupError, match="exists already"):
        back_up(server, file)
    with pytest.raises(BackupError, match="not empty"):
        restore(server, file, TrailCopy(tmp_path / "record"), NOW)


def test_gates_fetch_the_passages_of_their_zones_anew(server: Database, empty: Database, tmp_path: Path) -> None:
    """What follows the backup is counted again, by the numbers that gates know other passages by."""
    file = tmp_path / "campus.backup"
    with server.begin() as session:
        gates.put_zone(session, "hall", site="main", title="Hall", by=audit.SYSTEM, now=NOW)
        session.add(ZonePassageState(zone="hall", revision=5, floor=2))
    back_up(server, file)
    restore(empty, file, TrailCopy(tmp_path / "record"), NOW)
    with empty.read() as session:
        state = session.get_one(ZonePassageState, "hall")
        assert (state.floor > 1_000_000, state.revision - state.floor) == (True, 3)


def test_a_changed_trail_is_told(server: Database, tmp_path: Path) -> None:
    with server.engine.begin() as connection:
        if server.is_sqlite:
            for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        connection.execute(text("UPDATE audit SET actor = 'nobody' WHERE serial = 1"))
    assert not back_up(server, tmp_path / "campus.backup").intact


@pytest.mark.parametrize(
    ("content", "complaint"), [(b"hello", "is no backup"), (b"PGDMP...", "is a backup of postgres")]
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    file = tmp_path / "other"
    file.write_bytes(content)
    database = Database(f"sqlite:///{tmp_path / 'new.db'}", credential_key=CREDENTIAL_KEY)
    copy = TrailCopy(tmp_path / "record")
    with pytest.raises(BackupError, match=complaint):
        restore(database, file, copy, NOW)
    with pytest.raises(BackupError, match="cannot be read"):
        restore(database, tmp_path / "nowhere", copy, NOW)
    database.close()


class Campus:
    """A person with everything that can be taken away, in a database as a server leaves it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.begin() as session:
            person = session.query(Person).filter_by(number="S1").one()
            self.person = person.id
            consent.give(session, person.id, "1", {}, present="1", by="test", now=NOW)
            template = Template("model", np.eye(1, 4, dtype=np.float32)[0])
            templates.store(session, SEALER, person.id, template, at=NOW)
            photo = PhotoRecord(person_id=person.id, state="approved", digest="0" * 64, uploaded_at=NOW)
            session.add(photo)
            session.flush()
            session.add(PhotoImage(photo_id=photo.id, sealed=b"a face"))
            self.card = cards.issue(session, person, "04A1B2C3", key_number=None, by="test", now=NOW).id
            till, _token = devices.add(session, name="till", role=DeviceRole.TERMINAL, by="test", now=NOW)
            self.device = till.id
            people.set_roles(session, person, {Role.ADMIN, Role.CASHIER}, by="test", now=NOW)
            self.store_password(session, "first")
            gate_people.set_pin(session, person.id, "7305", credential_key=CREDENTIAL_KEY, by="test", now=NOW)
            session.add(SignIn(person_id=person.id, method="password", started_at=NOW, ends_at=NOW, generation=0))
            self.found = people.create(session, other("S8"), by="test", now=NOW).id
            self.gone = people.create(session, other("S9"), by="test", now=NOW).id

    def store_password(self, session: Session, word: str) -> None:
        hashed = {PasswordPurpose.PORTAL: f"hash of {word}"}
        passwords.store(session, self.person, hashed, must_change=False, by="test", now=NOW)

    def take_away(self) -> None:
        with self.database.begin() as session:
            person = session.get_one(Person, self.person)
            consent.withdraw(session, person.id, by="test", now=LATER)
            loss.report(session, person, through="app", by="test", now=LATER)
            devices.rotate(session, session.get_one(Device, self.device), by="test", now=LATER)
            people.set_roles(session, person, {Role.CASHIER}, by="test", now=LATER)
            self.store_password(session, "second")
            gate_people.set_pin(session, person.id, None, credential_key=CREDENTIAL_KEY, by="test", now=LATER)
            for state in (PersonState.SUSPENDED, PersonState.ACTIVE):
                people.set_state(session, people.get(session, self.found), state, by="test", now=LATER)
            people.set_state(session, people.get(session, self.gone), PersonState.CLOSED, by="test", now=LATER)


def other(number: str) -> people.Particulars:
    return people.Particulars(number=number, name="made up", kind=PersonKind.STUDENT, valid_from=NOW)


def test_what_was_withdrawn_after_the_backup_does_not_come_back(
    server: Database, empty: Database, tmp_path: Path
) -> None:
    campus, copy, file = Campus(server), TrailCopy(tmp_path / "record"), tmp_path / "campus.backup"
    copy.follow(server)
    back_up(server, file)
    campus.take_away()
    copy.follow(server)
    done = restore(empty, file, copy, MUCH_LATER)
    assert (done.intact, done.copy_fits) == (True, True)
    with empty.read() as session:
        assert consent.find_current(session, campus.person) is None
        assert [one.sealed for one in session.query(TemplateRecord)] == [None]
        assert [one.state for one in session.query(PhotoRecord)] == ["withdrawn"]
        assert session.query(PhotoImage).count() == 0
        assert session.get_one(Card, campus.card).state is CardState.LOST
        assert session.get_one(Device, campus.device).revoked_at is not None
        assert session.get_one(Person, campus.person).roles == {Role.HOLDER, Role.CASHIER}
        assert session.query(Password).count() == 0
        assert session.get_one(GatePerson, campus.person).pin_digest is None
        assert [one.revoked_at for one in session.query(SignIn)] == [MUCH_LATER]
        assert session.get_one(Person, campus.found).state is PersonState.ACTIVE
        assert session.get_one(Person, campus.gone).state is PersonState.CLOSED
    with empty.read() as session:
        assert audit.verify(session).intact
    assert copy.follow(empty) == 0, "a new copy goes on with the restored trail"
    assert len(list(copy.folder.glob("trail-*.jsonl"))) == 1


def test_a_photo_that_a_gate_took_does_not_come_back_after_its_consent_was_withdrawn(
    server: Database, empty: Database, tmp_path: Path
) -> None:
    campus, copy, file = Campus(server), TrailCopy(tmp_path / "record"), tmp_path / "campus.backup"
    with server.begin() as session:
        given = {"person_id": campus.person, "version": "1", "given_at": NOW, "evidence": {}}
        session.add(Consent(purpose=ConsentPurpose.GATE_PHOTO, **given))
        report = {"gate": {"where": "north"}}
        second = PhotoRecord(
            person_id=campus.person,
            slot=PhotoSlot.SECOND,
            source=PhotoSource.GATE,
            state=PhotoState.APPROVED,
            digest="1" * 64,
            report=report,
            uploaded_at=NOW,
        )
        session.add(second)
        session.flush()
        template = Template("model", np.eye(1, 4, k=1, dtype=np.float32)[0])
        taken = templates.store(session, SEALER, campus.person, template, at=NOW, photo_id=second.id)
        session.add(PhotoImage(photo_id=second.id, sealed=b"a face at a gate"))
        photo = second.id
    copy.follow(server)
    back_up(server, file)
    with server.begin() as session:
        assert gate_photos.withdraw_consent(session, campus.person, by="test", now=LATER) == 1
    copy.follow(server)
    restore(empty, file, copy, MUCH_LATER)
    with empty.read() as session:
        assert consent.find_current(session, campus.person, ConsentPurpose.GATE_PHOTO) is None
        gone = session.get_one(PhotoRecord, photo)
        assert (gone.state, gone.report) == (PhotoState.WITHDRAWN, None)
        assert session.get_one(TemplateRecord, taken).sealed is None
        assert session.get(PhotoImage, photo) is None
        assert consent.find_current(session, campus.person) is not None, "the other consent stands"
        left = session.query(TemplateRecord).filter(TemplateRecord.sealed.is_not(None)).one()
        assert left.id != taken, "and so does the first photo's template"


def test_what_was_given_again_after_a_restore_stays_at_the_next(server: Database, tmp_path: Path) -> None:
    if not server.is_sqlite:
        pytest.skip("what is asked is the same on both")
    campus, copy, first = Campus(server), TrailCopy(tmp_path / "record"), tmp_path / "first.backup"
    back_up(server, first)
    campus.take_away()
    copy.follow(server)
    second, third = (
        Database(f"sqlite:///{tmp_path / name}", credential_key=CREDENTIAL_KEY) for name in ("second.db", "third.db")
    )
    restore(second, first, copy, MUCH_LATER)
    with second.begin() as session:
        campus.store_password(session, "third")
    copy.follow(second)
    again = tmp_path / "second.backup"
    back_up(second, again)
    restore(third, again, copy, MUCH_LATER + timedelta(days=1))
    with third.read() as session:
        assert session.query(Password).one().hash == "hash of third"
    second.close()
    third.close()


def test_a_restore_that_is_tried_changes_nothing_and_says_what_would_be(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    begin(tmp_path / "data")
    server = Database(f"sqlite:///{tmp_path / 'data/campusgate.db'}", credential_key=CREDENTIAL_KEY)
    enrol(server, "S1")
    campus, copy, file = Campus(server), TrailCopy(tmp_path / "record"), tmp_path / "campus.backup"
    copy.follow(server)
    made = back_up(server, file)
    campus.take_away()
    copy.follow(server)

    def state() -> tuple[set[Path], bytes, tuple[int, str]]:
        with server.read() as session:
            return set(tmp_path.rglob("*")), copy.path.read_bytes(), audit.head(session)

    before = state()
    given = {"credential_key": CREDENTIAL_KEY, "scratch": tmp_path}
    tried = rehearse(server, file, copy.folder, MUCH_LATER, **given)
    assert (tried.intact, tried.restored_head, tried.copy_fits) == (True, made.trail_head, True)
    assert tried.replayed is not None
    assert tried.replayed["consent.withdraw"] == 1
    assert state() == before
    server.close()


def test_a_backup_that_the_copy_does_not_know_is_told(server: Database, empty: Database, tmp_path: Path) -> None:
    file = tmp_path / "campus.backup"
    back_up(server, file)
    done = restore(empty, file, TrailCopy(tmp_path / "another"), NOW)
    assert (done.copy_fits, done.missing) == (False, 0)


def test_a_backup_that_was_copied_in_part_is_refused_before_anything_is_written(
    server: Database, empty: Database, tmp_path: Path
) -> None:
    file, copy = tmp_path / "campus.backup", TrailCopy(tmp_path / "record")
    made = back_up(server, file)
    whole, manifest = file.read_bytes(), Path(made.manifest)
    assert stat.S_IMODE(manifest.stat().st_mode) == 0o600
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackupError, match="changed, or copied in part"):
        restore(empty, file, copy, NOW)
    file.write_bytes(whole)
    manifest.unlink()
    with pytest.raises(BackupError, match="--without-manifest"):
        restore(empty, file, copy, NOW)
    assert inspect(empty.engine).get_table_names() == []
    assert restore(empty, file, copy, NOW, without_manifest=True).intact
