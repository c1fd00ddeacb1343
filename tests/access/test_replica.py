"""The replica: equal to the server's directory whatever happens, or known not to be."""

import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.replica import ModelMismatchError, Replica, ReplicaError, ReplicaLockedError
from access.templates import pack_vector, unpack_vectors
from database.sealing import Sealer
from tests.access.pages import POLICY, Directory, entry, person_id

NOW = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)


def synchronise(directory: Directory, replica: Replica, limit: int = 100) -> None:
    for _ in range(200):
        page = directory.page(replica, limit)
        if replica.apply(page, NOW):
            return
    pytest.fail("never in step")


def assert_equal(replica: Replica, directory: Directory) -> None:
    """Everything a gate can ask of the replica is answered from the directory."""
    assert replica.revision == directory.revision
    assert replica.count() == len(directory.people)
    for person, expected in directory.people.items():
        assert replica.person(person) == expected
        for credential in expected.credentials:
            found = replica.by_credential("card", credential.digest)
            assert found is not None
    gallery = replica.gallery()
    assert gallery.revision == directory.revision
    rows = {person: unpack_vectors(one.templates) for person, one in directory.people.items() if one.templates}
    assert sorted(gallery.person_ids) == sorted(rows)
    for person, row in zip(gallery.person_ids, gallery.matrix, strict=True):
        np.testing.assert_array_equal(row, rows[person][0])


def test_an_empty_directory_is_a_directory(open_replica) -> None:
    replica = open_replica()
    assert replica.synced_at is None
    assert replica.policy is None
    synchronise(Directory(), replica)
    assert replica.synced_at == NOW
    assert replica.policy == POLICY
    assert replica.gallery().matrix.shape == (0, 0)


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
def test_what_was_applied_is_there_after_a_restart(open_replica, limit: int) -> None:
    directory, replica = Directory(), open_replica()
    for number in range(10):
        directory.put(entry(number, face=number, suspended=number == 3))
    synchronise(directory, replica, limit)
    replica.close()
    reopened = open_replica()
    assert (reopened.synced_at, reopened.digest) == (NOW, directory.digest)
    assert_equal(reopened, directory)


def test_a_removed_person_is_gone_at_once_and_leaves_no_bytes(open_replica, tmp_path: Path) -> None:
    directory, replica = Directory(), open_replica()
    directory.put(entry(1, face=1))
    directory.put(entry(2, face=2))
    synchronise(directory, replica)
    assert set(replica.gallery().person_ids) == {person_id(1), person_id(2)}
    directory.remove(1)
    replica.apply(directory.page(replica), NOW)
    assert replica.gallery().person_ids == (person_id(2),)
    assert replica.person(person_id(1)) is None
    assert replica.by_credential("card", f"{1:064x}") is None
    replica.close()
    assert person_id(1).bytes not in (tmp_path / "replica.db").read_bytes()


def test_templates_are_not_readable_in_the_file(open_replica, tmp_path: Path) -> None:
    directory, replica = Directory(), open_replica()
    directory.put(entry(1, face=1))
    synchronise(directory, replica)
    template = entry(1, face=1).templates[0]
    replica.close()
    assert template not in (tmp_path / "replica.db").read_bytes()


def test_an_older_page_cannot_bring_a_removed_person_back(open_replica) -> None:
    directory, replica = Directory(), open_replica()
    directory.put(entry(1, face=1))
    old = directory.page(replica)
    synchronise(directory, replica)
    directory.remove(1)
    synchronise(directory, replica)
    with pytest.raises(ReplicaError, match="does not follow"):
        replica.apply(old, NOW)
    assert replica.gallery().person_ids == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"policy": POLICY.model_copy(update={"gate": "other"})}, "other"),
        ({"schema_version": 99}, "version 99"),
        ({"view": "cards"}, "cards"),
        ({"digest_when_complete": None}, "no digest"),
    ],
)
def test_a_page_that_is_not_for_this_gate_is_refused_whole(open_replica, change, message: str) -> None:
    directory, replica = Directory(), open_replica()
    directory.put(entry(1, face=1))
    with pytest.raises(ReplicaError, match=message):
        replica.apply(directory.page(replica).model_copy(update=change), NOW)
    assert replica.count() == 0
    assert replica.revision == 0


