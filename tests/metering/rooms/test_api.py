"""Rooms, meters and readings over HTTP: for residents, staff, and the reading process."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from accounts.vocabulary import Role
from tests.databases import ON_BOTH, ON_SQLITE
from tests.metering.dormitory import at
from tests.metering.rooms.office import Office

pytestmark = ON_SQLITE


def installed(office: Office, room_id: Any, serial: str = "A1", digits: int = 0) -> str:
    meter = office.wired_meter(serial)
    body = {"room_id": str(room_id), "at": at(0).isoformat(), "digits": digits}
    office.ask("POST", f"/meters/{meter}/installation", body, status=201)
    return meter


@ON_BOTH
def test_a_room_is_chosen_from_its_building_and_never_typed(office: Office) -> None:
    """Complaint: paid for a room that does not exist, or for the wrong one."""
    building = office.ask("POST", "/buildings", {"code": "north-6", "name": "北6"}, status=201)["id"]
    for number in ("105", "1005"):
        office.ask("POST", f"/buildings/{building}/rooms", {"number": number, "beds": 4}, status=201)
    holder = office.resident(office.dormitory.person())
    assert [one["code"] for one in office.ask("GET", "/buildings", who=holder)] == ["north-6"]
    page = office.ask("GET", f"/buildings/{building}/rooms?limit=1", who=holder)
    rest = office.ask("GET", f"/buildings/{building}/rooms?cursor={page['next']}", who=holder)
    assert [one["number"] for one in page["items"] + rest["items"]] == ["1005", "105"]
    for wrong in ("1005", "105", UUID(int=7)):
        answer = office.client.get(f"/api/v1/rooms/{wrong}/electricity?start=2026-09-01T00:00:00Z", headers=holder)
        assert answer.json()["code"] in {"invalid_request", "not_found"}
    again = {"number": "１００５", "beds": 4}
    assert office.code("POST", f"/buildings/{building}/rooms", again) == "room_taken"
    assert office.code("POST", "/buildings", {"code": "north-6", "name": "x"}) == "building_taken"


def test_a_reader_reads_its_own_lines_and_no_others(office: Office) -> None:
    meter = office.wired_meter()
    _, stranger = office.second_reader()
    plan = office.ask("GET", "/meter-reader/plan", who=office.reader)
    assert [(line["name"], [one["id"] for one in line["meters"]]) for line in plan["lines"]] == [("north-6-a", [meter])]
    assert plan["cycle_s"] == 900
    assert office.ask("GET", "/meter-reader/plan", who=stranger)["lines"] == []
    assert office.ask("GET", "/meter-reader/plan", who=office.reader)["revision"] == plan["revision"]
    answer = office.send(meter, "A1", (1, 100), who=stranger)
    assert answer["refused"] == [{"index": 0, "code": "unknown-meter"}]
    assert office.send(meter, "A1", (1, 100))["stored"] == 1
    office.wired_meter("B2")
    assert office.ask("GET", "/meter-reader/plan", who=office.reader)["revision"] != plan["revision"]


def test_a_line_is_read_by_a_meter_reader_only(office: Office) -> None:
    body = {"name": "n", "url": "tcp://h:1", "protocol": "dlt645", "device_id": str(UUID(int=3))}
    assert office.code("POST", "/meter-lines", body, status=422) == "unknown_reader"


def test_a_line_that_is_down_stands_for_its_meters_and_silent_ones_on_others_are_named(office: Office) -> None:
    silent, behind = office.wired_meter("A1"), office.wired_meter("B2", line="north-6-b")
    lines = {one["name"]: one["id"] for one in office.ask("GET", "/meter-lines")}
    since = at(1).isoformat()
    status = {
        "lines": [
            {"line": lines["north-6-b"], "is_up": False, "since": since, "silent_meters": 1},
            {"line": lines["north-6-a"], "is_up": True, "since": since},
        ],
        "meters": [
            {"meter": silent, "silent_since": since},
            {"meter": behind, "silent_since": since, "supply": "off", "status_word": 80},
        ],
    }
    _, stranger = office.second_reader()
    office.ask("POST", "/meter-reader/status", status, who=stranger, status=204)
    silence = office.ask("GET", "/meter-lines/silence")
    assert [one["name"] for one in silence["unread"]] == ["north-6-a", "north-6-b"]
    assert (silence["lines"], silence["meters"]) == ([], [])
    office.ask("POST", "/meter-reader/status", status, who=office.reader, status=204)
    silence = office.ask("GET", "/meter-lines/silence")
    assert silence["unread"] == []
    assert [one["name"] for one in silence["lines"]] == ["north-6-b"]
    assert [(one["meter"]["serial"], one["line"]) for one in silence["meters"]] == [("A1", "north-6-a")]
    status = {"lines": [], "meters": [{"meter": silent, "supply": "on"}]}
    office.ask("POST", "/meter-reader/status", status, who=office.reader, status=204)
    assert office.ask("GET", "/meter-lines/silence")["meters"] == []


def test_residents_see_their_room_as_long_as_they_live_there_and_nobody_elses(office: Office) -> None:
    """Complaint: after moving, curve and payment follow different rooms."""
    dormitory = office.dormitory
    old, new, person, mate = dormitory.room("101"), dormitory.room("102"), dormitory.person(), dormitory.person()
    for room, serial, step in ((old, "A1", 10), (new, "B2", 20)):
        meter = installed(office, room.id, serial)
        office.send(meter, serial, *((12 + 24 * day, (day + 1) * step) for day in range(10)))
    office.ask("PUT", f"/people/{mate}/residence", {"room_id": str(new.id), "day": "2026-09-01"})
    office.ask("PUT", f"/people/{person}/residence", {"room_id": str(old.id), "day": "2026-09-01"})
    office.ask("PUT", f"/people/{person}/residence", {"room_id": str(new.id), "day": "2026-09-15"})
    me = office.resident(person)
    assert office.ask("GET", "/me/residence", who=me)["room"]["number"] == "102"
    query = "electricity?start=2026-09-11T16:00:00Z&end=2026-09-18T16:00:00Z&step=day"
    before = office.ask("GET", f"/rooms/{old.id}/{query}", who=me)["series"]
    after = office.ask("GET", f"/rooms/{new.id}/{query}", who=me)["series"]
    assert [(one["start"][:10], one["wh"]) for one in before] == [(f"2026-09-{day}", 100) for day in (11, 12, 13)]
    assert [(one["start"][:10], one["wh"]) for one in after] == [(f"2026-09-{day}", 200) for day in (14, 15, 16, 17)]
    stranger = office.resident(dormitory.person())
    assert office.code("GET", f"/rooms/{new.id}/{query}", who=stranger, status=404) == "not_found"
    lines = [action for action in office.actions() if action == "electricity.read"]
    assert lines == []
    office.ask("GET", f"/rooms/{new.id}/{query}")
    assert office.actions()[0] == "electricity.read"


@ON_BOTH
def test_the_page_shows_today_until_the_last_reading_and_says_of_when_it_is(office: Office) -> None:
    """Complaint: the page shows yesterday."""
    dormitory = office.dormitory
    room, person = dormitory.room(), dormitory.person()
    meter = installed(office, room.id)
    office.send(meter, "A1", (1, 50), (12, 100), (14, 130), (14.25, 130))
    dormitory.now = at(15)
    office.staff = office.resident(dormitory.person(), Role.FACILITIES)
    office.ask("PUT", f"/people/{person}/residence", {"room_id": str(room.id), "day": "2026-09-01"})
    found = office.ask("GET", f"/rooms/{room.id}/electricity?start={_z(at(0))}&step=day", who=office.resident(person))
    assert found["known_until"] == _z(at(14.25))
    assert [(one["start"], one["end"], one["wh"]) for one in found["series"]] == [
        (_z(at(0)), _z(at(12)), 1_000),
        (_z(at(12)), _z(at(14.25)), 300),
    ]
    months = office.ask("GET", f"/rooms/{room.id}/electricity?start={_z(at(0))}&step=month")["series"]
    assert [one["wh"] for one in months] == [1_300]
    long = f"/rooms/{room.id}/electricity?start=2026-01-01T00:00:00Z&step=hour"
    assert office.code("GET", long, status=422) == "series_too_long"


@ON_BOTH
def test_a_replacement_is_one_instant_and_the_rooms_curve_goes_on(office: Office) -> None:
    room = office.dormitory.room()
    old = installed(office, room.id, digits=900_000)
    office.send(old, "A1", (10, 900_200))
    new = office.ask(
        "POST", "/meters", {"serial": "B2", "model": "dlt645-2007", "address": "000000000002"}, status=201
    )["id"]
    body = {"new_meter_id": new, "at": at(12).isoformat(), "final_digits": 900_100, "first_digits": 7}
    assert office.code("POST", f"/meters/{old}/replacement", body) == "reading_contradicted"
    office.ask("POST", f"/meters/{old}/replacement", body | {"final_digits": 900_300}, status=201)
    assert office.code("POST", f"/meters/{old}/replacement", body) == "meter_idle"
    assert office.send(new, "B2", (20, 107))["stored"] == 1
    (period,) = office.ask("GET", f"/meters/{old}/periods")
    assert (period["ends_at"], period["final_digits"], period["final_source"]) == (_z(at(12)), 900_300, "person")
    found = office.ask("GET", f"/rooms/{room.id}/electricity?start={_z(at(0))}&end={_z(at(20))}&step=month")
    assert [one["wh"] for one in found["series"]] == [4_000]
    assert [one["serial"] for one in found["meters"]] == ["B2"]
    for field_name in ("final_digits", "first_digits", "at"):
        lacking = {name: value for name, value in body.items() if name != field_name}
        assert office.code("POST", f"/meters/{old}/replacement", lacking, status=422) == "invalid_request"


def test_doubtful_readings_wait_for_a_person_who_says_why(office: Office) -> None:
    room = office.dormitory.room()
    meter = installed(office, room.id)
    assert office.send(meter, "A1", (1, 100), (2, 90_000), (3, 90_010))["in_review"] == 2
    (waiting,) = office.ask("GET", "/reading-reviews")["items"]
    assert (waiting["serial"], waiting["doubt"], waiting["readings"]) == ("A1", "implausible_step", 2)
    detail = office.ask("GET", f"/reading-reviews/{waiting['id']}")
    assert detail["before"]["digits"] == 100
    assert [one["digits"] for one in detail["doubtful"]] == [90_000, 90_010]
    path = f"/reading-reviews/{waiting['id']}/decision"
    assert office.code("POST", path, {"decision": "accept"}, status=422) == "invalid_request"
    decided = office.ask("POST", path, {"decision": "accept", "note": "kiln in the workshop"})
    assert decided["state"] == "accepted"
    assert office.code("POST", path, {"decision": "reject", "note": "no"}) == "review_decided"
    assert "reading.decide" in office.actions()
    shown = office.ask("GET", f"/meters/{meter}/readings?start={_z(at(2))}&end={_z(at(3))}")
    assert [one["digits"] for one in shown] == [90_000, 90_010]
    entry = {"at": at(4).isoformat(), "digits": 300_000}
    assert office.code("POST", f"/meters/{meter}/readings", entry) == "reading_implausible"
    office.ask("POST", f"/meters/{meter}/readings", entry | {"confirmed": True}, status=204)


def test_staff_decide_nothing_about_the_room_they_live_in(office: Office) -> None:
    dormitory = office.dormitory
    room, person = dormitory.room(), dormitory.person()
    meter = installed(office, room.id)
    office.send(meter, "A1", (1, 100), (2, 90_000))
    office.ask("PUT", f"/people/{person}/residence", {"room_id": str(room.id), "day": "2026-09-01"})
    own = office.resident(person, Role.FACILITIES)
    (waiting,) = office.ask("GET", "/reading-reviews", who=own)["items"]
    stand = {"at": at(5).isoformat(), "digits": 100}
    for path, body in (
        (f"/reading-reviews/{waiting['id']}/decision", {"decision": "reject", "note": "mine"}),
        (f"/meters/{meter}/readings", stand),
        (f"/meters/{meter}/removal", stand),
        (f"/meters/{office.wired_meter('B2')}/installation", stand | {"room_id": str(room.id)}),
    ):
        assert office.code("POST", path, body, who=own, status=403) == "own_account", path


def test_a_list_brings_people_into_their_rooms_and_guesses_none(office: Office) -> None:
    """Complaint: room 1005 read as 105."""
    dormitory = office.dormitory
    dormitory.room("1005")
    one, two = dormitory.person(), dormitory.person()
    rows = [
        {"number": "20260001", "building": "north-6", "room": "1005", "day": "2026-09-01"},
        {"number": "20260002", "building": "north-6", "room": "105", "day": "2026-09-01"},
        {"number": "29999999", "building": "north-6", "room": "1005", "day": "2026-09-01"},
    ]

    def run(**more: Any) -> list[tuple[str, str | None]]:
        return [(row["outcome"], row["why"]) for row in office.ask("POST", "/residents/import", {"rows": rows} | more)]

    refused = [("refused", "unknown_room"), ("refused", "unknown_resident")]
    assert run(dry_run=True) == [("moved", None), *refused]
    assert office.code("GET", "/me/residence", who=office.resident(one), status=404) == "not_found"
    assert run() == [("moved", None), *refused]
    assert run() == [("unchanged", None), *refused]
    assert office.ask("GET", "/me/residence", who=office.resident(one))["room"]["number"] == "1005"
    assert office.code("GET", "/me/residence", who=office.resident(two), status=404) == "not_found"


def test_a_list_lets_people_change_places_in_full_rooms_in_any_order(office: Office) -> None:
    dormitory = office.dormitory
    for number in ("101", "102", "103"):
        dormitory.room(number, beds=1)
    for _ in range(4):
        dormitory.person()

    def send(*wanted: tuple[int, str], day: str, **more: Any) -> list[str]:
        rows = [{"number": f"2026{one:04}", "building": "north-6", "room": room, "day": day} for one, room in wanted]
        return [row["why"] or row["outcome"] for row in office.ask("POST", "/residents/import", {"rows": rows} | more)]

    assert send((1, "101"), (2, "102"), (3, "103"), day="2026-09-01") == ["moved"] * 3
    swap = (1, "102"), (2, "101"), (4, "103")
    for more in ({"dry_run": True}, {}):
        assert send(*swap, day="2026-09-08", **more) == ["moved", "moved", "room_full"]
    assert send(*swap, day="2026-09-08") == ["unchanged", "unchanged", "room_full"]
    assert send((1, "103"), (3, "101"), (2, "102"), day="2026-09-09") == ["moved"] * 3


def _z(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@ON_BOTH
def test_staff_take_a_reading_back_after_they_saw_what_it_changes_and_it_does_not_come_again(office: Office) -> None:
    room = office.dormitory.room()
    meter = installed(office, room.id)
    office.send(meter, "A1", (1, 100), (2, 150), (3, 200))
    path = f"/meters/{meter}/readings/withdrawal"
    body = {"start": at(2).isoformat(), "end": at(2).isoformat(), "reason": "read at another meter"}
    for confirmed in (False, True):
        answer = office.ask("POST", path, body | {"confirmed": confirmed})
        assert answer["withdrawn"] is confirmed
        assert [one["digits"] for one in (answer["before"], *answer["readings"], answer["after"])] == [100, 150, 200]
    assert office.code("POST", path, body | {"confirmed": True}, status=404) == "not_found"
    office.send(meter, "A1", (2, 150))
    listed = f"/meters/{meter}/readings?start={quote(at(0).isoformat())}&end={quote(at(9).isoformat())}"
    assert [one["digits"] for one in office.ask("GET", listed)] == [0, 100, 200]
    office.ask("POST", f"/meters/{meter}/readings", {"at": at(2).isoformat(), "digits": 150}, status=204)
    assert [one["digits"] for one in office.ask("GET", listed)] == [0, 100, 150, 200], "a person may enter it again"
    (period,) = office.ask("GET", f"/meters/{meter}/periods")
    path = f"/meters/{meter}/periods/{period['id']}"
    right = office.ask("POST", f"{path}/correction", {"first_digits": 90, "reason": "misread"})
    assert right["first_digits"] == 90
    assert office.ask("POST", f"{path}/withdrawal", {"reason": "it hangs in 1006"}) == {"charges": []}
    assert office.ask("GET", f"/meters/{meter}/periods") == []
    assert {"reading.withdraw", "meter_period.correct", "meter.installation.withdraw"} <= set(office.actions())
    mine = office.resident(office.dormitory.person(), Role.FACILITIES)
    assert office.ask("POST", f"{path}/withdrawal", {"reason": "x"}, who=mine, status=404)["code"] == "not_found"
