"""`campusgate people`, `cards`, `zones`, `passes`, `events`, `alarms`: what the pages do, from a shell, and audited."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from access.policy import GatePolicy
from accounts import people
from accounts.tables import AuditEntry
from database import Database, new_id
from directory import gates
from messages import Event, EventKind
from operations import event_store
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


def test_a_password_that_nobody_gives_is_not_taken_for_the_old_one(environment) -> None:
    ask(environment, "people", "add", "a0001", "王工")
    said = run("people", "password", "a0001", environment=environment)
    assert said.returncode == 2
    assert "no password was given" in said.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("people", "add", "!", "Nobody"), "number: 1 to 32"),
        (("people", "add", "A1", "Somebody", "--kind", "king"), "choose one of"),
        (("people", "show", "A9"), "no person with the number A9"),
        (("events", "--person", "A9"), "no person with the number A9"),
        (("events", "--kind", "dance"), "kinds are"),
        (("zones", "put", "The Hall"), "names no zone"),
        (("zones", "inside", "hall"), "there is no zone"),
        (("zones", "remove", "hall"), "there is no zone"),
        (("passes", "give", "A9", "--gate", "north", "--until", "2999-01-01 08:00"), "no person with the number A9"),
        (("passes", "end", str(UUID(int=1))), "no such pass"),
        (("alarms", "acknowledge", str(UUID(int=1)), "seen", "--by", "A9"), "no person with the number A9"),
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


def test_an_alarm_is_acknowledged_in_the_name_of_somebody_who_may(environment, tmp_path) -> None:
    database, at = Database(f"sqlite:///{tmp_path / 'campusgate.db'}"), datetime(2026, 9, 7, 8, tzinfo=UTC)
    with database.begin() as session:
        register.apply(session, [Signal("north", AlarmKind.FORCED, at, raises=True)], now=at)
    database.close()
    (alarm,) = ask(environment, "alarms")
    ask(environment, "people", "add", "A1", "Somebody")
    given = ("alarms", "acknowledge", alarm["id"], "a wedge in the door", "--by", "A1")
    refused = run(*given, environment=environment)
    assert (refused.returncode, "neither of the roles" in refused.stderr) == (2, True)
    run("people", "grant", "A1", "facilities", environment=environment)
    done = run(*given, environment=environment)
    assert done.stdout.startswith("north  forced"), done.stderr
    assert ask(environment, "alarms", "--all")[0]["acknowledged_at"] is not None
    assert "alarm.acknowledge" in actions(tmp_path)


def test_a_visitor_gets_a_pass_that_is_listed_shown_and_ended(environment, tmp_path) -> None:
    run("gates", "add", "north", "--group", "residents", environment=environment)
    ask(environment, "people", "add", "V1", "李访客", "--kind", "visitor")
    until = datetime.now(UTC) + timedelta(days=2)
    given = ("passes", "give", "V1", "--gate", "north", "--until", f"{until:%Y-%m-%dT%H:%M}")
    (made,) = ask(environment, *given)
    assert (made["gates"], made["state"]) == (["north"], "valid")
    assert len(made["code"]) >= 6
    (listed,) = ask(environment, "passes", "list")
    assert (listed["id"], "code" in listed) == (made["id"], False)
    shown = ask(environment, "people", "show", "V1")
    assert (shown["kind"], shown["cards"], len(shown["passes"])) == ("visitor", [], 1)
    assert ask(environment, "passes", "end", made["id"])[0]["state"] == "ended"
    assert ask(environment, "passes", "list") == []
    trail = actions(tmp_path)
    assert {"pass.issue", "passes.read", "person.read", "pass.end"} <= set(trail)
    assert made["code"] not in str(trail)


def test_who_is_inside_a_zone_and_what_happened_at_its_gate(environment, tmp_path) -> None:
    assert run("zones", "put", "hall", "--title", "大厅", environment=environment).returncode == 0
    assert ask(environment, "zones", "list") == [{"zone": "hall", "title": "大厅", "inside": 0, "limit": None}]
    ask(environment, "people", "add", "A1", "Somebody")
    database, now = Database(f"sqlite:///{tmp_path / 'campusgate.db'}"), datetime.now(UTC)
    with database.begin() as session:
        person = people.by_number(session, "A1")
        policy = GatePolicy(gate="north", inner_zone="hall", direction="entry")
        gates.add(session, policy, title="North", by="test", now=now)
        event = Event(
            id=new_id(), gate="north", kind=EventKind.ACCESS_GRANTED, at=now, source="controller", person_id=person.id
        )
        event_store.record(session, [event], received_at=now)
    database.close()
    (inside,) = ask(environment, "zones", "inside", "hall")
    assert (inside["number"], inside["gate"]) == ("A1", "north")
    (found,) = ask(environment, "events", "--person", "A1")
    assert (found["kind"], found["gate"]) == ("access_granted", "north")
    assert ask(environment, "events", "--kind", "access_denied") == []
    assert {"muster.read", "events.read"} <= set(actions(tmp_path))
    assert run("zones", "remove", "hall", environment=environment).returncode == 2