def test_a_directory_of_another_model_is_refused_and_the_old_one_stays(open_replica) -> None:
    directory, replica = Directory(), open_replica()
    directory.put(entry(1, face=1))
    synchronise(directory, replica)
    directory.policy = POLICY.model_copy(update={"model_id": "m-2"})
    directory.put(entry(1, face=2))
    with pytest.raises(ModelMismatchError, match="m-2"):
        replica.apply(directory.page(replica), NOW)
    assert replica.person(person_id(1)) == entry(1, face=1)


def test_an_error_in_the_middle_of_a_page_leaves_nothing_of_it(open_replica) -> None:
    directory, replica = Directory(), open_replica()
    directory.put(entry(1, face=1))
    directory.put(entry(2).model_copy(update={"templates": (b"\x01",)}))
    with pytest.raises(ReplicaError, match="cut short"):
        replica.apply(directory.page(replica), NOW)
    assert replica.count() == 0
    assert replica.gallery().person_ids == ()


def test_who_of_a_page_has_no_unit_vector_is_named(open_replica) -> None:
    directory, replica = Directory(), open_replica()
    for number in range(4):
        twice = entry(number, face=number).templates * 2
        directory.put(entry(number).model_copy(update={"templates": twice}))
    wrong = pack_vector(np.full(8, 0.5))
    directory.put(entry(2).model_copy(update={"templates": (*entry(2, face=2).templates, wrong)}))
    with pytest.raises(ReplicaError, match=f"person {person_id(2)}: a template is no unit vector"):
        replica.apply(directory.page(replica), NOW)
    assert replica.count() == 0


def test_a_difference_is_noticed_and_repaired_by_fetching_anew(open_replica) -> None:
    directory, replica = Directory(), open_replica()
    for number in range(6):
        directory.put(entry(number, face=number))
    synchronise(directory, replica)
    with replica._store.writing() as cursor:
        # One person is lost, and the sums stay as they were.
        cursor.execute("DELETE FROM entries WHERE person = ?", (person_id(2).bytes,))
        cursor.execute("UPDATE meta SET value = '1' WHERE name = 'total'")
    replica._meta.total = 1
    directory.put(entry(7, face=7))
    assert not replica.apply(directory.page(replica), NOW)
    assert len(replica.gallery().person_ids) == 7, "what is held stays in use while all is fetched anew"
    synchronise(directory, replica, limit=2)
    assert_equal(replica, directory)


def test_a_person_the_server_no_longer_knows_is_dropped_by_a_rebuild(open_replica) -> None:
    directory, replica = Directory(), open_replica()
    directory.put(entry(1, face=1))
    directory.put(entry(2, face=2))
    synchronise(directory, replica)
    del directory.rows[person_id(1)]
    replica.rebuild()
    synchronise(directory, replica, limit=1)
    assert_equal(replica, directory)


def test_a_rebuild_goes_on_after_a_restart(open_replica) -> None:
    directory, replica = Directory(), open_replica()
    for number in range(6):
        directory.put(entry(number, face=number))
    synchronise(directory, replica)
    replica.rebuild()
    replica.apply(directory.page(replica, 2), NOW)
    replica.close()
    reopened = open_replica()
    assert reopened.position.rebuilding
    assert len(reopened.gallery().person_ids) == 6
    synchronise(directory, reopened, limit=2)
    assert_equal(reopened, directory)


