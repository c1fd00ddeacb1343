"""Payment codes: the virtual card's, and third parties' routed to their channel."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from accounts import cards
from accounts.cards import virtual_cards, virtual_code
from accounts.ledger import AccountKind, named_account
from accounts.payment_channels.channel import ChannelState
from accounts.payments import charge_refunds, charges, codes
from accounts.tables import Person
from accounts.vocabulary import Channel
from database import new_id
from messages.signed_codes import CodeSigner
from tests.accounts.payments.steps import code
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE


PIN = "482913"
PAID, SLOW, POOR = "130000000000000001", "130000000000000000", "130000000000000009"


def show_code(shop: Any, holder: Any) -> str:
    """What the holder's phone shows now."""
    with shop.database.begin() as session:
        person = session.get(Person, holder.id)
        shown = [card for card in cards.of_person(session, holder.id) if card.code_handle]
        if not shown:
            user = virtual_cards.ChannelUser(user=f"user {person.id}", phone=None)
            shown = [virtual_cards.bind(session, person, Channel.WECHAT, user, by="system", now=shop.now)]
        lease = virtual_cards.lease(session, shown[0], shop.money.accounts.code_key, now=shop.now)
        return virtual_code.make(lease.secret, lease.handle, int(shop.now.timestamp()))


def test_a_virtual_code_pays_from_the_same_wallet(shop: Any) -> None:
    holder = shop.holder(5_000)
    answer = shop.scan(show_code(shop, holder), 1_200)
    assert (answer.status_code, answer.json()["balance"], answer.json()["channel"]) == (201, 3_800, "wallet")


def test_a_till_may_send_all_that_it_scanned_of_a_signed_code(shop: Any) -> None:
    holder = shop.holder(5_000)
    shown, body = show_code(shop, holder), {"id": str(new_id())}
    scanned = CodeSigner(Ed25519PrivateKey.generate(), "main").sign(shown, int(shop.now.timestamp()))
    assert shop.scan(scanned, 1_200, **body).status_code == 201
    assert shop.scan(shown, 1_200, **body).json()["balance"] == 3_800, "the same payment again"
    assert code(shop.scan(scanned, 100)) == "code_used"


