"""Who looked at what is known of other people stands in the audit trail: once a request, with ids alone."""

import json
from typing import Any
from uuid import uuid4

from accounts import audit
from accounts.api.disclosures import DisclosureRecorder
from console.disclosures import PageDisclosureRecorder
from tests.campusgate.matrix import contexts
from tests.campusgate.staffed import Staffed

RECORDERS = DisclosureRecorder, PageDisclosureRecorder

WRITES_IT_ITSELF = {
    "GET /api/v1/photos/{photo_id}",
    "GET /api/v1/photos/{photo_id}/picture",
    "GET /api/v1/reviews/{photo_id}/duplicates/{person_id}/picture",
    "GET /console/reviews/{photo_id}/picture",
    "GET /console/reviews/{photo_id}/duplicates/{person_id}/picture",
    "GET /console/zones/{zone}/muster",
    "GET /console/gates/{gate}/events/{sequence}/why",
    "GET /api/v1/rooms/{room_id}/electricity",
    "GET /api/v1/rooms/{room_id}/preview",
}
"""The subject follows from what was found, or the picture is one's own or another's."""

ABOUT_NOBODY = {
    # Forms that wait for something, imports by their administrators, how far one is.
    "GET /console/office/cards",
    "GET /console/office/people/new",
    "GET /console/office/imports",
    "GET /console/office/imports/{import_id}/progress",
    "GET /api/v1/water-places",
    "GET /api/v1/water-subsidies",
    "GET /api/v1/buildings",
    "GET /api/v1/buildings/{building_id}/rooms",
    "GET /api/v1/meter-lines",
    "GET /api/v1/price-plans",
    # Of rooms, without anybody's name.
    "GET /api/v1/electricity-days/{day}",
    "GET /api/v1/electricity-days/{day}/table",
    "GET /api/v1/meter-lines/silence",
    "GET /console/metering/days",
    "GET /console/metering/days/{day}/table",
    "GET /console/metering/prices",
    "GET /console/metering/rooms",
    # Whether what is shown has changed.
    "GET /console/metering/stream",
    "GET /console/metering/rooms/{room_id}/stream",
    "GET /api/v1/meters",
    "GET /api/v1/meters/{meter_id}/periods",
    "GET /api/v1/reading-reviews",
    "GET /api/v1/devices",
    "GET /api/v1/merchants",
    "GET /api/v1/services/{service}/campuses",
    "GET /api/v1/days/{day}",
    "GET /api/v1/channels/{channel}/days/{day}",
    "GET /api/v1/enrollment/register",
    "GET /api/v1/reviews/statistics",
    "GET /console/reviews/references",
    "GET /console/reviews/week",
    "GET /api/v1/reviews/reasons",
    "GET /api/v1/directory/face-models",
    "GET /api/v1/directory/gate-setup",
    "GET /api/v1/directory/gates",
    "GET /api/v1/directory/gates/{gate}",
    "GET /api/v1/directory/lags",
    "GET /api/v1/directory/zones",
    "GET /api/v1/operations/gates",
    "GET /api/v1/operations/gates/{gate}",
    "GET /api/v1/operations/occupancy",
    "GET /console/administration/devices",
    "GET /console/administration/devices/new",
    "GET /console/administration/devices/{device_id}",
    "GET /console/administration/groups",
    "GET /console/administration/models",
    "GET /console/administration/passes/new",
    "GET /console/administration/schedules",
    "GET /console/administration/schedules/special-days",
    "GET /console/administration/settings",
    "GET /console/administration/state",
    "GET /console/administration/state/stream",
    "GET /console/administration/zones",
    "GET /console/administration/gates",
    "GET /console/administration/gates/new",
    "GET /console/administration/gates/{gate}",
    "GET /console/administration/gates/{gate}/retirement",
    "GET /console/administration/gates/{gate}/rules",
    "GET /console/gates/{gate}/directory",
    # Figures, pictures of buildings, and a wall that names nobody who passed.
    "GET /console/charts",
    "GET /console/display/{gate}",
    "GET /console/display/{gate}/stream",
    "GET /console/plans",
    "GET /console/plans/{plan_id}",
    "GET /console/plans/{plan_id}/picture",
    "GET /console/plans/{plan_id}/places",
    "GET /console/wall",
    "GET /console/wall/stream",
    "GET /metrics",
    "GET /health",
    # To whoever sent it, what they sent.
    "GET /api/v1/wecom/messages",
    # Of staff at their work, by id: what happened at a gate, and who saw to it.
    "GET /api/v1/operations/alarms",
    "GET /api/v1/operations/alarms/open",
    "GET /api/v1/operations/orders",
    # Sums, and cashiers at their work.
    "GET /console/money/channels",
    "GET /console/money/codes/merchants/{merchant_id}",
    "GET /console/money/codes/top-up",
    "GET /console/money/days",
    "GET /console/money/days/{day}",
    "GET /console/money/merchants",
    "GET /console/money/subsidies",
}
OWN = {
    # Of whoever scanned a printed code and has the payment's id.
    "GET /console/pay/{merchant_id}",
    "GET /console/pay/{merchant_id}/payments/{charge_id}",
    "GET /console/pay/{merchant_id}/payments/{charge_id}/state",
    "GET /console/top-up",
    "GET /console/top-up/{order_id}",
    "GET /console/top-up/{order_id}/state",
    # Of whoever stands at the kiosk.
    "GET /console/kiosk",
    "GET /console/kiosk/fines",
    "GET /console/kiosk/fines/{payment_id}",
    "GET /console/kiosk/loss",
    "GET /console/kiosk/menu",
    "GET /console/kiosk/number",
    "GET /console/kiosk/pair",
    "GET /console/kiosk/reissue",
    "GET /console/kiosk/reissue/{issue_id}",
    "GET /console/kiosk/reissue/{issue_id}/state",
    "GET /console/kiosk/reissued",
    "GET /console/kiosk/top-up",
    "GET /console/kiosk/top-up/{order_id}",
    "GET /console/kiosk/top-up/{order_id}/state",
    "GET /api/v1/photos",
    "GET /",
    "GET /console",
    "GET /console/",
    "GET /console/sign-in",
    "GET /console/staff-sign-in",
    "GET /console/staff-sign-in/complete",
    "GET /console/staff-sign-in/complete/{state}",
    "GET /console/password",
    # The frame of the page; what it shows is the queue's and a photo's.
    "GET /console/reviews",
    "GET /console/reviews/stream",
}
FOR_DEVICES = {
    "GET /api/v1/desk",
    "GET /api/v1/dispenser/issue",
    "GET /api/v1/meter-reader/plan",
    "GET /api/v1/meter-reader/orders",
    "GET /api/v1/payments/{payment_id}",
    "GET /api/v1/holds/{hold_id}",
    "GET /api/v1/directory/gates/{gate}/changes",
    "GET /api/v1/directory/gates/{gate}/presence",
}


