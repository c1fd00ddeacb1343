"""WeChat Pay: what the library does not check, the keys' lives, answers that are late or not signed, the bill."""

import time
from base64 import b64decode
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import ValidationError

from accounts.payment_channels.channel import BillKind, ChannelFailedError, ChannelState, NewOrder
from accounts.payment_channels.wechat import api
from accounts.payment_channels.wechat.api import WechatKeyFileError
from accounts.payment_channels.wechat.channel import WechatPayChannel
from accounts.payment_channels.wechat.options import WechatPayOptions
from database import new_id
from tests.accounts.conftest import Clock
from tests.accounts.payments.steps import code, ordered, state
from tests.accounts.payments.wechat.peer import WechatPeer
from tests.waiting import PATIENCE_S

HOUR = timedelta(hours=1)


@pytest.fixture(params=["key", "certificates"])
def peer(request: pytest.FixtureRequest, wechat_peer: WechatPeer, clock: Clock, tmp_path: Path) -> WechatPeer:
    wechat_peer.begin(clock, request.param, tmp_path)
    return wechat_peer


@pytest.fixture
def by_certificates(wechat_peer: WechatPeer, clock: Clock, tmp_path: Path) -> WechatPeer:
    wechat_peer.begin(clock, "certificates", tmp_path)
    return wechat_peer


def opened(peer: WechatPeer, **given: Any) -> NewOrder:
    wanted = NewOrder(new_id(), 5_000, "top-up", peer.clock() + HOUR / 2, **given)
    peer.channel.create(wanted, peer.clock())
    return wanted


def is_believed(peer: WechatPeer, message: Any) -> bool:
    try:
        peer.channel.read_notification(*message, peer.clock())
    except Exception:  # noqa: BLE001 - the port lets a channel refuse in any way
        return False
    return True


def test_a_signed_message_about_something_else_is_not_believed(peer: WechatPeer) -> None:
    order = opened(peer)
    peer.pay(order.id)
    said: list[dict[str, Any]] = [
        {"mchid": "1900000110"},
        {"appid": "wx0000000000000000"},
        {"amount": {"total": 5_000, "currency": "USD"}},
        {"amount": {"total": "5000", "currency": "CNY"}},
        {"amount": {"total": True, "currency": "CNY"}},
        {"out_trade_no": "another system's"},
        {"trade_state": "OVERWHELMED"},
        {"success_time": "2026-09-01T12:00:00"},
    ]
    for one in said:
        assert not is_believed(peer, peer.notification(order.id, said=one)), one
    assert not is_believed(peer, peer.notification(order.id, api_key="another APIv3 key of 32 letters!"))
    assert is_believed(peer, peer.notification(order.id))


def test_a_signer_is_believed_while_it_is_known_and_in_its_time(by_certificates: WechatPeer, clock: Clock) -> None:
    peer = by_certificates
    order = opened(peer)
    asked = peer.do("get", "calls_for_certificates")
    assert is_believed(peer, peer.notification(order.id, signer="expiring"))
    assert not is_believed(peer, peer.notification(order.id, signer="by_key"))
    clock.forward(days=2)
    assert not is_believed(peer, peer.notification(order.id, signer="expiring"))
    assert is_believed(peer, peer.notification(order.id))
    assert peer.do("get", "calls_for_certificates") == asked, "no message makes us ask"


def test_a_certificate_is_not_believed_where_only_the_public_key_is(
    wechat_peer: WechatPeer, clock: Clock, tmp_path: Path
) -> None:
    wechat_peer.begin(clock, "key", tmp_path)
    order = opened(wechat_peer)
    assert not is_believed(wechat_peer, wechat_peer.notification(order.id, signer="by_certificate"))
    assert wechat_peer.do("get", "calls_for_certificates") == 0


