"""Databases that are missing, empty, damaged or not to be written: one line that says what to do, and nothing made."""

import os
from pathlib import Path

import pytest

from campusgate.settings import Settings
from campusgate.wiring.database import DatabaseUnusableError, open_server_database
from database.migrate import read_revision
from tests.command_line import run
from tests.databases import begin
from tests.keys import key_text

READING = [
    ("audit", "verify"),
    ("gates", "list"),
    ("devices", "list"),
    ("people", "grant", "1", "admin"),
    ("clock", "show"),
]


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "CAMPUSGATE_DATA_DIR": str(folder), "CAMPUSGATE_CREDENTIAL_KEY": key_text("credentials")}


@pytest.mark.parametrize("command", READING)
def test_no_command_begins_a_campus(tmp_path: Path, command: tuple[str, ...]) -> None:
    folder = tmp_path / "nowhere"
    answer = run(*command, environment=environment(folder))
    assert answer.returncode == 2
    assert f"there is no database at {folder / 'campusgate.db'}" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert not folder.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is an empty file"),
        (b"\x00" * 4096, "is no SQLite database, or it is damaged"),
        (b"SQLite format 3\x00" + b"\xff" * 8192, "damaged"),
    ],
)
@pytest.mark.parametrize("command", READING[:2])
def test_a_file_that_is_no_database_is_one_line_and_stays_as_it_is(
    tmp_path: Path, content: bytes, said: str, command: tuple[str, ...]
) -> None:
    file = tmp_path / "campusgate.db"
    file.write_bytes(content)
    answer = run(*command, environment=environment(tmp_path))
    assert answer.returncode == 2
    assert said in answer.stderr
    assert str(file) in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert file.read_bytes() == content
    with pytest.raises(DatabaseUnusableError, match=said), open_server_database(Settings(data_dir=tmp_path)):
        pass
    assert file.read_bytes() == content


def test_a_page_in_the_middle_that_was_overwritten_keeps_the_server_from_starting(tmp_path: Path) -> None:
    begin(tmp_path)
    file = tmp_path / "campusgate.db"
    with file.open("r+b") as held:
        held.seek(file.stat().st_size // 2)
        held.write(b"\xff" * 8192)
    with (
        pytest.raises(DatabaseUnusableError, match=r"damaged|malformed"),
        open_server_database(Settings(data_dir=tmp_path)),
    ):
        pass


def test_the_server_begins_a_campus_where_there_was_none(tmp_path: Path) -> None:
    with open_server_database(Settings(data_dir=tmp_path / "new")) as database:
        assert read_revision(database) is not None
    database.close()


def test_the_server_begins_no_new_campus_in_the_place_of_one_that_is_gone(tmp_path: Path) -> None:
    record = tmp_path / "record"
    record.mkdir()
    (record / "trail.jsonl").write_text('{"serial":1}\n')
    with (
        pytest.raises(DatabaseUnusableError, match="campusgate restore"),
        open_server_database(Settings(data_dir=tmp_path)),
    ):
        pass


def test_a_command_says_which_database_it_works_on(tmp_path: Path) -> None:
    begin(tmp_path)
    listed = run("gates", "list", environment=environment(tmp_path))
    assert (listed.returncode, listed.stderr) == (0, f"database: {tmp_path / 'campusgate.db'}\n")
    verified = run("audit", "verify", environment=environment(tmp_path))
    assert f"database: {tmp_path / 'campusgate.db'}\n" in verified.stdout