def lines(office: Staffed) -> list[tuple[str, str, str, dict[str, Any]]]:
    with office.server.database.read() as session:
        found = audit.find(session, limit=1000)
        return [(one.actor, one.action, one.subject, json.loads(one.details)) for one in reversed(found)]


def test_every_route_that_shows_other_people_leaves_a_line(office: Staffed) -> None:
    marked, found = set(), set()
    for route in contexts(office.client.app.routes):
        if "GET" in route.methods:
            name = f"GET {route.path}"
            found.add(name)
            if any(isinstance(one.call, RECORDERS) for one in route.dependant.dependencies):
                marked.add(name)
    own = OWN | {name for name in found if "/me/" in name or name.endswith("/me")}
    known = (WRITES_IT_ITSELF, ABOUT_NOBODY, own, FOR_DEVICES, marked)
    assert found == set().union(*known), "say for a new route what it shows of whom"
    assert sum(map(len, known)) == len(found), "each in one place"
    assert len(marked) >= 20


def routes_of(office: Staffed) -> list[tuple[str, str, str, str]]:
    one = office.ids["somebody"]
    return [
        ("cashier", "/api/v1/people?search=Name&limit=2", "people.read", "people:list"),
        ("cashier", f"/api/v1/people/{one}", "person.read", f"person:{one}"),
        ("cashier", f"/api/v1/people/{one}/cards", "cards.read", f"person:{one}"),
        ("cashier", f"/api/v1/cards/{office.card_id}/history", "card.read", f"card:{office.card_id}"),
        ("admin", "/api/v1/audit", "audit.read", "audit:list"),
        ("cashier", "/api/v1/offline-payments", "offline_payments.read", "offline_payments:list"),
        ("cashier", "/api/v1/cash-requests", "cash_requests.read", "cash_requests:list"),
        ("admin", f"/api/v1/directory/people/{one}/template-receipts", "template_receipts.read", f"person:{one}"),
        (
            "admin",
            "/api/v1/directory/template-receipts/outstanding",
            "template_receipts.read",
            "template_receipts:list",
        ),
        ("facilities", f"/api/v1/directory/passes?person_id={one}", "passes.read", "passes:list"),
        ("facilities", f"/api/v1/operations/events?person_id={one}", "events.read", "events:list"),
        ("facilities", "/api/v1/operations/zones/campus/inside", "muster.read", "zone:campus"),
        ("admin", f"/api/v1/people/{one}/reference-photos", "references.read", f"person:{one}"),
        ("reviewer", "/api/v1/reviews?department=Physics", "reviews.read", "photos:list"),
        ("facilities", "/console/administration/passes", "passes.read", "passes:list"),
        ("admin", "/console/administration/groups/members?name=Physics", "people.read", "people:list"),
        ("admin", "/console/administration/roles", "people.read", "people:list"),
        ("facilities", "/console/gates", "board.read", "events:list"),
        ("facilities", "/console/gates/north", "board.read", "gate:north"),
        ("facilities", "/console/gates/north/events", "events.read", "gate:north"),
        ("facilities", "/console/zones/campus/muster", "muster.read", "zone:campus"),
        ("facilities", "/console/metering", "metering.read", "metering:list"),
        ("reviewer", "/console/reviews/queue?department=Physics", "reviews.read", "photos:list"),
        ("reviewer", "/console/reviews/decisions?department=Physics", "reviews.read", "photos:list"),
        ("reviewer", "/console/reviews/missing?department=Physics", "people.read", "people:list"),
        ("reviewer", "/console/reviews/missing/table?department=Physics", "people.read", "people:list"),
        ("cashier", "/console/office/people?search=Name", "people.read", "people:list"),
        ("cashier", f"/console/office/people/{one}", "person.read", f"person:{one}"),
        ("admin", f"/console/office/people/{one}/face", "template_receipts.read", f"person:{one}"),
        ("cashier", f"/console/office/people/{one}/cards", "cards.read", f"person:{one}"),
        ("cashier", f"/console/office/people/{one}/balance", "wallet.read", f"person:{one}"),
        ("facilities", f"/console/office/people/{one}/passages", "events.read", f"person:{one}"),
        ("cashier", f"/console/office/cards/{office.card_id}", "card.read", f"card:{office.card_id}"),
        ("admin", "/console/office/audit?whom=P0007", "audit.read", "audit:list"),
        ("admin", "/console/office/audit/table", "audit.read", "audit:list"),
    ]