def test_certificates_are_fetched_on_our_schedule_and_stay_when_that_fails(
    by_certificates: WechatPeer, clock: Clock, tmp_path: Path
) -> None:
    peer = by_certificates
    peer.do("hand_out_only", "by_certificate")
    fresh = peer.connect("certificates", tmp_path / "elsewhere")
    peer.channel = fresh
    with pytest.raises(ChannelFailedError):
        opened(peer)
    fresh.renew_keys(clock())
    order = opened(peer)
    assert not is_believed(peer, peer.notification(order.id, signer="expiring")), "it was not handed out yet"
    peer.do("hand_out_only", "expiring")
    fresh.renew_keys(clock())
    assert not is_believed(peer, peer.notification(order.id, signer="expiring")), "not asked before twelve hours"
    clock.forward(hours=12)
    peer.set(late_s=0.0, lost=1)
    with pytest.raises(ChannelFailedError):
        fresh.renew_keys(clock())
    assert is_believed(peer, peer.notification(order.id)), "what was good stays good"
    fresh.renew_keys(clock())
    assert is_believed(peer, peer.notification(order.id, signer="expiring"))
    assert is_believed(peer, peer.notification(order.id))


def test_a_server_that_starts_while_wechat_is_away_knows_the_certificates_of_before(
    by_certificates: WechatPeer, tmp_path: Path
) -> None:
    peer = by_certificates
    order = opened(peer)
    options = peer.options("certificates").model_copy(update={"address": "http://127.0.0.1:9"})
    peer.channel = WechatPayChannel(options, tmp_path)
    assert is_believed(peer, peer.notification(order.id))
    with pytest.raises(ChannelFailedError):
        peer.channel.query(order.id)
    (tmp_path / "damaged.pem").write_text("no certificate")
    assert is_believed(peer, peer.notification(order.id))


@pytest.mark.parametrize(("timestamp_s", "believed"), [(0, True), (-299, True), (-301, False), (301, False)])
def test_a_message_is_believed_for_five_minutes(
    peer: WechatPeer, clock: Clock, timestamp_s: int, believed: bool
) -> None:
    order = opened(peer)
    message = peer.notification(order.id)
    clock.forward(seconds=-timestamp_s)
    assert is_believed(peer, message) == believed


