"""`campusgate people`, `cards` and `alarms`: what the pages do, from a shell, and in the audit trail as theirs."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from accounts.tables import AuditEntry
from database import Database
from operations.alarms import register
from operations.alarms.rules import AlarmKind, Signal
from tests.command_line import run
from tests.databases import begin
from tests.keys import key_text


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    begin(tmp_path)
    return {"CAMPUSGATE_DATA_DIR": str(tmp_path), "CAMPUSGATE_CREDENTIAL_KEY": key_text("credential")}


def ask(environment: dict[str, str], *arguments: str) -> Any:
    done = run(*arguments, "--json", environment=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def actions(tmp_path) -> list[str]:
    database = Database(f"sqlite:///{tmp_path / 'campusgate.db'}")
    with database.read() as session:
        found = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.serial)))
    database.close()
    return found


def test_somebody_is_added_and_found(environment, tmp_path) -> None:
    added = ask(environment, "people", "add", "a0001", "王工", "--group", "residents")
    assert set(added) == {"id", "number"}
    listed = ask(environment, "people", "list", "王")
    assert [(one["name"], one["kind"], one["state"]) for one in listed] == [("王工", "staff", "active")]
    assert ask(environment, "people", "list", "--group", "guests") == []
    assert actions(tmp_path).count("people.read") == 2
    again = run("people", "add", "a0001", "王工", environment=environment)
    assert again.returncode == 2
    assert len(again.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("people", "add", "!", "Nobody"), "number: 1 to 32"),
        (("people", "add", "A1", "Somebody", "--kind", "king"), "choose one of"),
        (("cards", "list", "A9"), "no person with the number A9"),
        (("cards", "lose", "A9"), "no person with the number A9"),
    ],
)
def test_what_cannot_be_is_one_line(environment, arguments: tuple[str, ...], says: str) -> None:
    done = run(*arguments, environment=environment)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_card_is_issued_and_lost(environment, tmp_path) -> None:
    ask(environment, "people", "add", "A1", "Somebody")
    assert [one["state"] for one in ask(environment, "cards", "issue", "A1", "04A1B2C3D4E580")] == ["active"]
    second = run("cards", "issue", "A1", "04A1B2C3D4E581", environment=environment)
    assert second.returncode == 2
    assert [one["state"] for one in ask(environment, "cards", "lose", "A1")] == ["lost"]
    assert [one["kind"] for one in ask(environment, "cards", "list", "A1")] == ["physical"]
    trail = actions(tmp_path)
    assert "card.issue" in trail
    assert trail[-1] == "cards.read"
    printed = run("cards", "list", "A1", environment=environment).stdout
    assert "physical  lost" in printed
    assert "04A1B2C3D4E580" not in printed


def test_open_alarms_are_listed_and_others_on_request(environment, tmp_path) -> None:
    database, at = Database(f"sqlite:///{tmp_path / 'campusgate.db'}"), datetime(2026, 9, 7, 8, tzinfo=UTC)
    with database.begin() as session:
        signals = [Signal(gate, AlarmKind.FORCED, at, raises=True) for gate in ("north", "south")]
        register.apply(session, signals, now=at)
    database.close()
    assert {one["gate"] for one in ask(environment, "alarms")} == {"north", "south"}
    assert [one["kind"] for one in ask(environment, "alarms", "--gate", "north")] == ["forced"]
    assert len(ask(environment, "alarms", "--all", "--limit", "1")) == 1
    assert "north  forced  open" in run("alarms", environment=environment).stdout
