"""Payments by a merchant's printed code: opened once, paid late, refused where the merchant takes nothing."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from accounts.payment_channels.channel import ChannelNotConnectedError
from accounts.payments import charges, merchant_codes, merchants
from accounts.payments.charges import SCAN_PATIENCE
from accounts.payments.merchant_codes import ScannedPayment
from accounts.payments.problems import PaymentIdReusedError, ServiceNotOnCampusError
from accounts.payments.wallet import Terminal
from database import new_id
from tests.databases import ON_SQLITE
from web.problems import NotFoundError
from web.rate_limits import TooManyTriesError

pytestmark = ON_SQLITE


def scanned(shop: Any, **given: Any) -> ScannedPayment:
    return replace(ScannedPayment(new_id(), shop.merchant_id, "wechat", 1_500), **given)


def open_one(shop: Any, wanted: ScannedPayment) -> Any:
    made = merchant_codes.open_charge(shop.money, wanted, "192.0.2.1", shop.now)
    _, merchant = merchant_codes.query(shop.money, wanted.merchant_id, wanted.id, shop.now)
    merchant_codes.ask_how_to_pay(shop.money, made, merchant, shop.now)
    return made


def state(shop: Any, wanted: ScannedPayment) -> tuple[str, str | None]:
    found, _ = merchant_codes.query(shop.money, wanted.merchant_id, wanted.id, shop.now)
    return found.state, found.reason


def test_the_same_payment_again_is_the_same_and_another_under_its_id_is_none(shop: Any) -> None:
    wanted = scanned(shop)
    assert open_one(shop, wanted).id == open_one(shop, wanted).id
    for other in (scanned(shop, id=wanted.id, amount=1_600), scanned(shop, id=wanted.id, channel="alipay")):
        with pytest.raises(PaymentIdReusedError):
            merchant_codes.open_charge(shop.money, other, "192.0.2.1", shop.now)
    shop.providers["wechat"].pay(wanted.id)
    assert (state(shop, wanted), shop.balance(shop.merchant_id)) == (("paid", None), 1_500)


def test_money_that_came_after_the_time_was_over_goes_back(shop: Any) -> None:
    wanted = scanned(shop)
    open_one(shop, wanted)
    shop.campus.clock.forward(seconds=SCAN_PATIENCE.total_seconds())
    assert state(shop, wanted)[0] == "refused"
    late = shop.providers["wechat"].order(wanted.id)
    paid = late.__class__(late.id, late.state.PAID, late.amount, "late", shop.now)
    assert charges.settle(shop.money, paid, shop.now).refunding == 1_500
    assert state(shop, wanted)[1] is not None, "its payer goes on reading that the merchant was not paid"


def test_a_terminal_of_the_merchant_may_end_it_and_another_merchant_never_sees_it(shop: Any) -> None:
    wanted = scanned(shop)
    open_one(shop, wanted)
    other, _ = shop.another_merchant()
    with pytest.raises(NotFoundError):
        merchant_codes.query(shop.money, other, wanted.id, shop.now)
    assert shop.post(f"/payments/{wanted.id}/reversal").json()["state"] == "cancelled"
    assert state(shop, wanted)[0] == "refused"


def test_a_charge_at_a_terminal_is_no_scanned_payment(shop: Any) -> None:
    charge_id = UUID(shop.scan("130000000000000001", 500).json()["id"])
    with pytest.raises(NotFoundError):
        merchant_codes.query(shop.money, shop.merchant_id, charge_id, shop.now)
    assert charges.get(shop.money, Terminal(new_id(), shop.merchant_id, "north"), charge_id).by_scan is False


def test_where_nothing_may_be_paid_nothing_is_opened(shop: Any) -> None:
    elsewhere, _ = shop.another_merchant(campus="west")
    for wrong, error in (
        (scanned(shop, merchant_id=new_id()), NotFoundError),
        (scanned(shop, merchant_id=elsewhere), ServiceNotOnCampusError),
        (scanned(shop, channel="abchina"), ChannelNotConnectedError),
    ):
        with pytest.raises(error):
            merchant_codes.open_charge(shop.money, wrong, "192.0.2.1", shop.now)
    with shop.database.begin() as session:
        merchants.set_campuses(session, "canteen", [], by="system", now=shop.now)
    with pytest.raises(ServiceNotOnCampusError):
        merchant_codes.open_charge(shop.money, scanned(shop), "192.0.2.1", shop.now)


def test_one_network_opens_so_many_and_no_more(shop: Any) -> None:
    shop.money.scans.limit = 2
    wanted = scanned(shop)
    for one in (wanted, scanned(shop), wanted):
        merchant_codes.open_charge(shop.money, one, "192.0.2.1", shop.now)
    with pytest.raises(TooManyTriesError):
        merchant_codes.open_charge(shop.money, scanned(shop), "192.0.2.1", shop.now)
    merchant_codes.open_charge(shop.money, scanned(shop), "192.0.2.2", shop.now)
