"""Holds over the API: what a meter reserves is taken once, released once, or free again by itself."""

from typing import Any

import pytest
from httpx import Response

from accounts.ledger.expiry import expire_holds
from accounts.vocabulary import DeviceRole
from database import new_id
from tests.accounts.payments.steps import code
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE


@pytest.fixture
def meter(shop: Any) -> dict[str, str]:
    token: dict[str, str] = shop.campus.as_device(DeviceRole.METER, campus="north", merchant_id=shop.merchant_id)
    return token


def hold(shop: Any, meter: dict[str, str], holder: Any, amount: int, **body: Any) -> Response:
    body = {"id": str(new_id()), "amount": amount, "card": {"uid": holder.uid}, "seconds": 1800} | body
    answer: Response = shop.client.post("/api/v1/holds", json=body, headers=meter)
    return answer


def end(shop: Any, meter: dict[str, str], hold_id: str, how: str, **body: Any) -> Response:
    answer: Response = shop.client.post(f"/api/v1/holds/{hold_id}/{how}", json=body or None, headers=meter)
    return answer


def available(shop: Any, holder: Any) -> tuple[int, int]:
    wallet = shop.client.get("/api/v1/me/wallet", headers=shop.campus.as_person(holder.id)).json()
    return wallet["balance"], wallet["available"]


def test_a_meter_holds_then_takes_what_was_used_and_the_rest_is_free(shop: Any, meter: dict[str, str]) -> None:
    holder = shop.holder(2_000)
    body = {"id": str(new_id())}
    for _ in range(2):
        held = hold(shop, meter, holder, 800, **body)
        assert (held.status_code, held.json()["state"], held.json()["taken"]) == (201, "open", None)
    assert available(shop, holder) == (2_000, 1_200)
    assert code(end(shop, meter, body["id"], "post", amount=801)) == "hold_exceeded"
    for _ in range(2):
        taken = end(shop, meter, body["id"], "post", amount=350).json()
        assert (taken["state"], taken["taken"]) == ("posted", 350)
    assert available(shop, holder) == (1_650, 1_650)
    assert shop.balance(shop.merchant_id) == 350
    assert code(end(shop, meter, body["id"], "post", amount=351)) == "payment_id_reused"
    assert code(end(shop, meter, body["id"], "void")) == "hold_ended"
    assert shop.client.get(f"/api/v1/holds/{body['id']}", headers=meter).json() == taken
    back = shop.post(f"/payments/{taken['payment_id']}/refunds", id=str(new_id()), amount=50)
    assert (back.status_code, available(shop, holder)) == (201, (1_700, 1_700))


def test_a_hold_that_is_let_go_or_runs_out_takes_nothing(shop: Any, meter: dict[str, str]) -> None:
    holder = shop.holder(2_000)
    gone, late = (hold(shop, meter, holder, 800).json()["id"] for _ in range(2))
    for _ in range(2):
        assert end(shop, meter, gone, "void").json()["state"] == "voided"
    shop.campus.clock.forward(seconds=1800)
    assert code(end(shop, meter, late, "post", amount=1)) == "hold_ended"
    assert shop.client.get(f"/api/v1/holds/{late}", headers=meter).json()["state"] == "expired"
    with shop.database.begin() as session:
        expire_holds(session, shop.now)
    assert available(shop, holder) == (2_000, 2_000)
    assert shop.client.get(f"/api/v1/holds/{late}", headers=meter).json()["state"] == "expired"


def test_holds_count_in_the_limits_and_in_the_balance(shop: Any, meter: dict[str, str]) -> None:
    holder = shop.holder(6_000)
    held = hold(shop, meter, holder, 2_500).json()["id"]
    refused = shop.pay(holder, 501)
    assert (code(refused), refused.json()["limit"], refused.json()["left"]) == (
        "consumption_password_required",
        "meal",
        500,
    )
    assert code(hold(shop, meter, holder, 3_501, consumption_password="482913")) == "insufficient_funds"
    end(shop, meter, held, "post", amount=100)
    assert shop.pay(holder, 2_900).status_code == 201


def test_only_a_meter_or_terminal_of_the_merchant_ends_a_hold(shop: Any, meter: dict[str, str]) -> None:
    holder = shop.holder(2_000)
    held = hold(shop, meter, holder, 800).json()["id"]
    _, stranger = shop.another_merchant()
    assert code(end(shop, stranger, held, "void")) == "not_found"
    assert code(end(shop, shop.campus.as_device(DeviceRole.DESK), held, "void")) == "device_role_required"
    assert code(end(shop, meter, str(new_id()), "void")) == "not_found"
    paid = shop.pay(holder, 100).json()["id"]
    assert code(end(shop, meter, paid, "post", amount=1)) == "not_found", "a payment is no hold"
    assert code(shop.post(f"/payments/{held}/refunds", id=str(new_id()))) == "not_found", "a hold is no payment"
