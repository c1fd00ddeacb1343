"""An import applied in the background and taken back: what it changed comes back, what others changed since stays."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest

from accounts import audit, cards, passwords, people
from accounts.ledger import chart
from accounts.ledger.chart import AccountError
from accounts.people import changes
from accounts.people_import import records
from accounts.people_import.importer import RowOutcome
from accounts.people_import.mapped_list import ColumnChoice
from accounts.people_import.runs import PLAN_KEPT_FOR, ColumnsMissingError, ImportRunningError, ImportRuns
from accounts.people_import.tables import ImportState
from accounts.people_import.undo import ImportTooOldError, ImportUndoneError
from accounts.tables import Person
from accounts.vocabulary import PersonKind, PersonState
from database import new_id
from tests.accounts.conftest import Campus
from tests.databases import ON_SQLITE
from tests.waiting import PATIENCE_S
from web.problems import NotFoundError

LIST = "学号,姓名,类别,院系,组,状态,身份证号\n"


@dataclass
class Desk:
    """Somebody who imports lists."""

    campus: Campus
    runs: ImportRuns
    by: UUID

    def send(self, rows: str) -> UUID:
        now = self.campus.clock.now
        waiting = self.runs.keep(self.by, "list.csv", (LIST + rows).encode(), now=now)
        made = self.runs.apply(waiting, now=now)
        self.runs.join(PATIENCE_S)
        return made

    def undo(self, import_id: UUID) -> dict[str, str | None]:
        self.campus.clock.forward(minutes=10)
        self.runs.undo(import_id, by=f"person:{self.by}", acting=self.by, now=self.campus.clock.now)
        self.runs.join(PATIENCE_S)
        with self.campus.database.read() as session:
            assert records.get(session, import_id).state == ImportState.UNDONE
            return {row.number: row.undo for row in records.find_rows(session, import_id)}

    def find(self, number: str) -> Person | None:
        with self.campus.database.read() as session:
            return people.by_number(session, number)


@pytest.fixture
def desk(campus: Campus) -> Iterator[Desk]:
    made = Desk(campus, campus.services.people_imports, campus.person(number="admin", kind=PersonKind.STAFF).id)
    yield made
    made.runs.join(PATIENCE_S)


def test_all_of_it_comes_back(desk: Desk) -> None:
    stored = desk.campus.person(number="20", name="旧名", department="物理", groups=frozenset({"a", "b"}))
    made = desk.send("10,新人,学生,数学,a,,11010120080101129X\n20,新名,教师,化学,c,停用,\n30,,,,,,\n")
    with desk.campus.database.read() as session:
        found = records.get(session, made)
        assert (found.state, found.created, found.updated, found.invalid) == (ImportState.DONE, 1, 1, 1)
        new = people.by_number(session, "10")
        assert new is not None
        assert not passwords.find_missing(session, new.id)
        since = changes.latest(session)
    assert desk.undo(made) == {"10": "removed", "20": "restored", "30": None}
    assert desk.find("10") is None
    back = desk.find("20")
    assert back is not None
    assert (back.name, back.kind, back.department, back.groups, back.state) == (
        stored.name,
        stored.kind,
        stored.department,
        stored.groups,
        PersonState.ACTIVE,
    )
    with desk.campus.database.read() as session:
        assert {one.person_id for one in changes.since(session, since)} == {new.id, stored.id}, "gates hear of both"
        assert audit.verify(session).intact
        with pytest.raises(AccountError):
            chart.account(session, new.id)
    again = desk.send("10,新人,学生,数学,a,,\n")
    with desk.campus.database.read() as session:
        assert records.get(session, again).created == 1, "the number is free again"


def test_what_happened_since_stays_and_is_told(desk: Desk) -> None:
    for number in ("20", "21", "22"):
        desk.campus.person(number=number, department="物理")
    rows = "".join(f"{number},人,学生,化学,,,\n" for number in ("10", "11", "12", "20", "21", "22"))
    made = desk.send(rows)
    carded, moneyed, changed = (desk.find(number) for number in ("10", "11", "20"))
    assert carded is not None
    assert moneyed is not None
    assert changed is not None
    desk.campus.card(carded)
    desk.campus.money(moneyed.id, 500)
    with desk.campus.database.begin() as session:
        person = people.get(session, changed.id)
        given = people.Particulars(
            number="20", name="人", kind=PersonKind.STUDENT, department="生物", valid_from=person.valid_from
        )
        people.update(session, person, given, by="system", now=desk.campus.clock.now)
        left = people.by_number(session, "21")
        assert left is not None
        people.set_state(session, left, PersonState.CLOSED, by="system", now=desk.campus.clock.now)
    assert desk.undo(made) == {
        "10": "changed_since",
        "11": "in_use",
        "12": "removed",
        "20": "changed_since",
        "21": "restored",
        "22": "restored",
    }
    kept = desk.find("20")
    assert kept is not None
    assert kept.department == "生物"
    with desk.campus.database.read() as session:
        assert cards.physical_card(session, carded.id) is not None


def test_first_passwords_of_people_who_were_there_go_again(desk: Desk) -> None:
    stored = desk.campus.person(number="20")
    made = desk.send("20,,,,,,11010120080101129X\n")
    assert desk.undo(made) == {"20": "restored"}
    with desk.campus.database.read() as session:
        assert len(passwords.find_missing(session, stored.id)) == 3


def test_a_day_later_nothing_is_undone(desk: Desk) -> None:
    made = desk.send("10,人,学生,,,,\n")
    desk.campus.clock.forward(days=1)
    with pytest.raises(ImportTooOldError):
        desk.undo(made)
    desk.campus.clock.now -= timedelta(hours=1)
    assert desk.undo(made) == {"10": "removed"}
    with pytest.raises(ImportUndoneError):
        desk.undo(made)


def test_a_list_waits_for_its_sender_alone_and_an_hour(desk: Desk) -> None:
    now = desk.campus.clock.now
    waiting = desk.runs.keep(desk.by, "list.csv", b"x,y\n1,2\n", now=now)
    with pytest.raises(ColumnsMissingError):
        desk.runs.preview(waiting, now=now)
    with pytest.raises(NotFoundError):
        desk.runs.waiting(waiting.id, new_id(), now=now)
    with pytest.raises(NotFoundError):
        desk.runs.waiting(waiting.id, desk.by, now=now + timedelta(hours=1))


def test_a_list_is_planned_once_for_all_that_is_shown_of_it(desk: Desk) -> None:
    now = desk.campus.clock.now
    waiting = desk.runs.keep(desk.by, "list.csv", (LIST + "10,人,学生,,,,\n").encode(), now=now)
    first = desk.runs.preview(waiting, now=now)
    desk.campus.person(number="10", name="人")
    assert desk.runs.preview(waiting, now=now + timedelta(minutes=1)) is first
    fresh = desk.runs.preview(waiting, now=now + PLAN_KEPT_FOR)
    assert [one.results[0].outcome for one in (first, fresh)] == [RowOutcome.CREATED, RowOutcome.UNCHANGED]
    without_kind = ColumnChoice({name: waiting.choice.columns[name] for name in ("number", "name")}, {})
    other = desk.runs.preview(desk.runs.choose(waiting, without_kind), now=now + PLAN_KEPT_FOR)
    assert other is not fresh


def test_one_import_runs_at_a_time(desk: Desk) -> None:
    now = desk.campus.clock.now
    first, second = (desk.runs.keep(desk.by, "a.csv", (LIST + "1,a,学生,,,,\n").encode(), now=now) for _ in range(2))
    made = desk.runs.apply(first, now=now)
    if desk.runs.progress(made) is not None:
        with pytest.raises(ImportRunningError):
            desk.runs.apply(second, now=now)
    desk.runs.join(PATIENCE_S)
    assert desk.runs.progress(made) is None


def test_rows_are_kept_for_some_days(desk: Desk) -> None:
    made = desk.send("1,a,学生,,,,\n")
    with desk.campus.database.begin() as session:
        records.forget(session, desk.campus.clock.now + timedelta(days=6))
        assert len(records.find_rows(session, made)) == 1
        records.forget(session, desk.campus.clock.now + timedelta(days=8))
        assert len(records.find_rows(session, made)) == 0
        assert records.get(session, made).created == 1


@ON_SQLITE
def test_three_thousand_people_come_in_a_few_seconds(desk: Desk) -> None:
    made = desk.send("".join(f"2026{number:04},人{number},学生,数学,a,,\n" for number in range(3000)))
    with desk.campus.database.read() as session:
        assert records.get(session, made).created == 3000
