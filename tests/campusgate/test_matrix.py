"""Who may call what: every route as everybody, against one table, in which every route stands."""

from collections.abc import Iterator

import pytest

from models.engine import FaceEngine
from tests.campusgate.matrix import allowed, routes
from tests.campusgate.staffed import DEVICES, PEOPLE, Staffed, staffed

EVERYBODY = ("anonymous", *PEOPLE, *DEVICES, "metrics")
ENDS_THE_SIGN_IN = {"POST /console/sign-out"}
"""For everybody, and whoever called it could not call the rest."""

LET_IN: dict[tuple[str, ...], tuple[str, ...]] = {
    ("admin",): (
        "GET /api/v1/audit",
        "POST /api/v1/cash-requests/{request_id}/decision",
        "POST /api/v1/days/{day}/close",
        "GET /api/v1/devices",
        "POST /api/v1/devices",
        "DELETE /api/v1/devices/{device_id}",
        "POST /api/v1/devices/{device_id}/token",
        "GET /api/v1/directory/people/{person_id}/template-receipts",
        "GET /api/v1/directory/template-receipts/outstanding",
        "GET /api/v1/enrollment/register",
        "POST /api/v1/merchants",
        "POST /api/v1/people",
        "POST /api/v1/people/import",
        "PUT /api/v1/people/{person_id}",
        "DELETE /api/v1/people/{person_id}/photos",
        "DELETE /api/v1/people/{person_id}/reference-photos",
        "GET /api/v1/people/{person_id}/reference-photos",
        "POST /api/v1/people/{person_id}/reference-photos",
        "PUT /api/v1/people/{person_id}/roles",
        "PUT /api/v1/people/{person_id}/state",
        "PUT /api/v1/services/{service}/campuses",
        "POST /api/v1/subsidies",
    ),
    ("kiosk",): (
        "POST /api/v1/kiosk/cash-top-ups",
        "POST /api/v1/kiosk/holder",
        "POST /api/v1/kiosk/loss",
        "POST /api/v1/kiosk/reissue",
    ),
    ("metrics",): ("GET /metrics",),
    ("terminal",): (
        "POST /api/v1/payments",
        "POST /api/v1/payments/offline",
        "GET /api/v1/payments/{payment_id}",
        "POST /api/v1/payments/{payment_id}/refunds",
        "POST /api/v1/payments/{payment_id}/reversal",
        "PUT /api/v1/terminal/consumption-password",
        "POST /api/v1/terminal/first-tap",
        "PUT /api/v1/terminal/limits",
    ),
    ("cashier", "admin"): (
        "GET /api/v1/cards/{card_id}/history",
        "POST /api/v1/cards/{card_id}/release",
        "POST /api/v1/cards/{card_id}/return",
        "POST /api/v1/cards/{card_id}/suspend",
        "POST /api/v1/cash-payouts",
        "GET /api/v1/cash-requests",
        "POST /api/v1/cash-top-ups",
        "GET /api/v1/channels/{channel}/days/{day}",
        "GET /api/v1/days/{day}",
        "GET /api/v1/merchants",
        "GET /api/v1/offline-payments",
        "POST /api/v1/offline-payments/{payment_id}/decision",
        "GET /api/v1/people",
        "GET /api/v1/people/{person_id}",
        "GET /api/v1/people/{person_id}/cards",
        "POST /api/v1/people/{person_id}/cards",
        "POST /api/v1/people/{person_id}/loss",
        "POST /api/v1/people/{person_id}/loss/release",
        "POST /api/v1/people/{person_id}/passwords/{purpose}/reset",
        "POST /api/v1/people/{person_id}/reissue",
        "GET /api/v1/services/{service}/campuses",
        "POST /api/v1/top-ups/{order_id}/refunds",
    ),
    ("edge", "controller"): (
        "POST /api/v1/directory/gates/{gate}/applied",
        "GET /api/v1/directory/gates/{gate}/changes",
        "GET /api/v1/directory/gates/{gate}/presence",
    ),
    ("facilities", "admin"): (
        "GET /api/v1/directory/gates",
        "POST /api/v1/directory/gates",
        "DELETE /api/v1/directory/gates/{gate}",
        "GET /api/v1/directory/gates/{gate}",
        "PUT /api/v1/directory/gates/{gate}",
        "POST /api/v1/directory/gates/{gate}/dry-run",
        "POST /api/v1/directory/gates/{gate}/rules",
        "GET /api/v1/directory/lags",
        "GET /api/v1/directory/passes",
        "POST /api/v1/directory/passes",
        "POST /api/v1/directory/passes/{pass_id}/end",
        "PUT /api/v1/directory/people/{person_id}/needs",
        "GET /api/v1/directory/zones",
        "DELETE /api/v1/directory/zones/{zone}",
        "PUT /api/v1/directory/zones/{zone}",
        "GET /api/v1/operations/alarms",
        "GET /api/v1/operations/alarms/open",
        "POST /api/v1/operations/alarms/{alarm_id}/acknowledge",
        "GET /api/v1/operations/events",
        "GET /api/v1/operations/gates",
        "GET /api/v1/operations/gates/{gate}",
        "GET /api/v1/operations/occupancy",
        "GET /api/v1/operations/orders",
        "POST /api/v1/operations/orders",
        "POST /api/v1/operations/orders/{order_id}/confirm",
        "POST /api/v1/operations/tickets",
        "DELETE /api/v1/operations/tickets/{ticket}",
        "POST /api/v1/operations/zones/{zone}/forgive",
        "GET /api/v1/operations/zones/{zone}/inside",
        "POST /console/alarms/{alarm_id}/acknowledge",
        "GET /console/gates",
        "GET /console/gates/{gate}",
        "POST /console/gates/{gate}/ask",
        "GET /console/gates/{gate}/directory",
        "GET /console/gates/{gate}/events",
        "GET /console/gates/{gate}/events/{sequence}/why",
        "POST /console/orders",
        "POST /console/orders/{order_id}/confirm",
        "POST /console/tickets",
        "DELETE /console/tickets/{ticket}",
        "POST /console/zones/{zone}/forgive",
        "GET /console/zones/{zone}/muster",
    ),
    ("reviewer", "admin"): (
        "GET /api/v1/reviews",
        "POST /api/v1/reviews/approve-flawless",
        "GET /api/v1/reviews/reasons",
        "GET /api/v1/reviews/statistics",
        "GET /api/v1/reviews/{photo_id}",
        "POST /api/v1/reviews/{photo_id}/approve",
        "GET /api/v1/reviews/{photo_id}/before/picture",
        "DELETE /api/v1/reviews/{photo_id}/claim",
        "POST /api/v1/reviews/{photo_id}/claim",
        "GET /api/v1/reviews/{photo_id}/duplicates/{person_id}/picture",
        "POST /api/v1/reviews/{photo_id}/reject",
        "POST /api/v1/reviews/{photo_id}/undo",
        "GET /console/reviews",
        "POST /console/reviews/approve-flawless",
        "GET /console/reviews/queue",
        "GET /console/reviews/{photo_id}",
        "POST /console/reviews/{photo_id}/approve",
        "GET /console/reviews/{photo_id}/before/picture",
        "DELETE /console/reviews/{photo_id}/claim",
        "POST /console/reviews/{photo_id}/claim",
        "GET /console/reviews/{photo_id}/duplicates/{person_id}/picture",
        "GET /console/reviews/{photo_id}/picture",
        "POST /console/reviews/{photo_id}/reject",
        "POST /console/reviews/{photo_id}/undo",
    ),
    ("terminal", "meter"): (
        "POST /api/v1/holds",
        "GET /api/v1/holds/{hold_id}",
        "POST /api/v1/holds/{hold_id}/post",
        "POST /api/v1/holds/{hold_id}/void",
    ),
    PEOPLE: (
        "PUT /api/v1/directory/me/pin",
        "GET /api/v1/directory/me/template-receipts",
        "GET /api/v1/me",
        "GET /api/v1/me/cards",
        "DELETE /api/v1/me/face-consent",
        "GET /api/v1/me/face-consent",
        "PUT /api/v1/me/face-consent",
        "GET /api/v1/me/face-data",
        "POST /api/v1/me/loss",
        "POST /api/v1/me/loss/release",
        "GET /api/v1/me/notices",
        "POST /api/v1/me/notices/{notice_id}/read",
        "PUT /api/v1/me/passwords/{purpose}",
        "POST /api/v1/me/phone",
        "POST /api/v1/me/phone/confirm",
        "GET /api/v1/me/statement",
        "POST /api/v1/me/top-ups",
        "GET /api/v1/me/top-ups/{order_id}",
        "DELETE /api/v1/me/virtual-cards/{card_id}",
        "POST /api/v1/me/virtual-cards/{card_id}/code",
        "POST /api/v1/me/virtual-cards/{card_id}/lease",
        "GET /api/v1/me/wallet",
        "GET /api/v1/photos",
        "POST /api/v1/photos",
        "DELETE /api/v1/photos/{photo_id}",
        "GET /api/v1/photos/{photo_id}",
        "GET /api/v1/photos/{photo_id}/picture",
        "POST /api/v1/photos/{photo_id}/review",
        "GET /console/",
        "DELETE /console/me/consent",
        "PUT /console/me/consent",
        "POST /console/me/notices/{notice_id}/read",
        "GET /console/me/photo",
        "POST /console/me/photos",
        "DELETE /console/me/photos/{photo_id}",
        "GET /console/me/photos/{photo_id}/picture",
        "POST /console/me/photos/{photo_id}/review",
        "GET /console/me/state",
        "GET /console/password",
        "POST /console/password",
    ),
    DEVICES: ("POST /api/v1/identify",),
    EVERYBODY: (
        "POST /api/v1/channels/{channel}/notifications",
        "POST /api/v1/staff-sign-in",
        "POST /api/v1/staff-sign-in/complete",
        "POST /api/v1/tokens",
        "POST /api/v1/tokens/revoke",
        "POST /api/v1/top-ups",
        "POST /api/v1/virtual-cards",
        "POST /console/language",
        "GET /console/sign-in",
        "POST /console/sign-in",
        "GET /health",
    ),
}


@pytest.fixture(scope="module")
def office(model_store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    with staffed(FaceEngine(model_store, threads=1), tmp_path_factory.mktemp("office"), 1) as office:
        yield office


def test_every_route_stands_in_the_table_once(office: Staffed) -> None:
    told = [route for group in LET_IN.values() for route in group]
    assert sorted([*told, *ENDS_THE_SIGN_IN]) == routes(office)


@pytest.mark.parametrize("who", EVERYBODY)
def test_nobody_is_let_in_where_they_have_no_business(office: Staffed, who: str) -> None:
    expected = {route: who in group for group, found in LET_IN.items() for route in found}
    got = {route: allowed(office, route, who) for route in expected}
    assert {route: let_in for route, let_in in got.items() if let_in != expected[route]} == {}


def test_a_token_that_nobody_made_opens_nothing(office: Staffed) -> None:
    office.tokens["stranger"] = "e30.e30.e30"
    opened = {route for group in LET_IN.values() for route in group if allowed(office, route, "stranger")}
    assert opened == set(LET_IN[EVERYBODY])
