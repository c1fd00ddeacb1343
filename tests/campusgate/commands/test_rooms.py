"""`campusgate rooms`: lists of rooms and residents."""

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from accounts import people
from accounts.people import Particulars
from accounts.vocabulary import PersonKind
from database import Database
from metering.rooms import registry, residents
from tests.command_line import run
from tests.databases import begin

ROOMS = "building,room,beds\nnorth-6,1005,4\nnorth-6,105,2\nsouth-1,1005,6\n"
NOW = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    begin(tmp_path / "data")
    return {"CAMPUSGATE_DATA_DIR": str(tmp_path / "data"), "PATH": os.environ["PATH"]}


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_rooms_of_a_list_are_added_once(environment: dict[str, str], tmp_path: Path) -> None:
    source = written(tmp_path, "rooms.csv", ROOMS)
    for more, counts in ((["--dry-run"], (3, 0)), ([], (3, 0)), ([], (0, 3))):
        done = run("rooms", "import", source, "--json", *more, environment=environment)
        assert (done.returncode, json.loads(done.stdout)["counts"]) == (
            0,
            {"added": counts[0], "unchanged": counts[1], "unreadable": 0},
        )


def test_a_line_that_describes_no_room_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    source = written(tmp_path, "rooms.csv", ROOMS + "north-6,1006.0,4\nnorth-6,1007,none\n")
    done = run("rooms", "import", source, environment=environment)
    assert done.returncode == 1
    assert done.stdout.splitlines()[:2] == ["line 5: describes no room", "line 6: describes no room"]


def test_residents_of_a_list_move_in_and_a_room_that_is_not_there_is_not_guessed(
    environment: dict[str, str], tmp_path: Path
) -> None:
    run("rooms", "import", written(tmp_path, "rooms.csv", ROOMS), environment=environment)
    database = Database(f"sqlite:///{tmp_path / 'data' / 'campusgate.db'}")
    with database.begin() as session:
        given = Particulars(number="20260001", name="王小明", kind=PersonKind.STUDENT, valid_from=NOW)
        person = people.create(session, given, by="system", now=NOW)
    rows = "number,building,room,day\n20260001,north-6,105,2026-09-01\n20260001,north-6,10,2026-09-02\n"
    done = run("rooms", "residents", written(tmp_path, "list.csv", rows), environment=environment)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == "line 3: unknown_room"
    with database.read() as session:
        found = residents.find_residence(session, person.id, date(2026, 9, 3))
        assert found is not None
        assert registry.get_room(session, found.room_id).number == "105"
    database.close()


@pytest.mark.parametrize("command", ["import", "residents"])
def test_a_list_that_cannot_be_read_is_one_line(environment: dict[str, str], tmp_path: Path, command: str) -> None:
    for source in (tmp_path / "nothing.csv", written(tmp_path, "other.csv", "a,b\n1,2\n")):
        done = run("rooms", command, source, environment=environment)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1