@pytest.mark.parametrize("damage", ["text", "cut", "empty", "bit", "other_format"])
def test_a_damaged_file_is_dropped_and_fetched_again(open_replica, tmp_path: Path, damage: str) -> None:
    directory, replica = Directory(), open_replica()
    for number in range(50):
        directory.put(entry(number, face=number))
    synchronise(directory, replica)
    replica.close()
    path = tmp_path / "replica.db"
    content = bytearray(path.read_bytes())
    if damage == "text":
        path.write_text("this is no database, though it is long enough to be looked at" * 100)
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "bit":
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE entries SET sealed = zeroblob(100) WHERE person = ?", (person_id(4).bytes,))
        connection.close()
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
    reopened = open_replica()
    assert reopened.revision == 0
    assert reopened.gallery().person_ids == ()
    synchronise(directory, reopened)
    assert_equal(reopened, directory)


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_while_a_gate_changes_its_model_every_template_stays_of_its_own(open_replica, limit: int) -> None:
    """The policy changes with the first page; whoever is still to be sent anew keeps the model they were sent with."""
    directory, replica = Directory(), open_replica(models=("m-1", "m-2"))
    for number in range(6):
        directory.put(entry(number, face=number))
    synchronise(directory, replica)
    directory.policy = POLICY.model_copy(update={"model_id": "m-2"})
    for number in range(3):
        directory.put(entry(number, face=10 + number))
    for number in range(3, 6):
        directory.put(entry(number, face=number).model_copy(update={"model_id": "m-1"}))
    while not replica.apply(directory.page(replica, limit), NOW):
        assert replica.model_id == "m-2"
        faces = {(model, person) for model, one in replica.galleries().items() for person in one.person_ids}
        anew = {number for number in range(6) if replica.person(person_id(number)).templates == face_of(number, 10)}
        assert faces == {("m-2" if number in anew else "m-1", person_id(number)) for number in range(6)}
    galleries = replica.galleries()
    assert set(galleries["m-2"].person_ids) == {person_id(number) for number in range(3)}
    assert set(galleries["m-1"].person_ids) == {person_id(number) for number in range(3, 6)}
    assert replica.person(person_id(4)).model_id == "m-1"
    replica.close()
    reopened = open_replica(models=("m-1", "m-2"))
    assert {model: set(one.person_ids) for model, one in reopened.galleries().items()} == {
        model: set(one.person_ids) for model, one in galleries.items()
    }


def face_of(number: int, shift: int = 0) -> tuple[bytes, ...]:
    return entry(number, face=number + shift).templates


def test_a_person_of_a_model_that_cannot_be_run_is_refused_with_the_whole_page(open_replica) -> None:
    directory, replica = Directory(), open_replica()
    directory.put(entry(1, face=1).model_copy(update={"model_id": "m-2"}))
    with pytest.raises(ModelMismatchError, match="templates of model m-2, this gate runs m-1"):
        replica.apply(directory.page(replica), NOW)


def test_an_entry_without_a_model_of_its_own_is_written_as_before() -> None:
    """Gates whose software knows one model only read it, and their digests are the same."""
    assert "model_id" not in entry(1, face=1).model_dump()
    assert entry(1, face=1).model_copy(update={"model_id": "m-2"}).without_templates() == entry(1)


_ENTRIES_IN_INDEX = """
ALTER TABLE entries RENAME TO later;
CREATE TABLE entries (
    person BLOB PRIMARY KEY, revision INTEGER NOT NULL, generation INTEGER NOT NULL, digest BLOB NOT NULL,
    sealed BLOB NOT NULL, model TEXT
) WITHOUT ROWID;
INSERT INTO entries SELECT * FROM later;
DROP TABLE later;
"""


@pytest.mark.parametrize("version", [1, 2])
def test_a_file_of_a_version_before_is_taken_over(open_replica, tmp_path: Path, version: int) -> None:
    directory, replica = Directory(), open_replica()
    for number in range(3):
        directory.put(entry(number, face=number))
    synchronise(directory, replica)
    replica.close()
    with sqlite3.connect(tmp_path / "replica.db") as connection:
        connection.executescript(_ENTRIES_IN_INDEX)
        if version == 1:
            connection.execute("ALTER TABLE entries DROP COLUMN model")
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    reopened = open_replica()
    assert reopened.synced_at == NOW
    assert_equal(reopened, directory)
    directory.put(entry(1, face=7))
    synchronise(directory, reopened)
    assert_equal(reopened, directory)


def test_a_gate_that_lost_the_model_of_its_directory_still_knows_the_cards(open_replica) -> None:
    directory, replica = Directory(), open_replica()
    directory.put(entry(1, face=1))
    synchronise(directory, replica)
    replica.close()
    reopened = open_replica(models=("m-2",))
    assert reopened.galleries() == {}
    assert reopened.by_credential("card", f"{1:064x}").person_id == person_id(1)


@pytest.mark.parametrize("other", [{"sealer": Sealer(b"x" * 32)}, {"gate": "north"}])
def test_a_file_of_another_key_or_gate_is_not_used(open_replica, other) -> None:
    directory, replica = Directory(), open_replica()
    directory.put(entry(1, face=1))
    synchronise(directory, replica)
    replica.close()
    assert open_replica(**other).gallery().person_ids == ()


def test_a_second_process_is_told_that_the_file_is_in_use(open_replica) -> None:
    replica = open_replica()
    with pytest.raises(ReplicaLockedError, match="replica of its own"):
        open_replica()
    replica.close()
    open_replica()