def test_each_look_is_one_line_with_ids_alone(office: Staffed) -> None:
    for who, path, action, subject in routes_of(office):
        before = len(lines(office))
        assert office.client.get(path, headers=office.headers(who)).status_code == 200, path
        (line,) = lines(office)[before:]
        assert line[:3] == (f"person:{office.ids[who]}", action, subject), path
        assert not {"Name", "Physics", "P0007"}.intersection(json.dumps(line[3]).split('"')), path
        if "person_id=" in path:
            assert line[3] == {"person_id": str(office.ids["somebody"])}
    with office.server.database.read() as session:
        assert audit.verify(session).intact


ANSWERS_WITH_WHAT_IS_KNOWN = {
    "POST /api/v1/people/{person_id}/merge",
    "PUT /api/v1/people/{person_id}",
    "PUT /api/v1/people/{person_id}/state",
    "PUT /api/v1/people/{person_id}/roles",
    "POST /api/v1/people/import",
    "POST /api/v1/residents/import",
    "POST /api/v1/rooms/{room_id}/settlements",
    "POST /api/v1/reviews/{photo_id}/claim",
    "POST /console/reviews/{photo_id}/claim",
    "POST /console/metering/moves/preview",
    "POST /console/money/find",
    "POST /console/money/subsidies",
    "POST /console/money/subsidies/preview",
    "POST /console/office/people/{person_id}/change",
    "POST /console/office/people/{person_id}/needs",
    "POST /console/office/people/{person_id}/photos/erasure",
    "POST /console/office/people/{person_id}/merge",
    "POST /console/office/people/{person_id}/state",
    "POST /console/office/people/{person_id}/roles",
    "POST /console/office/people/{person_id}/passwords/{purpose}",
    "POST /console/office/people/{person_id}/cards",
    "POST /console/office/people/{person_id}/cards/check",
    "POST /console/office/people/{person_id}/cards/{card_id}/{action}",
    "POST /console/office/people/{person_id}/card-issues/{issue_id}/{outcome}",
    "POST /console/office/people/{person_id}/loss",
    "POST /console/office/people/{person_id}/loss/release",
    "POST /console/office/people/{person_id}/reissue",
}
"""They change something or not, and show somebody in either case."""