def test_an_answer_that_is_late_or_not_signed_is_none(
    peer: WechatPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = opened(peer)
    monkeypatch.setattr(api, "_READ_S", 0.2)
    peer.channel = peer.connect("key", tmp_path)
    peer.do("reset", peer.clock(), "key")
    peer.set(late_s=2 * PATIENCE_S)
    began = time.monotonic()
    with pytest.raises(ChannelFailedError):
        peer.channel.create(order, peer.clock())
    assert time.monotonic() - began < 2 * PATIENCE_S, "the time-out ended it"
    monkeypatch.undo()
    peer.channel = peer.connect("key", tmp_path)
    peer.set(late_s=0.0)
    assert peer.channel.query(order.id).state is ChannelState.PENDING, "it was opened all the same"
    peer.set(unsigned=True)
    with pytest.raises(ChannelFailedError):
        peer.channel.query(order.id)


def test_what_an_app_needs_to_pay_inside_wechat_is_signed_by_the_merchant(peer: WechatPeer) -> None:
    wanted = NewOrder(new_id(), 5_000, "top-up", peer.clock() + HOUR, payer="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")
    pay = peer.channel.create(wanted, peer.clock())
    assert pay["package"] == f"prepay_id=wx{wanted.id.hex}"
    key = load_pem_private_key(peer.options("key").key_file.read_bytes(), password=None).public_key()
    text = "".join(f"{pay[name]}\n" for name in ("appId", "timeStamp", "nonceStr", "package"))
    key.verify(b64decode(pay["paySign"]), text.encode(), PKCS1v15(), SHA256())


@pytest.mark.parametrize(
    "edit",
    [
        ("`1900000109", "`1900000110"),
        ("`CNY", "`USD"),
        ("`50.00", "`50.001"),
        ("`50.00", "`fifty"),
        ("`SUCCESS", "`SUCCEEDED"),
        ("商户退款单号", "退款单号"),
        ("总交易单数", "合计"),
    ],
    ids="-".join,
)
def test_a_bill_that_is_not_understood_is_none(peer: WechatPeer, edit: tuple[str, str]) -> None:
    order = opened(peer)
    peer.pay(order.id)
    assert [(line.kind, line.amount) for line in peer.channel.bill(date(2026, 9, 1))] == [(BillKind.PAYMENT, 5_000)]
    peer.set(bill_edit=edit)
    with pytest.raises(ChannelFailedError):
        peer.channel.bill(date(2026, 9, 1))


def test_a_name_with_a_comma_parts_no_values(peer: WechatPeer) -> None:
    order = opened(peer)
    peer.pay(order.id)
    read = peer.channel.bill(date(2026, 9, 1))
    assert [line.id for line in read] == [order.id]
    peer.set(bill_edit=("`top-up, campus", '"`top-up, campus"'))
    assert peer.channel.bill(date(2026, 9, 1)) == read


def test_lines_of_other_systems_with_the_same_merchant_are_passed_over(peer: WechatPeer) -> None:
    order = opened(peer)
    peer.pay(order.id)
    peer.set(bill_edit=(order.id.hex, "bookshop-0001"))
    assert peer.channel.bill(date(2026, 9, 1)) == []


@pytest.mark.parametrize("field", ["hash_value", "download_url"])
def test_a_bill_is_compared_with_its_digest_and_fetched_from_wechat_alone(
    peer: WechatPeer, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"hash_value": "0" * 40, "download_url": "http://127.0.0.1.example/v3/billdownload/file?token=2026-09-01"}
    called = peer.channel._api.call
    monkeypatch.setattr(
        peer.channel._api, "call", lambda name, **given: (200, {**called(name, **given)[1], field: other[field]})
    )
    with pytest.raises(ChannelFailedError):
        peer.channel.bill(date(2026, 9, 1))


@pytest.mark.parametrize("form", ["PKCS #1", "CRLF"])
def test_a_merchants_key_is_read_however_it_was_written(peer: WechatPeer, tmp_path: Path, form: str) -> None:
    options = peer.options("key")
    pem = options.key_file.read_bytes()
    key = load_pem_private_key(pem, password=None)
    other = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    file = tmp_path / "other.pem"
    file.write_bytes(other if form == "PKCS #1" else pem.replace(b"\n", b"\r\n"))
    options = options.model_copy(update={"key_file": file})
    assert WechatPayChannel(options, tmp_path).query(new_id()).state is ChannelState.UNKNOWN


@pytest.mark.parametrize("field", ["key_file", "public_key_file"])
def test_a_file_that_holds_no_key_is_named(peer: WechatPeer, tmp_path: Path, field: str) -> None:
    (tmp_path / "empty.pem").write_text("")
    for file in (tmp_path / "empty.pem", tmp_path / "absent.pem"):
        options = peer.options("key").model_copy(update={field: file})
        with pytest.raises(WechatKeyFileError, match=file.name):
            WechatPayChannel(options, tmp_path)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"api_key": "short"}, "32 characters"),
        ({"address": "http://api.mch.weixin.qq.com"}, "https://"),
        ({"notify_url": "https://campus.example/n?channel=wechat"}, "no query"),
        ({"public_key_id": None}, "go together"),
        ({"mchid": "mine"}, "mchid"),
    ],
)
def test_a_contract_that_cannot_be_is_refused(peer: WechatPeer, wrong: dict[str, Any], said: str) -> None:
    given = peer.options("key").model_dump() | wrong
    with pytest.raises(ValidationError, match=said):
        WechatPayOptions(**given)


def test_by_http_a_changed_amount_credits_nothing_and_the_right_one_once(
    shop: Any, wechat_peer: WechatPeer, clock: Clock, tmp_path: Path
) -> None:
    wechat_peer.begin(clock, "key", tmp_path)
    shop.money.channels["wechat"] = wechat_peer.channel
    holder = shop.holder()
    order_id = ordered(shop, holder)
    wechat_peer.pay(order_id)

    def send(**faults: Any) -> Any:
        headers, body = wechat_peer.notification(order_id, **faults)
        return shop.client.post("/api/v1/channels/wechat/notifications", content=body, headers=headers)

    assert code(send(said={"amount": {"total": 9_000, "currency": "CNY"}})) == "channel_failed"
    assert code(send(said={"mchid": "1900000110"})) == "notification_refused"
    assert shop.balance(holder.id) == 0
    for _ in range(3):
        answer = send()
        assert (answer.status_code, answer.json()) == (200, {"code": "SUCCESS"})
    assert (shop.balance(holder.id), state(shop, holder, order_id)) == (5_000, "credited")