def test_of_two_people_with_one_card_number_the_active_card_counts(open_replica) -> None:
    directory, replica = Directory(), open_replica()
    returned = entry(1, card="returned")
    directory.put(returned)
    directory.put(entry(2).model_copy(update={"credentials": entry(1).credentials}))
    synchronise(directory, replica)
    found = replica.by_credential("card", f"{1:064x}")
    assert found is not None
    assert found.person_id == person_id(2)


def test_readers_see_whole_pages_while_one_is_applied(open_replica) -> None:
    directory, replica = Directory(), open_replica()
    for number in range(40):
        directory.put(entry(number, face=number))
    synchronise(directory, replica)
    wrong: list[str] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            gallery = replica.gallery()
            if len(gallery.person_ids) != len(gallery.matrix) or len(gallery.person_ids) not in {0, 40}:
                wrong.append(f"{len(gallery.person_ids)} people, {len(gallery.matrix)} rows")
            for person in gallery.person_ids[:3]:
                replica.person(person)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(5):
        for number in range(40):
            directory.remove(number)
        synchronise(directory, replica)
        for number in range(40):
            directory.put(entry(number, face=number))
        synchronise(directory, replica)
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong


steps = st.one_of(
    st.tuples(st.just("put"), st.integers(0, 7), st.integers(0, 3), st.booleans()),
    st.tuples(st.just("remove"), st.integers(0, 7)),
    st.tuples(st.just("page"), st.integers(1, 4)),
    st.tuples(st.just("killed_before_commit"), st.integers(1, 4)),
    st.tuples(st.just("restart")),
    st.tuples(st.just("rebuild")),
    st.tuples(st.just("policy"), st.booleans()),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=40))
def test_changes_kills_and_pages_in_any_order_end_in_the_same_directory(tmp_path_factory, history) -> None:
    """From any revision, by any pages, with kills and rebuilds between: a full fetch would give the same."""
    path = tmp_path_factory.mktemp("replica") / "replica.db"
    sealer = Sealer(b"s" * 32)
    directory = Directory()
    replica = Replica(path, sealer, gate="main", models=("m-1",))
    removed: set = set()
    try:
        for step, *given_ in history:
            if step == "put":
                number, face, suspended = given_
                directory.put(entry(number, face=face or None, suspended=suspended))
            elif step == "remove":
                directory.remove(*given_)
            elif step == "policy":
                directory.policy = POLICY.model_copy(update={"accepts_bare_uid": given_[0]})
                directory.revision += 1
            elif step == "page":
                page = directory.page(replica, *given_)
                replica.apply(page, NOW)
                removed = {change.person_id for change in page.changes if change.entry is None}
                assert removed.isdisjoint(replica.gallery().person_ids)
            elif step == "killed_before_commit":
                _kill_while_applying(replica, directory.page(replica, *given_))
                replica.close()
                replica = Replica(path, sealer, gate="main", models=("m-1",))
            elif step == "restart":
                replica.close()
                replica = Replica(path, sealer, gate="main", models=("m-1",))
            else:
                replica.rebuild()
        synchronise(directory, replica, limit=3)
        assert_equal(replica, directory)
        assert replica.digest == directory.digest
    finally:
        replica.close()


class _Killed(BaseException):
    pass


def _kill_while_applying(replica: Replica, page) -> None:
    """Everything is written and nothing is committed when the process dies."""

    def die(*_) -> None:
        raise _Killed

    replica._save = die
    with pytest.raises(_Killed):
        replica.apply(page, NOW)


def test_a_file_that_is_damaged_while_in_use_is_begun_anew(open_replica, tmp_path: Path) -> None:
    directory, replica = Directory(), open_replica()
    for number in range(200):
        directory.put(entry(number, face=number))
    synchronise(directory, replica)
    replica.close()
    replica = open_replica()
    path = tmp_path / "replica.db"
    # Everything after the first page turns to noise below the open connection.
    noise = np.random.default_rng(1).bytes(path.stat().st_size - 4096)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(noise)
    directory.put(entry(300, face=300))
    for number in range(200):
        directory.put(entry(number, face=number + 1))
    for _ in range(3):
        try:
            synchronise(directory, replica)
            break
        except sqlite3.DatabaseError:
            assert replica.revision == 0
            assert replica.gallery().person_ids == ()
    else:
        pytest.fail("never came back")
    assert_equal(replica, directory)
