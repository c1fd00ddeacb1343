"""Nobody moves money or cards of their own account as staff, and much cash needs two people."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from accounts import audit
from accounts.payments.ceilings import Ceilings
from accounts.vocabulary import DeviceRole, Role
from database import new_id
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE


STAFF = (Role.CASHIER, Role.ADMIN, Role.FACILITIES, Role.REVIEWER)


@pytest.fixture
def me(shop: Any) -> Any:
    """A cashier and administrator with a card and money of their own."""
    holder = shop.holder(5_000)
    holder.headers = shop.campus.as_person(holder.id, *STAFF)
    return holder


def top_up_of(shop: Any, holder: Any) -> Any:
    order = {"id": str(new_id()), "channel": "wechat", "amount": 1_000}
    assert shop.client.post("/api/v1/me/top-ups", json=order, headers=holder.headers).status_code == 201
    shop.providers["wechat"].pay(order["id"])
    assert shop.client.get(f"/api/v1/me/top-ups/{order['id']}", headers=holder.headers).json()["state"] == "credited"
    return order["id"]


def offline_payment_of(shop: Any, holder: Any) -> Any:
    at = (shop.now - timedelta(days=9)).isoformat()
    item = {"id": str(new_id()), "amount": 100, "card": {"uid": holder.uid}, "at": at}
    assert shop.post("/payments/offline", items=[item]).json()[0]["state"] == "waiting"
    return item["id"]


def request_of(shop: Any, holder: Any) -> Any:
    body = {"id": str(new_id()), "person_id": str(holder.id), "amount": 100_001}
    answer = shop.client.post("/api/v1/cash-top-ups", json=body, headers=shop.campus.as_role(Role.CASHIER))
    assert answer.status_code == 202
    return body["id"]


def _cash(shop: Any, me: Any) -> dict[str, Any]:
    return {"id": str(new_id()), "person_id": str(me.id), "amount": 100}


def _subsidy(shop: Any, me: Any) -> dict[str, Any]:
    grants = [{"person_id": str(shop.holder().id), "amount": 100}, {"person_id": str(me.id), "amount": 100}]
    return {"id": str(new_id()), "fund": "winter", "grants": grants}


REFUSED: dict[str, tuple[Callable[..., str], Callable[..., dict[str, Any]]]] = {
    "POST /api/v1/cash-top-ups": (lambda *_: "cash-top-ups", _cash),
    "POST /api/v1/cash-payouts": (lambda *_: "cash-payouts", _cash),
    "POST /api/v1/subsidies": (lambda *_: "subsidies", _subsidy),
    "POST /api/v1/top-ups/{order_id}/refunds": (
        lambda shop, me: f"top-ups/{top_up_of(shop, me)}/refunds",
        lambda *_: {"id": str(new_id()), "amount": 100},
    ),
    "POST /api/v1/payments/{payment_id}/counter-refunds": (
        lambda shop, me: f"payments/{shop.pay(me, 1_000).json()['id']}/counter-refunds",
        lambda *_: {"id": str(new_id()), "amount": 100, "reason": "charged twice"},
    ),
    "POST /api/v1/offline-payments/{payment_id}/decision": (
        lambda shop, me: f"offline-payments/{offline_payment_of(shop, me)}/decision",
        lambda *_: {"accept": False},
    ),
    "POST /api/v1/cash-requests/{request_id}/decision": (
        lambda shop, me: f"cash-requests/{request_of(shop, me)}/decision",
        lambda *_: {"accept": True},
    ),
    "POST /api/v1/people/{person_id}/cards": (
        lambda _shop, me: f"people/{me.id}/cards",
        lambda *_: {"uid": "04EEEEEEEEEEEE"},
    ),
    "POST /api/v1/people/{person_id}/loss/release": (lambda _shop, me: f"people/{me.id}/loss/release", lambda *_: {}),
    "POST /api/v1/people/{person_id}/reissue": (
        lambda _shop, me: f"people/{me.id}/reissue",
        lambda *_: {"uid": "04EEEEEEEEEEEE"},
    ),
    "POST /api/v1/people/{person_id}/loss": (lambda _shop, me: f"people/{me.id}/loss", lambda *_: {}),
    "POST /api/v1/cards/{card_id}/suspend": (lambda _shop, me: f"cards/{me.card_id}/suspend", lambda *_: {"note": ""}),
    "POST /api/v1/cards/{card_id}/return": (lambda _shop, me: f"cards/{me.card_id}/return", lambda *_: {"note": ""}),
    "POST /api/v1/cards/{card_id}/release": (
        lambda _shop, me: f"cards/{me.card_id}/release",
        lambda *_: {"note": "mine"},
    ),
}
"""Each way by which staff move money or cards of an account, tried on their own."""

ABOUT_NO_ACCOUNT = {
    "POST /api/v1/merchants",
    "PUT /api/v1/services/{service}/campuses",
    "POST /api/v1/days/{day}/close",
}


def test_every_way_by_which_staff_move_money_or_cards_is_known_here(shop: Any) -> None:
    paths = shop.client.app.openapi()["paths"]
    found = {
        f"{method.upper()} {path}"
        for path, operations in paths.items()
        for method, operation in operations.items()
        if method != "get"
        and {"card centre", "cards"}.intersection(operation["tags"])
        and any("person" in way for way in operation.get("security", []))
    }
    assert found == REFUSED.keys() | ABOUT_NO_ACCOUNT


@pytest.mark.parametrize("way", REFUSED)
def test_nobody_does_it_for_their_own_account(shop: Any, me: Any, way: str) -> None:
    path, body = REFUSED[way]
    headers = me.headers | {"Idempotency-Key": str(new_id())}
    address, given = f"/api/v1/{path(shop, me)}", body(shop, me)
    before = shop.balance(me.id)
    answer = shop.client.post(address, json=given, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "own_account")
    assert shop.balance(me.id) == before


def test_much_cash_waits_for_an_administrator_who_did_not_ask(shop: Any) -> None:
    holder = shop.holder()
    asker, other = (shop.holder() for _ in range(2))
    desk = shop.campus.as_person(asker.id, Role.CASHIER, Role.ADMIN)
    admin = shop.campus.as_person(other.id, Role.ADMIN)
    body = {"id": str(new_id()), "person_id": str(holder.id), "amount": 100_001}
    for _ in range(2):
        answer = shop.client.post("/api/v1/cash-top-ups", json=body, headers=desk)
        assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    assert shop.balance(holder.id) == 0
    (waiting,) = shop.client.get("/api/v1/cash-requests", headers=desk).json()["items"]
    assert waiting["id"] == body["id"]

    path = f"/api/v1/cash-requests/{body['id']}/decision"
    assert shop.client.post(path, json={"accept": True}, headers=desk).json()["code"] == "asker_cannot_decide"
    cashier = shop.campus.as_role(Role.CASHIER)
    assert shop.client.post(path, json={"accept": True}, headers=cashier).json()["code"] == "role_required"
    for _ in range(2):
        assert shop.client.post(path, json={"accept": True}, headers=admin).json()["state"] == "done"
    assert shop.client.post(path, json={"accept": False}, headers=admin).json()["code"] == "cash_request_decided"
    assert shop.balance(holder.id) == 100_001
    assert shop.client.post("/api/v1/cash-top-ups", json=body, headers=desk).json()["state"] == "done"
    assert shop.balance(holder.id) == 100_001
    assert shop.client.get("/api/v1/cash-requests", headers=desk).json()["items"] == []
    with shop.database.read() as session:
        lines = {line.action: line.actor for line in audit.find(session, subject=f"person:{holder.id}")}
    assert lines["cash_request.ask"] == lines["cash_in"] == f"person:{asker.id}"
    assert lines["cash_request.done"] == f"person:{other.id}"


def test_much_cash_in_small_pieces_waits_too(shop: Any) -> None:
    holder = shop.holder(200_000)
    desk = shop.campus.as_role(Role.CASHIER)

    def pay_out(fen: int) -> int:
        body = {"id": str(new_id()), "person_id": str(holder.id), "amount": fen}
        return int(shop.client.post("/api/v1/cash-payouts", json=body, headers=desk).status_code)

    assert [pay_out(40_000) for _ in range(3)] == [201, 201, 202]
    shop.campus.clock.forward(hours=25)
    desk = shop.campus.as_role(Role.CASHIER)
    assert pay_out(40_000) == 201
    assert shop.balance(holder.id) == 80_000


def test_what_was_declined_moves_nothing_and_its_id_is_used_up(shop: Any) -> None:
    holder = shop.holder(200_000)
    desk, admin = shop.campus.as_role(Role.CASHIER), shop.campus.as_role(Role.ADMIN)
    body = {"id": str(new_id()), "person_id": str(holder.id), "amount": 150_000}
    assert shop.client.post("/api/v1/cash-payouts", json=body, headers=desk).status_code == 202
    path = f"/api/v1/cash-requests/{body['id']}/decision"
    assert shop.client.post(path, json={"accept": False}, headers=admin).json()["state"] == "declined"
    assert shop.client.post("/api/v1/cash-payouts", json=body, headers=desk).json()["state"] == "declined"
    other = body | {"amount": 100}
    assert shop.client.post("/api/v1/cash-payouts", json=other, headers=desk).json()["code"] == "payment_id_reused"
    assert shop.balance(holder.id) == 200_000


def test_a_kiosk_makes_no_riches(shop: Any) -> None:
    holder = shop.holder()
    kiosk = shop.campus.as_device(DeviceRole.KIOSK, campus="north")
    body = {"id": str(new_id()), "card": {"uid": holder.uid}, "amount": 100_001}
    assert shop.client.post("/api/v1/kiosk/cash-top-ups", json=body, headers=kiosk).status_code == 202
    assert shop.balance(holder.id) == 0


def test_a_kiosks_token_does_not_credit_every_card_of_the_campus(shop: Any) -> None:
    shop.client.app.state.money = replace(shop.money, ceilings=Ceilings(kiosk_day=100_000))
    kiosk, other = (shop.campus.as_device(DeviceRole.KIOSK, campus="north") for _ in range(2))

    def pay_in(holder: Any, at: Any) -> int:
        body = {"id": str(new_id()), "card": {"uid": holder.uid}, "amount": 60_000}
        status: int = shop.client.post("/api/v1/kiosk/cash-top-ups", json=body, headers=at).status_code
        return status

    holders = [shop.holder() for _ in range(3)]
    assert [pay_in(holder, kiosk) for holder in holders] == [201, 202, 202]
    assert pay_in(holders[1], other) == 201, "another kiosk has a box of its own"
    assert [shop.balance(holder.id) for holder in holders] == [60_000, 60_000, 0]
    shop.campus.clock.forward(days=1, minutes=1)
    assert pay_in(holders[2], kiosk) == 201