def test_a_screenshot_used_twice_pays_once(shop: Any) -> None:
    holder = shop.holder(5_000)
    shown = show_code(shop, holder)
    with ThreadPoolExecutor(6) as clients:
        answers = list(clients.map(lambda _: shop.scan(shown, 100), range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [403] * 5
    assert shop.balance(holder.id) == 4_900


def test_a_code_is_not_used_up_by_a_payment_that_was_refused(shop: Any) -> None:
    holder = shop.holder(20_000)
    shown, body = show_code(shop, holder), {"id": str(new_id())}
    assert code(shop.scan(shown, 4_000, **body)) == "consumption_password_required"
    assert code(shop.scan(shown, 4_000, consumption_password="000000", **body)) == "password_wrong"
    assert shop.scan(shown, 4_000, consumption_password=PIN, **body).status_code == 201
    assert shop.scan(shown, 4_000, consumption_password=PIN, **body).status_code == 201, "the same payment again"
    assert code(shop.scan(shown, 100)) == "code_used"
    assert shop.balance(holder.id) == 16_000


def test_an_old_code_pays_nothing(shop: Any) -> None:
    holder = shop.holder(5_000)
    shown = show_code(shop, holder)
    shop.campus.clock.forward(seconds=61)
    assert code(shop.scan(shown, 100)) == "invalid_code"


@given(st.text(alphabet="0123456789", min_size=16, max_size=24))
def test_a_code_is_routed_by_its_prefix_and_length(text: str) -> None:
    prefix, routed = int(text[:2]), codes.route(text, {"wechat", "alipay"})
    if len(text) == 18 and prefix == 90:
        assert routed == "virtual"
    elif len(text) == 18 and 10 <= prefix <= 15:
        assert routed == "wechat"
    elif 25 <= prefix <= 30:
        assert routed == "alipay"
    else:
        assert routed is None
    assert codes.route(text, ()) in (None, "virtual")


def channel_balance(shop: Any, name: str) -> int:
    found: int = shop.balance(named_account(AccountKind.CHANNEL, name))
    return found


def test_a_third_partys_code_is_paid_by_its_channel_and_owed_to_the_merchant(shop: Any) -> None:
    answer = shop.scan(PAID, 1_500)
    assert (answer.status_code, answer.json()["state"], answer.json()["channel"]) == (201, "paid", "wechat")
    assert shop.balance(shop.merchant_id) == 1_500
    assert channel_balance(shop, "wechat") == -1_500
    assert shop.scan("280000000000000001", 500).json()["channel"] == "alipay"


def test_a_code_of_no_connected_channel_is_refused(shop: Any) -> None:
    assert code(shop.scan("990000000000000001", 1_500)) == "unknown_payment_code"


def test_a_third_party_that_refuses_leaves_nothing_behind(shop: Any) -> None:
    answer = shop.scan(POOR, 1_500)
    assert (answer.json()["state"], answer.json()["reason"]) == ("refused", "the payer's balance is too low")
    assert shop.balance(shop.merchant_id) == 0


def test_a_charge_sent_again_is_taken_once(shop: Any) -> None:
    body = {"id": str(new_id())}
    assert [shop.scan(PAID, 1_500, **body).json()["state"] for _ in range(3)] == ["paid"] * 3
    assert shop.balance(shop.merchant_id) == 1_500
    assert code(shop.scan(PAID, 1_501, **body)) == "payment_id_reused"


def test_a_payer_who_types_a_password_is_waited_for(shop: Any) -> None:
    body = {"id": str(new_id())}
    answer = shop.scan(SLOW, 1_500, **body)
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    read = f"/api/v1/payments/{body['id']}"
    assert shop.client.get(read, headers=shop.terminal).json()["state"] == "pending"
    shop.providers["wechat"].confirm(UUID(body["id"]))
    assert shop.client.get(read, headers=shop.terminal).json()["state"] == "paid"
    assert shop.client.get(read, headers=shop.terminal).json()["state"] == "paid"
    assert shop.balance(shop.merchant_id) == 1_500


def test_a_payer_who_takes_too_long_pays_nothing(shop: Any) -> None:
    body = {"id": str(new_id())}
    shop.scan(SLOW, 1_500, **body)
    shop.campus.clock.forward(seconds=61)
    assert charges.resolve_pending(shop.money, shop.now) == 1
    shop.providers["wechat"].confirm(UUID(body["id"]))
    assert shop.client.get(f"/api/v1/payments/{body['id']}", headers=shop.terminal).json()["state"] == "refused"
    assert shop.balance(shop.merchant_id) == 0


def test_a_charge_whose_answer_was_lost_on_the_way_from_the_channel_is_found_by_asking(shop: Any) -> None:
    shop.providers["wechat"].answers_to_lose = 1
    body = {"id": str(new_id())}
    assert shop.scan(PAID, 1_500, **body).json()["state"] == "pending"
    assert charges.resolve_pending(shop.money, shop.now) == 1
    assert charges.resolve_pending(shop.money, shop.now) == 0
    assert shop.balance(shop.merchant_id) == 1_500


@pytest.mark.parametrize("shown", [PAID, SLOW])
def test_a_charge_is_reversed_whether_paid_or_not(shop: Any, shown: str) -> None:
    body = {"id": str(new_id())}
    shop.scan(shown, 1_500, **body)
    answer = shop.post(f"/payments/{body['id']}/reversal").json()
    assert answer["state"] == ("reversed" if shown == PAID else "cancelled")
    assert shop.post(f"/payments/{body['id']}/reversal").json() == answer
    assert shop.balance(shop.merchant_id) == 0
    day = shop.now.astimezone(shop.money.accounts.zone).date()
    billed = [line.amount for line in shop.money.channels["wechat"].bill(day)]
    assert billed == ([1_500, 1_500] if shown == PAID else [])


def test_a_terminal_that_was_told_refused_is_not_told_paid_afterwards(shop: Any) -> None:
    body = {"id": str(new_id())}
    shop.scan(SLOW, 1_500, **body)
    word = shop.money.channels["wechat"].query(UUID(body["id"]))
    charges.settle(shop.money, replace(word, state=ChannelState.CLOSED), shop.now)
    shop.providers["wechat"].confirm(UUID(body["id"]))
    headers, told = shop.providers["wechat"].notification(UUID(body["id"]))
    assert shop.client.post("/api/v1/channels/wechat/notifications", content=told, headers=headers).status_code == 200
    assert (shop.balance(shop.merchant_id), shop.scan(SLOW, 1_500, **body).json()["state"]) == (1_500, "refused")
    assert charge_refunds.resolve_refunds(shop.money, shop.now) == 1
    assert (shop.balance(shop.merchant_id), shop.scan(SLOW, 1_500, **body).json()["state"]) == (0, "refused")


def test_a_charge_cancelled_before_it_arrived_asks_no_channel(shop: Any) -> None:
    late = str(new_id())
    assert shop.post(f"/payments/{late}/reversal").json()["state"] == "cancelled"
    assert code(shop.scan(PAID, 1_500, id=late)) == "payment_cancelled"
    assert shop.money.channels["wechat"].query(UUID(late)).state == "unknown"


def test_refunds_of_a_charge_go_back_through_its_channel(shop: Any) -> None:
    paid = shop.scan(PAID, 1_500).json()["id"]
    part = {"id": str(new_id()), "amount": 600}
    shop.providers["wechat"].answers_to_lose = 1
    assert code(shop.post(f"/payments/{paid}/refunds", **part)) == "channel_failed"
    assert shop.balance(shop.merchant_id) == 1_500, "not known yet"
    assert shop.post(f"/payments/{paid}/refunds", **part).json()["state"] == "paid"
    assert shop.post(f"/payments/{paid}/refunds", **part).json()["state"] == "paid"
    assert shop.balance(shop.merchant_id) == 900
    assert code(shop.post(f"/payments/{paid}/refunds", id=str(new_id()), amount=901)) == "refund_too_large"
    assert shop.post(f"/payments/{paid}/refunds", id=str(new_id())).json()["amount"] == 900
    assert channel_balance(shop, "wechat") == 0


def test_a_code_is_taken_only_where_the_service_is_enabled(shop: Any) -> None:
    _, shop.terminal = shop.another_merchant(campus="west")
    assert code(shop.scan(PAID, 100)) == "service_not_on_campus"
