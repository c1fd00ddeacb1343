"""The administration of gates over HTTP, and what a member of the facilities staff can ask."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from access.snapshot import TIME_HEADER
from accounts.vocabulary import DeviceRole, Role
from directory.tables import GateRecord
from tests.databases import ON_BOTH, ON_SQLITE
from tests.directory.conftest import STAFF

pytestmark = ON_SQLITE


ROOT = "/api/v1/directory"


@pytest.fixture
def ask(campus, facilities):
    """Ask as facilities staff; returns the status and the body."""

    def ask(method: str, path: str, body=None, **given):
        ticket = campus.tickets.issue(STAFF, "pass" if path.startswith("/passes") else "gate")
        headers = facilities | {"Door-Ticket": ticket.token}
        answer = campus.client.request(method, ROOT + path, json=body, headers=headers, **given)
        return answer.status_code, answer.json() if answer.content else None

    return ask


def policy(gate: str = "north", **fields) -> dict:
    return {"title": "North gate", "policy": {"gate": gate, "rules": [{"group": "students"}]} | fields}


def test_a_gate_is_added_changed_and_removed(ask, campus) -> None:
    assert ask("POST", "/gates", policy())[0] == 201
    assert ask("POST", "/gates", policy())[1]["code"] == "gate_name_taken"
    campus.publisher.publish()
    status, gate = ask("GET", "/gates/north")
    assert (status, gate["revision"], gate["policy"]["mode"]) == (200, 1, "face_or_card")
    status, gate = ask("PUT", "/gates/north", policy(mode="card_and_pin"))
    assert (status, gate["policy"]["mode"]) == (200, "card_and_pin")
    assert campus.publisher.publish() == {"north": 2}
    status, gate = ask("POST", "/gates/north/rules", {"group": "teachers"})
    assert [rule["group"] for rule in gate["policy"]["rules"]] == ["students", "teachers"]
    assert ask("GET", "/gates")[1]["items"] == [gate]
    assert ask("DELETE", "/gates/north")[0] == 204
    assert ask("GET", "/gates/north")[1]["code"] == "not_found"


@ON_BOTH
def test_people_do_not_wait_behind_a_rush_of_gates(campus, facilities) -> None:
    campus.gate("main")
    campus.publisher.publish()
    gate = {"Authorization": f"Bearer {campus.token('main')}"}
    turns = campus.client.app.state.directory.turns

    async def rush() -> tuple[list[int], int]:
        transport = httpx.ASGITransport(campus.client.app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://server{ROOT}") as client:
            held = 0
            while not turns.locked():
                await turns.acquire()
                held += 1
            waiting = [asyncio.create_task(client.get("/gates/main/changes", headers=gate)) for _ in range(50)]
            person = await client.get("/gates", headers=facilities)
            assert not any(task.done() for task in waiting), "the gates wait for their turn"
            for _ in range(held):
                turns.release()
            return [answer.status_code for answer in await asyncio.gather(*waiting)], person.status_code

    assert asyncio.run(rush()) == ([200] * 50, 200)


def test_a_removed_gates_device_is_refused(ask, campus) -> None:
    ask("POST", "/gates", policy())
    campus.person("students", face=1)
    campus.publisher.publish()
    replica = campus.replica("north")
    sync = campus.sync(replica)
    sync.run_once()
    ask("DELETE", "/gates/north")
    with pytest.raises(Exception, match="not_found"):
        sync.run_once()
    campus.publisher.publish()


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/gates", policy(inner_zone="nowhere"), "unknown_zone"),
        ("/gates", policy(mode="face", face_free_gate="nowhere"), "unknown_face_free_gate"),
        ("/gates", policy(mode="face"), "invalid_request"),
        ("/gates", policy(kind="wet_room"), "invalid_request"),
        ("/gates", policy("Not A Name"), "invalid_request"),
        ("/gates", policy(surprise=1), "invalid_request"),
        ("/gates/main/rules", {"group": "students", "schedule": "nights"}, "impossible_policy"),
        ("/gates/nowhere/rules", {"group": "students"}, "not_found"),
        ("/gates/nowhere/dry-run", {"person_id": str(uuid4())}, "not_found"),
        ("/gates/main/dry-run", {"person_id": str(uuid4())}, "directory_not_published"),
    ],
)
def test_what_cannot_hold_is_refused_with_its_code(ask, campus, path: str, body, code: str) -> None:
    campus.gate("main")
    assert ask("POST", path, body)[1]["code"] == code


def test_a_gate_for_faces_only_needs_one_that_takes_cards(ask) -> None:
    ask("POST", "/gates", policy("side"))
    assert ask("POST", "/gates", policy(mode="face", face_free_gate="side"))[0] == 201
    assert ask("DELETE", "/gates/side")[1]["code"] == "gate_in_use"


@ON_BOTH
def test_zones_are_kept_while_gates_lead_there(ask) -> None:
    assert ask("PUT", "/zones/campus", {"site": "main", "title": "Campus"})[0] == 200
    assert ask("POST", "/gates", policy(inner_zone="campus"))[0] == 201
    assert ask("GET", "/zones")[1] == [{"name": "campus", "site": "main", "title": "Campus"}]
    assert ask("DELETE", "/zones/campus")[1]["code"] == "zone_in_use"
    ask("DELETE", "/gates/north")
    assert ask("DELETE", "/zones/campus")[0] == 204
    assert ask("DELETE", "/zones/campus")[1]["code"] == "not_found"


@pytest.mark.parametrize(
    ("shown", "hour", "expected"),
    [
        ("face", 12, (True, "granted")),
        ("card", 12, (True, "granted")),
        ("code", 12, (False, "unknown_credential")),
        ("face", 23, (False, "outside_schedule")),
    ],
)
def test_why_not_is_answered_by_the_gates_own_decision(ask, campus, shown: str, hour: int, expected) -> None:
    day = {"name": "day", "windows": [{"start": "06:00", "end": "23:00"}]}
    ask("POST", "/gates", policy(rules=[{"group": "students", "schedule": "day"}], schedules=[day]))
    person = campus.person("students", face=1, card="04A31B72")
    campus.publisher.publish()
    at = f"2026-09-01T{hour:02}:30:00+08:00"
    status, answer = ask("POST", "/gates/north/dry-run", {"person_id": str(person), "at": at, "shown": shown})
    assert status == 200
    assert (answer["granted"], answer["reason"]) == expected
    assert answer["known_by"] == ["card", "face"]
    assert answer["groups"] == ["students"]


def test_why_not_says_when_the_gate_does_not_know_the_person(ask, campus) -> None:
    campus.gate("main", "teachers")
    person = campus.person("students", face=1)
    campus.publisher.publish()
    _, answer = ask("POST", "/gates/main/dry-run", {"person_id": str(person)})
    assert (answer["granted"], answer["reason"], answer["in_directory"]) == (False, "unknown_face", False)


@ON_BOTH
def test_a_pass_is_issued_with_a_code_that_is_shown_once(ask, campus) -> None:
    campus.gate("main")
    visitor = campus.person(kind="visitor")
    now = campus.clock.now
    wanted = {
        "person_id": str(visitor),
        "gates": ["main"],
        "valid_from": now.isoformat(),
        "valid_until": (now + timedelta(hours=4)).isoformat(),
    }
    status, issued = ask("POST", "/passes", wanted)
    assert status == 201
    assert len(issued["code"]) == 10
    assert any(letter > "F" for letter in issued["code"]), "no reader takes it for a card's number"
    listed = ask("GET", f"/passes?person_id={visitor}")[1]["items"]
    assert [one["id"] for one in listed] == [issued["id"]]
    assert "code" not in listed[0]
    campus.publisher.publish()
    answer = ask("POST", "/gates/main/dry-run", {"person_id": str(visitor), "shown": "code"})[1]
    assert answer["granted"]
    assert ask("POST", f"/passes/{issued['id']}/end")[1]["ended_at"] is not None
    campus.publisher.publish()
    answer = ask("POST", "/gates/main/dry-run", {"person_id": str(visitor), "shown": "code"})[1]
    assert (answer["granted"], answer["in_directory"]) == (False, False)
    for change, code in (
        ({"valid_until": (now + timedelta(days=60)).isoformat()}, "pass_period"),
        ({"valid_until": now.isoformat()}, "pass_period"),
        ({"gates": ["nowhere"]}, "not_found"),
        ({"person_id": str(uuid4())}, "not_found"),
    ):
        assert ask("POST", "/passes", wanted | change)[1]["code"] == code


def test_a_code_for_keypads_without_letters(campus, ask) -> None:
    campus.gate("main")
    now = campus.clock.now
    wanted = {
        "person_id": str(campus.person(kind="visitor")),
        "gates": ["main"],
        "valid_from": now.isoformat(),
        "valid_until": (now + timedelta(hours=4)).isoformat(),
        "digits_only": True,
    }
    code = ask("POST", "/passes", wanted)[1]["code"]
    assert len(code) == 10
    assert code.isdigit()


@ON_BOTH
@pytest.mark.parametrize(("pin", "status"), [("7305", 204), (None, 204), ("1234", 422), ("0000", 422), ("73", 422)])
def test_a_person_chooses_a_pin_that_is_not_the_first_one_tried(campus, pin, status: int) -> None:
    person = campus.person("students")
    answer = campus.client.put(f"{ROOT}/me/pin", json={"pin": pin}, headers=campus.as_role(person_id=person))
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/gates"), ("POST", "/gates"), ("GET", "/lags"), ("POST", "/gates/main/dry-run"), ("POST", "/passes")],
)
def test_only_facilities_staff_administer(campus, method: str, path: str) -> None:
    holder = campus.as_role(Role.HOLDER)
    device = {"Authorization": f"Bearer {campus.token('main', DeviceRole.EDGE)}"}
    assert campus.client.request(method, ROOT + path, headers=holder).status_code == 403
    assert campus.client.request(method, ROOT + path, headers=device).status_code == 401
    assert campus.client.request(method, ROOT + path).status_code == 401


@pytest.mark.parametrize(
    "query", ["since=-1", "since=99999999999999999999", "limit=0", "limit=5001", "view=everything", "since=x"]
)
def test_a_feed_asked_for_nonsense_says_so(campus, query: str) -> None:
    campus.gate("main")
    device = {"Authorization": f"Bearer {campus.token('main')}"}
    answer = campus.client.get(f"{ROOT}/gates/main/changes?{query}", headers=device)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("believed", [True, False])
def test_a_gate_is_told_the_servers_time_where_the_server_believes_it(campus, believed: bool) -> None:
    campus.gate("main")
    campus.publisher.publish()
    state = campus.client.app.state
    state.directory = replace(state.directory, clock_believed=lambda: believed)
    device = {"Authorization": f"Bearer {campus.token('main')}"}
    answer = campus.client.get(f"{ROOT}/gates/main/changes", headers=device)
    assert answer.headers.get(TIME_HEADER) == (campus.clock.now.isoformat() if believed else None)


def test_a_new_gate_is_not_served_before_it_is_published(campus) -> None:
    campus.gate("main")
    device = {"Authorization": f"Bearer {campus.token('main')}"}
    answer = campus.client.get(f"{ROOT}/gates/main/changes", headers=device)
    assert (answer.status_code, answer.json()["code"]) == (503, "directory_not_published")
    with campus.database.read() as session:
        assert session.get_one(GateRecord, "main").is_dirty
