"""A room's money over HTTP; each public complaint that concerns money is a test with its name."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from accounts import audit, passwords
from accounts.vocabulary import PasswordPurpose, Role
from database import new_id
from metering.api import charge_disputes, electricity_days, price_plans, room_money, room_money_staff, usage
from metering.services import MeteringServices
from metering.tariffs.electricity import Quota, WattHours
from metering.vocabulary import ReadingSource
from tests.apps import LentApps
from tests.databases import ON_BOTH, ON_SQLITE
from tests.metering.electricity_cases import FIRST, at
from tests.metering.hall import Hall
from tests.sign_ins import sign_in
from web.routes import join

pytestmark = ON_SQLITE


PIN = "482913"
SECOND = FIRST + timedelta(days=1)

router = join(
    part.router for part in (room_money, room_money_staff, charge_disputes, electricity_days, price_plans, usage)
)


@dataclass
class Site:
    """The hall behind its API."""

    hall: Hall
    client: TestClient
    services: MeteringServices

    def headers(self, name: str) -> dict[str, str]:
        return sign_in(self.services.money.accounts, self.hall.people[name], now=self.hall.clock.now)

    def staff(self, *roles: Role) -> dict[str, str]:
        return sign_in(self.services.money.accounts, None, roles, now=self.hall.clock.now)

    def get(self, path: str, who: dict[str, str], status: int = 200, **query: Any) -> Any:
        answer = self.client.get(f"/api/v1{path}", headers=who, params=query)
        assert answer.status_code == status, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.text

    def send(
        self, path: str, who: dict[str, str], body: Any = None, *, key: str | None = None, method: str = "POST"
    ) -> Response:
        headers = {**who, "Idempotency-Key": key or str(new_id())}
        return self.client.request(method, f"/api/v1{path}", headers=headers, json=body)

    def pin(self, name: str) -> None:
        hashed = {PasswordPurpose.CONSUMPTION: self.services.money.accounts.hasher.hash(PIN)}
        with self.hall.database.begin() as session:
            passwords.store(
                session, self.hall.people[name], hashed, must_change=False, by="system", now=self.hall.clock.now
            )

    def top_up(self, room: UUID, name: str, fen: int, *, key: str | None = None, **body: Any) -> Response:
        quote = self.get(f"/rooms/{room}/preview", self.headers(name))["quote"]
        return self.send(f"/rooms/{room}/top-ups", self.headers(name), {"fen": fen, "quote": quote} | body, key=key)


@pytest.fixture
def site(hall: Hall, lent_apps: LentApps) -> Iterator[Site]:
    with lent_apps.lend(router) as app:
        app.state.accounts, app.state.money = hall.money.accounts, hall.money
        app.state.metering = MeteringServices(money=hall.money)
        with lent_apps.ask(app) as client:
            yield Site(hall, client, app.state.metering)


def test_complaint_kwh_shown_as_yuan(site: Site) -> None:
    """Each number says its unit in its name, and energy and money of one room are never the same field."""
    hall = site.hall
    hall.plan(5283)
    room = hall.room("Anna")
    hall.use(room, [3])
    hall.bill(room)
    money = site.get("/me/room/money", site.headers("Anna"))
    [charge] = site.get("/me/room/charges", site.headers("Anna"))["items"]
    assert (charge["wh"], charge["fen"]) == (3000, 158)
    assert money["available_fen"] == -158
    for name, value in money.items():
        if isinstance(value, int) and not isinstance(value, bool):
            assert name.endswith(("_fen", "_wh")) or name == "days_left", name
    table = site.get(f"/electricity-days/{FIRST}/table", site.staff(Role.FACILITIES))
    assert table.splitlines()[0].endswith("read_kwh,charged_kwh,charged_yuan,ledger_yuan")
    assert table.splitlines()[1] == f"{FIRST},北一楼,1005,agrees,3.000,3.000,1.58,1.58"


def test_complaint_credited_only_at_fixed_hours(site: Site) -> None:
    hall = site.hall
    room = hall.room("Anna")
    hall.person("Anna", 5_000)
    for hour in (0, 3, 23):
        hall.clock.now = at(FIRST, hour, 31)
        paid = site.top_up(room, "Anna", 100).json()
        assert paid["paid_at"] == hall.clock.now.isoformat().replace("+00:00", "Z")
        assert site.get("/me/room/money", site.headers("Anna"))["available_fen"] == paid["available_fen"]
    assert hall.balance(room) == 300


def test_complaint_paid_and_still_dark(site: Site) -> None:
    """A top-up says what it repaid and what is still missing before the room gets light again."""
    hall = site.hall
    hall.plan()
    room = hall.room("Anna")
    hall.person("Anna", 5_000)
    hall.use(room, [10])
    hall.bill(room)
    first = site.top_up(room, "Anna", 400).json()
    assert (first["repaid_fen"], first["available_fen"], first["still_missing_fen"]) == (400, -100, 101)
    second = site.top_up(room, "Anna", 600).json()
    assert (second["repaid_fen"], second["available_fen"], second["still_missing_fen"]) == (100, 500, 0)


def test_complaint_the_page_shows_yesterday(site: Site) -> None:
    hall = site.hall
    hall.plan()
    room = hall.room("Anna")
    hall.use(room, [2])
    hall.bill(room)
    hall.read(room, at(SECOND, 9), 500, source=ReadingSource.CYCLE)
    hall.clock.now = at(SECOND, 9, 1)
    money = site.get("/me/room/money", site.headers("Anna"))
    assert (money["balance_fen"], money["used_since_charge_wh"], money["available_fen"]) == (-100, 3000, -250)
    assert money["read_until"] == at(SECOND, 9).isoformat().replace("+00:00", "Z")


def test_complaint_226_kwh_billed_to_an_empty_room(site: Site) -> None:
    """What nobody used is billed to nobody, neither to who left nor to who comes, and staff see it."""
    hall = site.hall
    hall.plan()
    room = hall.room("Anna")
    shows = hall.use(room, [1])
    hall.move_out("Anna", SECOND)
    hall.use(room, [226], SECOND, shows)
    hall.move_in(room, "Bo", FIRST + timedelta(days=2))
    hall.bill(room, days=2)
    assert hall.balance(room) == -50
    [found] = site.get(f"/electricity-days/{SECOND}", site.staff(Role.FACILITIES))["rooms"]
    assert (found["finding"], found["charged_wh"], found["charged_fen"]) == ("vacant", 226_000, 0)
    assert site.get("/me/usage", site.headers("Bo"))["electricity"] == []


def test_complaint_not_bound_until_the_first_payment(site: Site) -> None:
    hall = site.hall
    hall.plan()
    room = hall.room("Anna")
    money = site.get("/me/room/money", site.headers("Anna"))
    assert (UUID(money["room_id"]), money["available_fen"], money["is_vacant"]) == (room, 0, False)
    assert site.get("/me/room/charges", site.headers("Anna"))["items"] == []


def test_complaint_quota_not_credited_after_a_meter_change(site: Site) -> None:
    hall = site.hall
    hall.plan(quota=Quota(WattHours(7000)))
    room = hall.room("Anna")
    hall.read(room, at(FIRST, 8), 200)
    hall.install(room, at(FIRST, 9), 88_888, final=250)
    hall.read(room, at(SECOND), 88_888 + 150)
    hall.bill(room)
    money = site.get("/me/room/money", site.headers("Anna"))
    assert [(one["granted_wh"], one["left_wh"]) for one in money["quotas"]] == [(7000, 3000)]
    [charge] = site.get("/me/room/charges", site.headers("Anna"))["items"]
    assert [(one["start"]["digits"], one["end"]["digits"]) for one in charge["readings"]] == [
        (0, 250),
        (88_888, 89_038),
    ]
    assert charge["readings"][0]["end"]["at"] == charge["readings"][1]["start"]["at"]


def test_complaint_paid_for_the_wrong_room_or_one_that_does_not_exist(site: Site) -> None:
    hall = site.hall
    room, other = hall.room("Anna", number="1005"), hall.room("Bo", number="105")
    hall.person("Cy", 5_000)
    shown = site.get(f"/rooms/{room}/preview", site.headers("Cy"))
    assert (shown["building"], shown["number"], shown["residents"]) == ("北一楼", "1005", ["A."])
    body = {"fen": 1000, "quote": shown["quote"]}
    wrong = site.send(f"/rooms/{other}/top-ups", site.headers("Cy"), body)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "room_not_seen")
    assert site.send(f"/rooms/{new_id()}/top-ups", site.headers("Cy"), body).status_code == 404
    hall.move_in(room, "Dee", FIRST)
    assert site.send(f"/rooms/{room}/top-ups", site.headers("Cy"), body).json()["code"] == "room_not_seen"
    assert site.top_up(room, "Cy", 1000).json()["number"] == "1005"
    assert (hall.balance(room), hall.balance(other), hall.balance(hall.people["Cy"])) == (1000, 0, 4000)


def test_complaint_paid_twice_because_the_answer_took_minutes(site: Site) -> None:
    hall = site.hall
    room = hall.room("Anna")
    hall.person("Anna", 5_000)
    key = str(new_id())
    quote = site.get(f"/rooms/{room}/preview", site.headers("Anna"))["quote"]
    body = {"fen": 1000, "quote": quote}
    first = site.send(f"/rooms/{room}/top-ups", site.headers("Anna"), body, key=key)
    hall.clock.now += timedelta(hours=1)
    again = site.send(f"/rooms/{room}/top-ups", site.headers("Anna"), body, key=key)
    assert first.json() == again.json()
    assert hall.balance(room) == 1000


def test_complaint_after_a_move_curve_and_payment_follow_different_rooms(site: Site) -> None:
    hall = site.hall
    hall.plan()
    old, new = hall.room("Anna", number="1"), hall.room(number="2")
    hall.use(old, [4, 4])
    hall.use(new, [6, 6])
    hall.person("Anna", 5_000)
    hall.move_out("Anna", SECOND)
    hall.move_in(new, "Anna", SECOND)
    for room in (old, new):
        hall.bill(room, days=2)
    assert UUID(site.get("/me/room/money", site.headers("Anna"))["room_id"]) == new
    assert [one["wh"] for one in site.get("/me/room/charges", site.headers("Anna"))["items"]] == [6000]
    [month] = site.get("/me/usage", site.headers("Anna"))["electricity"]
    assert month == {"month": "2026-09", "wh": 10_000, "fen": 500, "days": 2}


def test_a_payment_above_the_days_limit_needs_the_consumption_password(site: Site) -> None:
    hall = site.hall
    room = hall.room("Anna")
    hall.person("Anna", 50_000)
    site.pin("Anna")
    refused = site.top_up(room, "Anna", 20_000)
    assert (refused.status_code, refused.json()["code"]) == (403, "consumption_password_required")
    assert site.top_up(room, "Anna", 20_000, consumption_password="000000").json()["code"] == "password_wrong"
    assert site.top_up(room, "Anna", 20_000, consumption_password=PIN).status_code == 201
    assert hall.balance(room) == 20_000


def test_automatic_top_up_is_agreed_to_shown_and_revoked(site: Site) -> None:
    hall = site.hall
    hall.room("Anna")
    site.pin("Anna")
    figures = {"below_fen": 500, "fen": 2000, "month_limit_fen": 6000}
    path = "/me/room/automatic-top-up"
    wrong = site.send(path, site.headers("Anna"), figures | {"consumption_password": "0"}, method="PUT")
    assert wrong.status_code == 403
    assert site.get(path, site.headers("Anna"), 404)["code"] == "not_found"
    agreed = site.send(path, site.headers("Anna"), figures | {"consumption_password": PIN}, method="PUT").json()
    assert site.get(path, site.headers("Anna")) == agreed
    assert {name: agreed[name] for name in figures} == figures
    assert site.send(path, site.headers("Anna"), method="DELETE").status_code == 204
    assert site.send(path, site.headers("Anna"), method="DELETE").status_code == 404


@ON_BOTH
def test_a_resident_sees_only_the_charges_of_their_own_days(site: Site) -> None:
    hall = site.hall
    hall.plan()
    room = hall.room("Anna")
    hall.use(room, [1, 2, 3])
    hall.move_in(room, "Bo", FIRST + timedelta(days=2))
    hall.bill(room, days=3)
    assert [one["wh"] for one in site.get("/me/room/charges", site.headers("Bo"))["items"]] == [3000]
    page = site.get("/me/room/charges", site.headers("Anna"), limit=2)
    rest = site.get("/me/room/charges", site.headers("Anna"), limit=2, cursor=page["next"])
    assert [one["wh"] for one in page["items"] + rest["items"]] == [3000, 2000, 1000]
    staff = site.staff(Role.FACILITIES)
    assert len(site.get(f"/rooms/{room}/charges", staff)["items"]) == 3
    hall.person("Stranger")
    site.get("/me/room/charges", site.headers("Stranger"), 404)
    site.get(f"/rooms/{room}/charges", site.headers("Bo"), 403)


@ON_BOTH
def test_a_dispute_shows_the_readings_and_is_answered_once_by_another(site: Site) -> None:
    hall = site.hall
    hall.plan()
    room = hall.room("Anna", "Bo")
    hall.use(room, [9])
    hall.bill(room)
    [charge] = hall.charges(room)
    path = f"/me/charges/{charge.id}/disputes"
    raised = site.send(path, site.headers("Anna"), {"text": "we were away"})
    assert raised.status_code == 201
    assert raised.json()["charge"]["readings"][0]["end"]["digits"] == 900
    assert site.send(path, site.headers("Anna"), {"text": "again"}).json()["id"] == raised.json()["id"]
    hall.person("Stranger")
    assert site.send(path, site.headers("Stranger"), {"text": "mine?"}).json()["code"] == "not_resident"
    staff = site.staff(Role.FACILITIES)
    [listed] = site.get("/charge-disputes", staff, state="open")["items"]
    answer = {"state": "declined", "answer": "the heater ran"}
    decision = f"/charge-disputes/{listed['id']}/decision"
    own = sign_in(hall.money.accounts, hall.people["Anna"], [Role.FACILITIES], now=hall.clock.now)
    assert site.send(decision, own, answer).json()["code"] == "own_account"
    assert [site.send(decision, staff, answer).status_code for _ in range(2)] == [200, 200]
    assert site.send(decision, staff, answer | {"state": "upheld"}).json()["code"] == "dispute_decided"
    [mine] = site.get("/me/charge-disputes", site.headers("Anna"))["items"]
    assert (mine["state"], mine["answer"]) == ("declined", "the heater ran")


def test_a_refund_is_the_card_centres_and_stands_in_the_trail(site: Site) -> None:
    hall = site.hall
    room = hall.room("Anna")
    hall.person("Bo", 5_000)
    paid = site.top_up(room, "Bo", 2000).json()["id"]
    path, body, key = f"/room-top-ups/{paid}/refunds", {"reason": "wrong room"}, str(new_id())
    assert site.send(path, site.staff(Role.FACILITIES), body).status_code == 403
    cashier = site.staff(Role.CASHIER)
    answers = [site.send(path, cashier, body, key=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert (hall.balance(room), hall.balance(hall.people["Bo"])) == (0, 5000)
    [line] = site.get(f"/rooms/{room}/top-ups", cashier)["items"]
    assert (line["paid_by"], line["fen"], line["refunded_fen"]) == ("B.", 2000, 2000)
    with hall.database.read() as session:
        assert audit.find(session, action="room.refund")[0].subject == f"room:{room}"
        assert audit.find(session, action="room_top_ups.read")[0].subject == f"room:{room}"


@ON_BOTH
def test_moving_out_says_what_is_due(site: Site) -> None:
    hall = site.hall
    hall.plan()
    room = hall.room("Anna", "Bo")
    hall.person("Anna", 5_000)
    hall.use(room, [10])
    hall.clock.now = at(SECOND, 4)
    body = {"person_id": str(hall.people["Anna"]), "moved_out": str(SECOND)}
    settled = site.send(f"/rooms/{room}/settlements", site.staff(Role.FACILITIES), body).json()
    assert (settled["balance_fen"], settled["sharers"], settled["due_fen"]) == (-500, 2, 250)
    site.top_up(room, "Anna", 250)
    settled = site.send(f"/rooms/{room}/settlements", site.staff(Role.FACILITIES), body).json()
    assert (settled["paid_fen"], settled["due_fen"]) == (250, 0)


def plan_body(**changes: Any) -> dict[str, Any]:
    return {
        "name": "autumn",
        "starts_on": str(FIRST + timedelta(days=30)),
        "rates": [{"name": "peak", "prices": [6170, 6670]}, {"name": "valley", "prices": [3070, 3370]}],
        "workday_periods": [{"begins": "00:00:00", "rate": "valley"}, {"begins": "08:00:00", "rate": "peak"}],
        "tier_limits_wh": [2_880_000],
        "quota": {"wh": 7000, "months_without": [2, 8], "head_count_day": 1},
    } | changes


@ON_BOTH
def test_price_plans_are_added_ahead_and_withdrawn_before_they_start(site: Site) -> None:
    hall, admin = site.hall, site.staff(Role.ADMIN)
    hall.plan()
    added = site.send("/price-plans", admin, plan_body()).json()
    assert (added["rates"][0]["prices"], added["quota"]["months_without"]) == ([6170, 6670], [2, 8])
    assert site.send("/price-plans", admin, plan_body()).json()["code"] == "plan_start_taken"
    assert site.send("/price-plans", admin, plan_body(starts_on=str(FIRST))).json()["code"] == "plan_started"
    assert site.send("/price-plans", admin, plan_body(tier_limits_wh=[])).json()["code"] == "invalid_price_plan"
    assert site.send("/price-plans", site.staff(Role.FACILITIES), plan_body()).status_code == 403
    hall.person("Anna")
    assert len(site.get("/price-plans", site.headers("Anna"))["items"]) == 2
    withdrawn = site.send(f"/price-plans/{added['id']}/withdrawal", admin).json()
    assert withdrawn["withdrawn_at"] is not None
    assert site.send("/price-plans", admin, plan_body()).status_code == 201


def test_the_price_is_explained(site: Site) -> None:
    hall = site.hall
    site.send("/price-plans", site.staff(Role.ADMIN), plan_body(starts_on=str(FIRST), quota=None))
    room = hall.room("Anna")
    hall.read(room, at(FIRST, 8), 100, source=ReadingSource.CYCLE)
    hall.clock.now = at(FIRST, 9)
    price = site.get("/me/room/money", site.headers("Anna"))["price"]
    assert (price["rate"], price["tier"], price["price_per_kwh"]) == ("peak", 1, 6170)
    assert price["next_tier_at_wh"] == 2_880_000


def test_the_days_reconciliation_finds_what_is_missing(site: Site) -> None:
    hall, staff = site.hall, site.staff(Role.FACILITIES)
    hall.plan()
    silent, late, good = hall.room("Anna", number="1"), hall.room("Bo", number="2"), hall.room("Cy", number="3")
    hall.use(good, [1])
    hall.read(late, at(SECOND, 12), 300)
    for room in (silent, late, good):
        hall.bill(room, days=1)
    hall.clock.now = at(SECOND, 13)
    hall.read(late, at(SECOND), 100)
    day = site.get(f"/electricity-days/{FIRST}", staff)
    assert [one["finding"] for one in day["rooms"]] == ["not_billed", "readings_differ", "agrees"]
    hall.bill(late)
    day = site.get(f"/electricity-days/{FIRST}", staff)
    assert [one["finding"] for one in day["rooms"]] == ["not_billed", "agrees", "agrees"]
    assert (day["charged_fen"], day["ledger_fen"]) == (100, 100)


def test_a_day_that_no_calendar_holds_is_refused(site: Site) -> None:
    staff = site.staff(Role.FACILITIES)
    site.hall.plan()
    room = site.hall.room("Anna")
    site.hall.bill(room, days=0)
    for day in ("0001-01-01", "9999-12-31"):
        site.get(f"/electricity-days/{day}", staff, 422)
        body = {"person_id": str(site.hall.people["Anna"]), "moved_out": day}
        assert site.send(f"/rooms/{room}/settlements", staff, body).status_code == 422


def test_a_stranger_who_looks_at_a_room_leaves_a_line_and_may_not_look_at_all_of_them(site: Site) -> None:
    hall = site.hall
    room = hall.room("Anna")
    hall.person("Stranger")
    site.get(f"/rooms/{room}/preview", site.headers("Anna"))
    statuses = [
        site.client.get(f"/api/v1/rooms/{room}/preview", headers=site.headers("Stranger")).status_code
        for _ in range(61)
    ]
    assert statuses == [200] * 60 + [429]
    with hall.database.read() as session:
        lines = audit.find(session, action="room.preview", limit=100)
    assert len(lines) == 60
    assert {line.actor for line in lines} == {f"person:{hall.people['Stranger']}"}