def test_what_changes_nothing_and_answers_with_a_person_is_a_look(office: Staffed) -> None:
    marked = {
        f"{method} {route.path}"
        for route in contexts(office.client.app.routes)
        for method in route.methods - {"GET"}
        if any(isinstance(one.call, RECORDERS) for one in route.dependant.dependencies)
    }
    assert marked == ANSWERS_WITH_WHAT_IS_KNOWN
    one = office.ids["somebody"]
    for path, body in (("state", {"state": "active"}), ("roles", {"roles": []})):
        before = len(lines(office))
        answer = office.client.put(f"/api/v1/people/{one}/{path}", json=body, headers=office.headers("admin"))
        assert (answer.status_code, answer.json()["name"]) == (200, "Name 6")
        (line,) = lines(office)[before:]
        assert line[:3] == (f"person:{office.ids['admin']}", "person.read", f"person:{one}")


def test_a_dry_run_says_about_whom(office: Staffed) -> None:
    one = office.ids["somebody"]
    before = len(lines(office))
    answer = office.client.post(
        "/api/v1/directory/gates/north/dry-run",
        json={"person_id": str(one)},
        headers=office.headers("facilities"),
    )
    assert answer.status_code == 200
    answer = office.client.post(
        "/console/gates/north/ask", json={"number": "P0006"}, headers=office.headers("facilities")
    )
    assert answer.status_code == 200
    asked = [(action, subject, details) for _, action, subject, details in lines(office)[before:]]
    assert asked == [("dry_run", f"person:{one}", {"gate": "north"})] * 2


def test_what_was_refused_or_not_found_or_is_ones_own_is_no_look(office: Staffed) -> None:
    before = len(lines(office))
    somebody, cashier = office.ids["somebody"], office.ids["cashier"]
    for who, path, status in (
        ("holder", f"/api/v1/people/{somebody}", 403),
        ("anonymous", f"/api/v1/people/{somebody}", 401),
        ("cashier", f"/api/v1/people/{uuid4()}", 404),
        ("cashier", f"/api/v1/people/{cashier}", 200),
    ):
        assert office.client.get(path, headers=office.headers(who)).status_code == status
    assert lines(office)[before:] == []
