"""Lists of people: read, compared, imported, on each database and on the command line."""

import json
import os
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from accounts import passwords, people
from accounts.people_import.importer import Importer, RowOutcome
from accounts.people_import.people_list import ListedPerson, PeopleListError, Unreadable, parse, read
from accounts.tables import AuditEntry, PersonChange
from accounts.vocabulary import PersonKind, PersonState, Role
from tests import command_line
from tests.databases import begin

ZONE = ZoneInfo("Asia/Shanghai")
HEADER = "number,name,kind,department,groups,valid_from,valid_until,state,national_id\n"


@pytest.fixture
def csv(tmp_path):
    def write(text, name="list.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_text(text, encoding=encoding)
        return path

    return write


@pytest.fixture
def importer(campus):
    services = campus.services
    return Importer(campus.database, services.hasher, services.first_passwords, "system")


def outcomes(results):
    return [result.outcome.value for result in results]


def test_dates_are_days_of_the_campus_and_the_last_one_counts(csv):
    (row,) = read(csv(HEADER + "1,李华,student,物理,a; b,2026-09-01,2030-06-30,,\n"), ZONE)
    assert isinstance(row, ListedPerson)
    assert row.given["valid_from"] == datetime(2026, 8, 31, 16, tzinfo=UTC)
    assert row.given["valid_until"] == datetime(2030, 6, 30, 16, tzinfo=UTC)
    assert row.given["groups"] == {"a", "b"}


def test_a_spreadsheets_byte_order_mark_is_no_column(csv):
    (row,) = read(csv(HEADER + "1,李华,student\n", encoding="utf-8-sig"), ZONE)
    assert isinstance(row, ListedPerson)


@pytest.mark.parametrize(
    ("text", "name", "what"),
    [
        ("", "a.csv", "`number`"),
        ("name,kind\n", "a.csv", "`number`"),
        ("number,shoe size\n", "a.csv", "'shoe size'"),
        ("{}", "a.json", "list of objects"),
        ("[1]", "a.json", "list of objects"),
        ("[", "a.json", "not JSON"),
        ("x", "a.xlsx", ".csv, .txt or .json"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_what_to_mend(csv, text, name, what):
    with pytest.raises(PeopleListError, match=what):
        read(csv(text, name), ZONE)


def test_a_missing_file_and_a_wrong_encoding_are_said(csv, tmp_path):
    with pytest.raises(PeopleListError, match="No such file"):
        read(tmp_path / "nothing.csv", ZONE)
    (tmp_path / "broken.csv").write_bytes(HEADER.encode() + b"1,\xff\xff,student\n")
    with pytest.raises(PeopleListError, match="UTF-8"):
        read(tmp_path / "broken.csv", ZONE)


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        ({"name": "x"}, "number"),
        ({"number": "1", "kind": "dog"}, "kind"),
        ({"number": "1", "valid_until": "tomorrow"}, "valid_until"),
        ({"number": "1", "valid_from": "2026-09-01T08:00"}, "zone"),
        ({"number": "1", "groups": [1]}, "groups"),
        ({"number": "1", "state": "gone"}, "state"),
        ({"number": "1", "name": 5}, "name"),
    ],
)
def test_a_row_that_cannot_be_read_says_why(raw, what):
    row = parse(7, raw, ZONE)
    assert isinstance(row, Unreadable)
    assert what in row.why


def test_a_number_that_comes_twice_is_used_once(csv):
    rows = read(csv(HEADER + "1,a,student\n2,b,student\n1,c,student\n"), ZONE)
    assert [isinstance(row, ListedPerson) for row in rows] == [True, True, False]
    assert rows[2].why == "number: stands in line 2 already"


def test_a_second_run_changes_nothing(campus, importer, csv):
    rows = read(csv(HEADER + "1,李华,student,物理,a;b,,2030-06-30,,11010120080101129x\n2,王芳,staff\n"), ZONE)
    assert outcomes(importer.run(rows, now=campus.clock.now)) == ["created", "created"]

    def lines():
        with campus.database.read() as session:
            return [session.scalar(select(func.count()).select_from(table)) for table in (AuditEntry, PersonChange)]

    before = lines()
    campus.clock.forward(days=3)
    assert outcomes(importer.run(rows, now=campus.clock.now)) == ["unchanged", "unchanged"]
    assert lines() == before


def test_a_dry_run_shows_the_difference_and_writes_nothing(campus, importer):
    first = [parse(2, {"number": "1", "name": "李华", "kind": "student", "groups": ["a"]}, ZONE)]
    importer.run(first, now=campus.clock.now)
    changed = [
        parse(2, {"number": "1", "groups": "a;b", "state": "suspended"}, ZONE),
        parse(3, {"number": "2", "name": "王芳", "kind": "staff"}, ZONE),
        parse(4, {"number": "3"}, ZONE),
        parse(5, {"number": "1 2", "name": "x", "kind": "staff"}, ZONE),
    ]
    dry = importer.run(changed, now=campus.clock.now, dry_run=True)
    assert outcomes(dry) == ["updated", "created", "invalid", "invalid"]
    assert dry[0].differences == {
        "groups": (frozenset({"a"}), frozenset({"a", "b"})),
        "state": (PersonState.ACTIVE, PersonState.SUSPENDED),
    }
    assert dry[2].why == "name: a new person needs one"
    with campus.database.read() as session:
        assert people.by_number(session, "1").groups == {"a"}
        assert people.by_number(session, "2") is None
    assert outcomes(importer.run(changed, now=campus.clock.now)) == outcomes(dry)
    with campus.database.read() as session:
        person = people.by_number(session, "1")
        assert (person.groups, person.state, person.name) == ({"a", "b"}, PersonState.SUSPENDED, "李华")


def test_a_column_that_is_missing_leaves_what_is_stored_and_a_dash_empties_it(campus, importer, csv):
    importer.run(read(csv(HEADER + "1,李华,student,物理,a,,2030-06-30\n"), ZONE), now=campus.clock.now)
    importer.run(read(csv("number,department,groups\n1,,\n"), ZONE), now=campus.clock.now)
    with campus.database.read() as session:
        person = people.by_number(session, "1")
        assert (person.department, person.groups, person.kind) == ("物理", {"a"}, PersonKind.STUDENT)
    importer.run(read(csv("number,department,groups,valid_until\n1,-,-,-\n"), ZONE), now=campus.clock.now)
    with campus.database.read() as session:
        person = people.by_number(session, "1")
        assert (person.department, person.groups, person.valid_until) == ("", frozenset(), None)


def test_a_password_of_the_holders_own_is_never_set_back(campus, importer):
    row = [parse(2, {"number": "1", "name": "n", "kind": "student", "national_id": "110101200801011230"}, ZONE)]
    (result,) = importer.run(row, now=campus.clock.now)
    assert result.first_passwords
    with campus.database.read() as session:
        person_id = people.by_number(session, "1").id
    campus.passwords(person_id, portal="my own sentence")
    (again,) = importer.run(row, now=campus.clock.now)
    assert (again.outcome, again.first_passwords) == (RowOutcome.UNCHANGED, False)
    form = {"grant_type": "password", "username": "1", "password": "my own sentence"}
    assert campus.client.post("/api/v1/tokens", data=form).status_code == 200


def test_only_the_passwords_that_are_missing_are_set(campus, importer):
    person = campus.person(number="1")
    campus.passwords(person.id, portal="my own sentence")
    row = [parse(2, {"number": "1", "national_id": "110101200801011230"}, ZONE)]
    (result,) = importer.run(row, now=campus.clock.now)
    assert (result.outcome, result.first_passwords) == (RowOutcome.UPDATED, True)
    with campus.database.read() as session:
        assert passwords.find_missing(session, person.id) == frozenset()
    form = {"grant_type": "password", "username": "1", "password": "my own sentence"}
    assert campus.client.post("/api/v1/tokens", data=form).json()["must_change_password"] is False


def test_a_killed_import_is_finished_by_the_next(campus, importer):
    rows = [parse(n, {"number": str(n), "name": "n", "kind": "student"}, ZONE) for n in range(450)]

    def die(done, total):
        if done >= 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        importer.run(rows, now=campus.clock.now, progress=die)
    results = outcomes(importer.run(rows, now=campus.clock.now))
    assert (results.count("unchanged"), results.count("created")) == (200, 250)


def test_the_registry_imports_over_http(campus):
    admin = campus.as_role(Role.ADMIN)
    rows = [
        {"number": "1", "name": "李华", "kind": "student", "groups": ["a"], "valid_until": "2030-06-30"},
        {"number": "2", "kind": "staff"},
        {"number": "1", "name": "again"},
    ]

    def send(**query):
        answer = campus.client.post("/api/v1/people/import", json={"rows": rows}, params=query, headers=admin)
        assert answer.status_code == 200, answer.text
        return [(row["outcome"], row["why"]) for row in answer.json()["rows"]]

    first = [("created", ""), ("invalid", "name: a new person needs one")]
    again = ("invalid", "number: stands in line 1 already")
    assert send(dry_run=True) == send() == [*first, again]
    assert send() == [("unchanged", ""), first[1], again]
    rows[0] = {"number": "1", "groups": ["b"]}
    changed = campus.client.post("/api/v1/people/import", json={"rows": rows}, headers=admin).json()["rows"][0]
    assert changed["differences"] == {"groups": [["a"], ["b"]]}


@pytest.fixture
def campusgate(tmp_path):
    begin(tmp_path / "data")

    def run(*arguments, stdin=""):
        environment = os.environ | {"CAMPUSGATE_DATA_DIR": str(tmp_path / "data"), "CAMPUSGATE_CONFIG": ""}
        return command_line.run(*arguments, environment=environment, stdin=stdin)

    return run


def test_the_command_line_imports_and_the_trail_is_verified_and_tampering_named(campusgate, csv, tmp_path):
    path = csv(HEADER + "1,李华,student,,,,,,11010120080101129x\n2,王芳,staff\n,,\n3,x,dog\n")
    dry = campusgate("people", "import", path, "--dry-run", "--json")
    assert (dry.returncode, json.loads(dry.stdout)["counts"]) == (
        1,
        {"created": 2, "updated": 0, "unchanged": 0, "invalid": 1},
    )
    real = campusgate("people", "import", path)
    assert "2 created" in real.stdout
    assert "line 5: 3: kind: one of student, staff, visitor" in real.stdout
    assert campusgate("gates", "add", "north").returncode == 0
    token = campusgate("devices", "add", "eye", "edge", "--gate", "north", "--json")
    assert json.loads(token.stdout)["token"].startswith("cgd_")
    assert campusgate("people", "grant", "2", "admin").returncode == 0
    assert campusgate("people", "password", "2", stdin="a long sentence\n").returncode == 0
    good = campusgate("audit", "verify", "--json")
    assert good.returncode == 0, good.stderr
    found = json.loads(good.stdout)
    assert found["intact"]
    assert found["trail"]["lines"] == 7
    assert campusgate("audit", "verify", "--trail-head", found["trail"]["head"]).returncode == 0
    assert campusgate("audit", "verify", "--trail-head", "ab" * 32).returncode == 1

    import sqlite3

    with sqlite3.connect(tmp_path / "data" / "campusgate.db") as connection:
        connection.execute("DROP TRIGGER IF EXISTS audit_no_update")
        connection.execute("UPDATE audit SET actor = 'nobody' WHERE serial = 4")
    connection.close()
    bad = campusgate("audit", "verify")
    assert bad.returncode == 1
    assert "audit trail: BROKEN at line 4" in bad.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["people", "import", "nothing.csv"], "there is no file or folder nothing.csv"),
        (["people", "grant", "404", "admin"], "no person with the number 404"),
        (["people", "grant", "404", "king"], "roles are"),
        (["devices", "add", "eye", "edge"], "needs the gate"),
        (["devices", "add", "eye", "dog"], "role: "),
        (["devices", "rotate", "eye"], "no device named eye"),
        (["audit", "verify", "--trail-head", "x"], "64 hexadecimal digits"),
        (["audit", "verify", "--journal-head", "x"], "NUMBER:DIGEST"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(campusgate, arguments, message):
    answer = campusgate(*arguments)
    assert answer.returncode == 2
    assert message in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
