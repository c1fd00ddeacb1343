"""Nothing is changed by a request that another site's page sent, whatever cookies come with it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.datastructures import Headers

from accounts.vocabulary import Role
from console import pages
from console.same_origin import is_same_origin
from database import Database
from operations.board import Board
from tests.console.page_server import PASSWORD, hire, serve
from tests.databases import CREDENTIAL_KEY
from tests.waiting import PATIENCE_S

SAFE = {"GET", "HEAD"}


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site", "origin": "https://gates.example", "host": "gates.example"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "https://gates.example", "host": "gates.example"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "http://gates.example:8080", "host": "gates.example:8080"}, True),
        ({"origin": "http://gates.example", "host": "gates.example:8080"}, False),
        ({"origin": "https://evil.example", "host": "gates.example"}, False),
        ({"origin": "null", "host": "gates.example"}, False),
        ({"origin": "", "host": ""}, False),
        ({"host": "gates.example"}, False),
        ({}, False),
    ],
)
def test_whose_request_it_is(headers: dict[str, str], ours: bool) -> None:
    assert is_same_origin(Headers(headers)) is ours


ID = "01990000-0000-7000-8000-000000000000"
CHANGES = [
    ("POST", "/console/sign-in"),
    ("POST", "/console/sign-out"),
    ("POST", "/console/password"),
    ("POST", "/console/language"),
    ("POST", "/console/top-up"),
    ("POST", f"/console/pay/{ID}"),
    ("POST", "/console/tickets"),
    ("DELETE", f"/console/tickets/{ID}"),
    ("POST", "/console/orders"),
    ("POST", f"/console/orders/{ID}/confirm"),
    ("POST", f"/console/alarms/{ID}/acknowledge"),
    ("POST", "/console/alarms/acknowledge"),
    ("POST", "/console/plans"),
    ("POST", f"/console/plans/{ID}/places"),
    ("POST", f"/console/plans/{ID}/plan-picture"),
    ("POST", f"/console/plans/{ID}/remove"),
    ("POST", "/console/gates/north/ask"),
    ("POST", "/console/zones/hall/forgive"),
    ("PUT", "/console/me/consent"),
    ("DELETE", "/console/me/consent"),
    ("POST", "/console/me/cards/loss"),
    ("POST", "/console/me/cards/loss/release"),
    ("POST", f"/console/me/cards/{ID}/unbind"),
    ("POST", "/console/me/virtual-card"),
    ("POST", "/console/me/security/limits"),
    ("POST", "/console/me/security/passwords/query"),
    ("POST", "/console/me/security/phone"),
    ("POST", "/console/me/security/phone/confirm"),
    ("POST", "/console/me/security/pin"),
    ("POST", "/console/me/security/sign-ins/end"),
    ("POST", "/console/me/virtual-card/codes"),
    ("POST", "/console/me/inbox"),
    ("POST", f"/console/me/inbox/{ID}"),
    ("POST", "/console/me/photos"),
    ("POST", "/console/me/photos/second/declined"),
    ("PUT", "/console/me/gate-photo-consent"),
    ("DELETE", "/console/me/gate-photo-consent"),
    ("POST", f"/console/me/photos/{ID}/review"),
    ("DELETE", f"/console/me/photos/{ID}"),
    ("POST", f"/console/me/notices/{ID}/read"),
    ("PUT", "/console/me/consent/refusal"),
    ("POST", "/console/me/face-data/withdrawal"),
    ("POST", "/console/me/money/fines"),
    ("POST", "/console/me/money/top-ups/new"),
    ("POST", "/console/me/visitors/invitations"),
    ("POST", f"/console/me/visitors/{ID}/end"),
    ("POST", "/console/me/usage/applications"),
    ("PUT", "/console/me/usage/automatic-top-up"),
    ("DELETE", "/console/me/usage/automatic-top-up"),
    ("POST", f"/console/me/usage/charges/{ID}/dispute"),
    ("POST", f"/console/me/usage/rooms/{ID}/top-ups"),
    ("POST", f"/console/me/usage/showers/{ID}/dispute"),
    ("POST", "/console/reviews/approve-flawless"),
    ("POST", f"/console/reviews/{ID}/claim"),
    ("DELETE", f"/console/reviews/{ID}/claim"),
    ("POST", f"/console/reviews/{ID}/approve"),
    ("POST", f"/console/reviews/{ID}/reject"),
    ("POST", f"/console/reviews/{ID}/undo"),
    ("POST", f"/console/reviews/references/{ID}/reference-photos"),
    ("POST", f"/console/reviews/references/{ID}/withdrawal"),
    ("POST", f"/console/metering/reading-reviews/{ID}/decision"),
    ("POST", f"/console/metering/water-sessions/{ID}/decision"),
    ("POST", f"/console/metering/charge-disputes/{ID}/decision"),
    ("POST", f"/console/metering/water-disputes/{ID}/decision"),
    ("POST", f"/console/metering/network/{ID}/disconnect"),
    ("POST", f"/console/me/network/{ID}/disconnect"),
    ("POST", f"/console/metering/rooms/{ID}/supply-requests"),
    ("POST", f"/console/metering/supply-requests/{ID}/confirm"),
    ("POST", f"/console/metering/supply-requests/{ID}/cancel"),
    ("POST", f"/console/metering/meters/{ID}/replacement"),
    ("POST", f"/console/metering/meters/{ID}/replacement/preview"),
    ("POST", "/console/metering/moves"),
    ("POST", "/console/metering/moves/preview"),
    ("POST", "/console/administration/gates/new"),
    ("POST", "/console/administration/gates/north/retirement"),
    ("POST", "/console/administration/gates/north/rules"),
    ("POST", "/console/administration/gates/north/rules/apply"),
    ("POST", "/console/administration/schedules/special-days"),
    ("POST", "/console/administration/schedules/special-days/apply"),
    ("POST", "/console/administration/zones"),
    ("POST", "/console/administration/zones/hall/removal"),
    ("POST", "/console/administration/groups/members"),
    ("POST", f"/console/administration/groups/members/{ID}/leave"),
    ("POST", "/console/administration/passes/new"),
    ("POST", f"/console/administration/passes/{ID}/end"),
    ("POST", "/console/administration/models/north/choice"),
    ("POST", "/console/administration/devices/new"),
    ("POST", f"/console/administration/devices/{ID}/token"),
    ("POST", f"/console/administration/devices/{ID}/revocation"),
    ("POST", "/console/metering/prices"),
    ("POST", "/console/metering/prices/preview"),
    ("POST", f"/console/metering/prices/{ID}/withdrawal"),
    ("POST", "/console/money/channels/differences"),
    ("POST", "/console/money/find"),
    ("POST", f"/console/money/people/{ID}/cash-in"),
    ("POST", f"/console/money/people/{ID}/cash-out"),
    ("POST", f"/console/money/people/{ID}/reissue"),
    ("POST", f"/console/money/payments/{ID}/refunds"),
    ("POST", f"/console/money/top-ups/{ID}/refunds"),
    ("POST", "/console/money/day/counts"),
    ("POST", f"/console/money/requests/{ID}/decision"),
    ("POST", "/console/money/subsidies"),
    ("POST", "/console/money/subsidies/preview"),
    ("POST", "/console/money/merchants"),
    ("POST", "/console/money/services"),
    ("POST", "/console/money/days/verification"),
    ("POST", "/console/money/days/2026-11-27/close"),
    ("POST", f"/console/money/offline/{ID}/decision"),
    ("POST", f"/console/money/disputes/{ID}/decision"),
    ("POST", f"/console/money/room-top-ups/{ID}/refunds"),
    ("POST", f"/console/money/room-top-ups/{ID}/credit-return"),
    ("POST", "/console/kiosk/pair"),
    ("POST", "/console/kiosk/card"),
    ("POST", "/console/kiosk/number"),
    ("POST", "/console/kiosk/stay"),
    ("POST", "/console/kiosk/top-up"),
    ("POST", "/console/kiosk/fines"),
    ("POST", "/console/kiosk/loss"),
    ("POST", "/console/kiosk/reissue"),
    ("POST", "/console/office/people/new"),
    ("POST", f"/console/office/people/{ID}/change"),
    ("POST", f"/console/office/people/{ID}/needs"),
    ("POST", f"/console/office/people/{ID}/photos/erasure"),
    ("POST", f"/console/office/people/{ID}/merge"),
    ("POST", f"/console/office/people/{ID}/state"),
    ("POST", f"/console/office/people/{ID}/roles"),
    ("POST", "/console/office/imports"),
    ("POST", f"/console/office/imports/lists/{ID}/apply"),
    ("POST", f"/console/office/imports/lists/{ID}/columns"),
    ("POST", f"/console/office/imports/lists/{ID}/drop"),
    ("POST", f"/console/office/imports/{ID}/undo"),
    ("POST", "/console/office/audit/verification"),
    ("POST", f"/console/office/people/{ID}/passwords/portal"),
    ("POST", "/console/office/cards/find"),
    ("POST", f"/console/office/people/{ID}/cards"),
    ("POST", f"/console/office/people/{ID}/cards/check"),
    ("POST", f"/console/office/people/{ID}/cards/{ID}/suspend"),
    ("POST", f"/console/office/people/{ID}/card-issues/{ID}/fee_returned"),
    ("POST", f"/console/office/people/{ID}/loss"),
    ("POST", f"/console/office/people/{ID}/loss/release"),
    ("POST", f"/console/office/people/{ID}/reissue"),
]
_NEW_GATE = {"name": "attic", "title": "Attic", "kind": "building", "direction": "both", "mode": "card", "role": "desk"}
FORMS = {
    "sign-in": {"number": "F1", "password": PASSWORD},
    "sign-out": {},
    "inbox": {"until": ID},
    "release": {"query_password": "482913"},
    "limits": {"meal": "1", "day": "1", "consumption_password": "482913"},
    "query": {"current": "482913", "new": "739205", "repeated": "739205"},
    "phone": {"phone": "13812345678"},
    "pin": {"remove": "true"},
    "end": {},
    "virtual-card": {"query_password": "482913"},
    "password": {"current": PASSWORD, "new": "evil's own choice", "repeated": "evil's own choice"},
    "language": {"lang": "en"},
    "new": {"key": ID, "channel": "wechat", "amount": "5"} | _NEW_GATE,
    "retirement": {},
    "choice": {"model_id": ""},
    "rules": {"do": "review"},
    "apply": {"draft": "{}"},
    "invitations": {"key": ID, "visitor": "Somebody", "gates": "north"},
    "zones": {"name": "annex", "title": "Annex", "site": "main"},
    "removal": {},
    "members": {"group": "staff", "numbers": "S1"},
    "leave": {"group": "staff"},
    "token": {},
    "revocation": {},
}
BODIES = {
    "tickets": {"action": "open"},
    "orders": {"action": "open", "gates": ["north"]},
    "ask": {"number": "S1"},
    "applications": {"reason": "overload", "note": "please"},
    "automatic-top-up": {"below_fen": 0, "fen": 100, "month_limit_fen": 100, "consumption_password": "123456"},
    "dispute": {"text": "wrong"},
    "top-ups": {"fen": 100, "quote": "1.x"},
    "codes": {"card_id": ID},
    "consent": {"version": "3", "language": "en"},
    "refusal": {"version": "3", "language": "en"},
    "approve-flawless": {"photo_ids": [ID]},
    "reject": {"reasons": ["other"]},
}


def test_every_address_that_changes_something_is_guarded() -> None:
    """The list above is complete: what a page can change, another site's page is tried on."""
    routes = [route for router in pages.ROUTERS for route in router.routes]
    found = sorted(
        (method, route.path) for route in routes for method in getattr(route, "methods", ()) if method not in SAFE
    )
    assert len(found) == len(CHANGES), found


@pytest.fixture(scope="module")
def signed_in(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client that is signed in and may do everything."""
    path = tmp_path_factory.mktemp("origin") / "campusgate.db"
    shutil.copyfile(sqlite_template, path)
    database = Database(f"sqlite:///{path}", credential_key=CREDENTIAL_KEY)
    with serve(database, Board(), None) as console, httpx.Client(base_url=console.url, timeout=PATIENCE_S) as client:
        hire(database, console.app.state.console.accounts, "A1", "Somebody", Role.ADMIN)
        form = {"number": "A1", "password": PASSWORD}
        assert client.post("/console/sign-in", data=form, headers={"Origin": console.url}).status_code == 303
        yield client
    database.close()


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_another_sites_page_can_do_nothing(signed_in: httpx.Client, method: str, path: str) -> None:
    last = path.rsplit("/", 1)[-1]
    content = {"data": FORMS[last]} if last in FORMS else {"json": BODIES.get(last, {})}
    headers = {"Origin": "https://evil.example", "Idempotency-Key": "made-by-evil"}
    answer = signed_in.request(method, path, headers=headers, **content)
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_request")
    assert signed_in.get("/console/gates").status_code == 200, "still signed in"
