"""The HTTP side of supply: the reading process's orders, what residents see, what staff do with a second person."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from fastapi import Request

from accounts import audit
from accounts.ledger import LedgerWriter
from accounts.passwords import Hasher
from accounts.payments.services import MoneyServices
from accounts.services import AccountsServices
from accounts.vocabulary import Role
from database import new_id
from metering.api import meter_orders, supply
from metering.services import MeteringServices
from metering.supply import orders
from tests.apps import LentApps
from tests.databases import ON_BOTH, ON_SQLITE
from tests.sign_ins import sign_in
from web.routes import join

pytestmark = ON_SQLITE


router = join(part.router for part in (meter_orders, supply))


class Site:
    """The dormitory behind its API."""

    def __init__(self, dormitory, client, services):
        self.dormitory, self.client, self.services = dormitory, client, services
        self.reader = {"Authorization": f"Bearer {dormitory.device_token}"}
        self.staff, self.second, self.cashier = (
            sign_in(services, None, roles, now=dormitory.now)
            for roles in ([Role.FACILITIES], [Role.FACILITIES], [Role.CASHIER])
        )
        self.resident = sign_in(services, dormitory.people[0], now=dormitory.now)
        self.stranger = sign_in(services, now=dormitory.now)

    def get(self, path, who, status=200, **query):
        answer = self.client.get(f"/api/v1{path}", headers=who, params=query)
        assert answer.status_code == status, answer.text
        return answer.json()

    def send(self, method, path, who, body=None, status=200, key=None):  # noqa: PLR0917
        headers = {**who, "Idempotency-Key": key or str(new_id())}
        answer = self.client.request(method, f"/api/v1{path}", headers=headers, json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def result(self, order, status=204, **body):
        said = {"outcome": "done", "at": self.dormitory.now.isoformat(), **body}
        return self.send("POST", f"/meter-reader/orders/{order['id']}/result", self.reader, said, status)

    def ask(self, action="trip", reason="staff", *, who=None, status=201, key=None):
        body = {"action": action, "reason": reason, "note": "repairs"}
        path = f"/rooms/{self.dormitory.room}/supply/requests"
        return self.send("POST", path, who or self.staff, body, status, key)


@pytest.fixture
def site(dormitory, lent_apps: LentApps) -> Iterator[Site]:
    accounts = AccountsServices(
        database=dormitory.database,
        secret=b"a test secret of enough bytes 123",
        clock=lambda: dormitory.now,
        hasher=Hasher(time_cost=1, memory_kib=8),
        access_token_lifetime=timedelta(days=1),
    )
    with LedgerWriter(dormitory.database) as writer, lent_apps.lend(router) as app:
        app.state.accounts = accounts
        app.state.metering = MeteringServices(
            money=MoneyServices(accounts=accounts, writer=writer),
            rules=dormitory.keeper.rules,
            credits=dormitory.money,
            notify=dormitory.inbox,
        )
        with lent_apps.ask(app) as client:
            yield Site(dormitory, client, accounts)


def test_paid_armed_press_the_button(site):
    dormitory = site.dormitory
    dormitory.pay(-620)
    dormitory.review()
    (order,) = site.get("/meter-reader/orders", site.reader)["orders"]
    assert (order["action"], order["meter"]) == ("trip", str(dormitory.meter))
    site.result(order, supply="off", status_word=0x50, digits=123_456)
    seen = site.get("/me/room/supply", site.resident)
    assert (seen["supply"], seen["advice"], seen["needed_fen"]) == ("off", "pay", 621)
    assert seen["grounds"][0]["lifted_by"] == "payment"
    assert [notice["kind"] for notice in seen["notices"]] == ["cut_off", "cut_off_ahead"]

    dormitory.wait(minutes=5)
    paid_at = dormitory.now
    dormitory.wait(seconds=2)
    dormitory.pay(380, paid_at=paid_at)
    dormitory.review()
    assert site.get("/me/room/supply", site.resident)["advice"] == "wait"
    (order,) = site.get("/meter-reader/orders", site.reader)["orders"]
    assert order["action"] == "arm"
    dormitory.wait(seconds=7)
    site.result(order, supply="armed", status_word=0x10)
    seen = site.get("/me/room/supply", site.resident)
    assert (seen["supply"], seen["advice"], seen["needed_fen"]) == ("armed", "press_button", 0)
    assert [seen[name][11:19] for name in ("paid_at", "ordered_at", "armed_at")] == ["04:05:00", "04:05:02", "04:05:09"]


def test_a_done_without_proof_is_refused_and_an_unknown_order_is_not_found(site):
    site.dormitory.pay(-620)
    site.dormitory.review()
    (order,) = site.get("/meter-reader/orders", site.reader)["orders"]
    assert site.get("/meter-reader/orders", site.reader) == {"orders": []}
    assert site.result(order, 422, supply="on")["code"] == "meter_result_without_proof"
    site.result(order, outcome="refused", supply="on", error="no trip while power is kept on")
    site.result(order, outcome="refused", supply="on", error="no trip while power is kept on")
    assert site.result(order, 409, supply="off")["code"] == "meter_order_over"
    assert site.result({"id": new_id()}, 404, supply="off")["code"] == "not_found"


def test_a_readers_clock_that_is_ahead_makes_nothing_look_older(site):
    dormitory = site.dormitory
    dormitory.pay(-620)
    dormitory.review()
    (order,) = site.get("/meter-reader/orders", site.reader)["orders"]
    site.result(order, supply="off", at=(dormitory.now + timedelta(hours=5)).isoformat())
    dormitory.pay(380)
    dormitory.wait(minutes=1)
    dormitory.review()
    (order,) = site.get("/meter-reader/orders", site.reader)["orders"]
    site.result(order, supply="armed")
    assert site.get("/me/room/supply", site.resident)["supply"] == "armed"


def test_who_waits_gets_an_order_that_comes_meanwhile(site):
    dormitory = site.dormitory
    dormitory.pay(-620)
    began = time.monotonic()
    later = threading.Timer(0.2, dormitory.review)
    later.start()
    found = site.get("/meter-reader/orders", site.reader, wait_s=20)
    later.join()
    assert [order["action"] for order in found["orders"]] == ["trip"]
    assert time.monotonic() - began < 20, "it did not wait to the end"


def test_only_a_meter_device_fetches_orders(site):
    site.get("/meter-reader/orders", {}, 401)
    site.get("/meter-reader/orders", site.staff, 401)


def test_staff_cut_off_with_a_reason_an_audit_line_and_a_second_person(site):
    key = str(new_id())
    request = site.ask(key=key)
    assert request["state"] == "waiting"
    assert site.ask(key=key) == request, "the same request sent again is the same request"
    assert site.get("/meter-reader/orders", site.reader) == {"orders": []}
    path = f"/supply-requests/{request['id']}"
    assert site.send("POST", f"{path}/confirm", site.staff, status=403)["code"] == "supply_second_person_needed"
    assert site.send("POST", f"{path}/confirm", site.second)["state"] == "done"
    assert len(site.get("/meter-reader/orders", site.reader)["orders"]) == 1
    assert site.send("POST", f"{path}/cancel", site.staff, status=409)["code"] == "supply_request_not_waiting"
    with site.dormitory.database.read() as session:
        trail = [(line.action, line.subject, json.loads(line.details)) for line in audit.find(session, limit=99)]
    lines = {action: details for action, subject, details in trail if subject == f"supply_request:{request['id']}"}
    assert set(lines) == {"supply.ask", "supply.confirm", "supply.done"}
    assert lines["supply.ask"] == {"action": "trip", "reason": "staff", "room": str(site.dormitory.room)}


def test_staff_neither_cut_off_nor_arm_nor_favour_the_room_they_live_in(site):
    living = sign_in(site.services, site.dormitory.people[0], [Role.FACILITIES], now=site.dormitory.now)
    room, limits = f"/rooms/{site.dormitory.room}/supply", {"load_limit_w": 5_000, "is_curfew_exempt": True}
    assert site.ask(who=living, status=403)["code"] == "own_account"
    assert site.send("PUT", f"{room}/limits", living, limits, 403)["code"] == "own_account"
    asked = site.ask()
    assert site.send("POST", f"/supply-requests/{asked['id']}/confirm", living, status=403)["code"] == "own_account"


@ON_BOTH
def test_a_request_can_be_cancelled_and_is_listed(site):
    request = site.ask()
    assert [one["id"] for one in site.get("/supply-requests", site.staff, state="waiting")["items"]] == [request["id"]]
    assert site.send("POST", f"/supply-requests/{request['id']}/cancel", site.second)["state"] == "cancelled"
    assert site.get("/supply-requests", site.staff, state="waiting")["items"] == []


def test_money_is_not_for_staff_to_lift(site):
    site.dormitory.pay(-620)
    site.dormitory.review()
    answer = site.ask("arm", "no_credit", status=409)
    assert (answer["code"], answer["lifted_by"]) == ("supply_not_for_staff", "payment")
    assert site.ask("arm", "staff", status=409)["code"] == "supply_not_cut_off"
    assert site.ask("apply", "staff", status=409)["code"] == "supply_not_for_staff"
    site.ask(who=site.cashier, status=403)
    site.ask(who=site.resident, status=403)


def test_a_resident_applies_in_writing_and_staff_grant_it(site):
    dormitory = site.dormitory
    site.send("PUT", f"/rooms/{dormitory.room}/supply/limits", site.staff, {"load_limit_w": 600})
    for _ in range(3):
        with dormitory.database.begin() as session:
            dormitory.keeper.note_power(session, dormitory.room, 900, now=dormitory.now)
        dormitory.obey()
        dormitory.wait(minutes=10)
        dormitory.review()
        if dormitory.obey():
            dormitory.press_button()
    seen = site.get("/me/room/supply", site.resident)
    assert (seen["advice"], seen["grounds"][0]["lifted_by"]) == ("apply", "written_request")
    wish = {"reason": "overload", "note": "the kettle is gone"}
    path = "/me/room/supply/applications"
    made = site.send("POST", path, site.resident, wish, 201)
    assert site.send("POST", path, site.resident, wish, 201) == made
    site.send("POST", path, site.stranger, wish, 404)
    assert site.send("POST", f"/supply-requests/{made['id']}/confirm", site.staff)["state"] == "done"
    assert [order["action"] for order in site.get("/meter-reader/orders", site.reader)["orders"]] == ["arm"]


def test_who_does_not_live_there_does_not_see_the_room(site):
    assert site.get("/me/room/supply", site.stranger, 404)["code"] == "not_found"
    site.get(f"/rooms/{site.dormitory.room}/supply", site.resident, 403)
    site.get(f"/rooms/{new_id()}/supply", site.staff, 404)
    assert site.get(f"/rooms/{site.dormitory.room}/supply", site.staff)["supply"] == "on"


def test_the_cold_is_said_by_staff_and_nobody_is_cut_off(site):
    dormitory = site.dormitory
    until = (dormitory.now + timedelta(hours=3)).isoformat()
    site.send("PUT", "/outdoor-temperature", site.staff, {"temperature_c": -5, "valid_until": until}, 204)
    dormitory.pay(-620)
    dormitory.review()
    assert site.get("/meter-reader/orders", site.reader) == {"orders": []}
    with dormitory.database.read() as session:
        assert orders.find_for_room(session, dormitory.room) == []


def test_a_room_left_out_of_the_curfew_keeps_its_limit(site):
    path = f"/rooms/{site.dormitory.room}/supply/limits"
    said = site.send("PUT", path, site.staff, {"load_limit_w": 1500, "is_curfew_exempt": True})
    assert said == {"room_id": str(site.dormitory.room), "load_limit_w": 1500, "is_curfew_exempt": True}
    site.send("PUT", path, site.staff, {"load_limit_w": 5}, 422)


def test_who_waits_for_orders_while_the_server_stops_is_answered(site):
    async def waits_for_ever():
        await asyncio.Event().wait()

    async def story():
        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        device = SimpleNamespace(device_id=site.dormitory.device)
        asked = meter_orders.fetch_orders(
            Request(scope, waits_for_ever), device=device, services=site.services, database=site.dormitory.database,
            wait_s=20,
        )  # fmt: skip
        task = asyncio.create_task(asked)
        # The first look at the table is over.
        await asyncio.sleep(0.3)
        task.cancel()
        assert (await task).orders == ()

    asyncio.run(story())
