"""Alipay: whose messages are believed and for how long, certificates, Beijing's time, answers, the bill."""

import time
from base64 import b64encode
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from pydantic import ValidationError

from accounts.payment_channels import fields
from accounts.payment_channels.alipay import api
from accounts.payment_channels.alipay.channel import AlipayChannel
from accounts.payment_channels.alipay.keys import AlipayKeyFileError
from accounts.payment_channels.alipay.options import AlipayOptions
from accounts.payment_channels.channel import BillKind, ChannelFailedError, ChannelState, NewOrder
from campusgate.demo.providers.wechat.signers import new_key
from database import new_id
from tests.accounts.conftest import Clock
from tests.accounts.payments.alipay.peer import AlipayPeer
from tests.accounts.payments.steps import believed, code, order, paid_at_peer, state
from tests.waiting import PATIENCE_S

DAY = date(2026, 9, 1)


@pytest.fixture(params=["key", "certificates"])
def peer(request: pytest.FixtureRequest, alipay_peer: AlipayPeer, clock: Clock, tmp_path: Path) -> AlipayPeer:
    alipay_peer.begin(clock, request.param, tmp_path)
    return alipay_peer


def paid(peer: AlipayPeer) -> NewOrder:
    return paid_at_peer(peer, "top-up {of} A}B")


def test_a_signed_message_about_something_else_is_not_believed(peer: AlipayPeer) -> None:
    wanted = paid(peer)
    for said in (
        {"app_id": "2021000122600001"},
        {"seller_id": "2088102146225136"},
        {"total_amount": "12.101"},
        {"total_amount": "NaN"},
        {"out_trade_no": "another system's"},
        {"trade_status": "TRADE_OVER"},
        {"gmt_payment": "2026-09-01T12:00:00Z"},
        {"charset": "gbk"},
    ):
        assert believed(peer, peer.notification(wanted.id, said=said)[1]) is None, said
    assert believed(peer, peer.notification(wanted.id)[1]) is not None


def test_a_message_is_what_was_signed_and_nothing_beside_it(peer: AlipayPeer) -> None:
    body = peer.notification(paid(peer).id)[1]
    for wrong in (
        body + b"&total_amount=99.00",
        body + b"&coupon=1",
        body.replace(b"sign_type=RSA2", b"sign_type=RSA"),
        body.replace(b"&body=", b""),
        body.replace(b"12.10", b"12.11"),
    ):
        assert wrong != body
        assert believed(peer, wrong) is None, wrong


def test_a_message_is_repeated_unchanged_for_25_hours_under_one_nonce(peer: AlipayPeer, clock: Clock) -> None:
    body = peer.notification(paid(peer).id)[1]
    first = believed(peer, body)
    clock.forward(hours=24, minutes=59)
    again = believed(peer, body)
    assert first is not None
    assert again is not None
    assert (again.nonce, len(again.nonce)) == (first.nonce, 64)
    assert first.nonce_until >= clock(), "it is remembered for as long as it is believed"
    clock.forward(minutes=2)
    assert believed(peer, body) is None
    clock.forward(hours=-25, minutes=-10)
    assert believed(peer, body) is None, "from the future"


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles"])
def test_requests_say_beijings_time_in_whatever_zone_the_process_is(
    peer: AlipayPeer, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", zone)
        time.tzset()
        wanted = paid(peer)
        found = peer.channel.query(wanted.id)
    time.tzset()
    assert (found.state, found.amount, found.paid_at) == (ChannelState.PAID, 1_210, peer.clock())
    said = datetime.strptime(peer.do("get", "stamps")[-1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=fields.BEIJING)
    assert abs(datetime.now(UTC) - said) < timedelta(minutes=2)


def test_alipays_certificate_is_believed_in_its_time_and_another_one_never(
    alipay_peer: AlipayPeer, clock: Clock, tmp_path: Path
) -> None:
    peer = alipay_peer
    peer.begin(clock, "certificates", tmp_path)
    wanted = paid(peer)
    clock.forward(days=300)
    assert believed(peer, peer.notification(wanted.id)[1]) is None
    clock.forward(days=-300)
    other = peer.options("certificates").model_copy(update={"alipay_certificate_file": peer.files["root"]})
    with pytest.raises(ChannelFailedError):
        AlipayChannel(other, tmp_path).query(wanted.id)
    assert peer.channel.query(wanted.id).state is ChannelState.PAID


def test_an_answer_that_is_late_or_not_signed_is_none(peer: AlipayPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = paid(peer)
    monkeypatch.setattr(api, "_TIMEOUT", httpx.Timeout(0.2))
    peer.set(late_s=2 * PATIENCE_S)
    with pytest.raises(ChannelFailedError):
        peer.channel.query(wanted.id)
    monkeypatch.undo()
    peer.set(late_s=0.0, is_signed=False)
    with pytest.raises(ChannelFailedError):
        peer.channel.query(wanted.id)


@pytest.mark.parametrize(
    "edit",
    [("12.10", "12.101"), ("12.10", "twelve"), ("交易,", "转账,"), ("完成时间", "时间"), ("列表结束", "列表")],
    ids="-".join,
)
def test_a_bill_that_is_not_understood_is_none(peer: AlipayPeer, edit: tuple[str, str]) -> None:
    wanted = paid(peer)
    (line,) = peer.channel.bill(DAY)
    assert (line.id, line.kind, line.amount, line.at) == (wanted.id, BillKind.PAYMENT, 1_210, peer.clock())
    peer.set(bill_edit=edit)
    with pytest.raises(ChannelFailedError):
        peer.channel.bill(DAY)


def test_lines_of_other_systems_with_the_same_app_are_passed_over(peer: AlipayPeer) -> None:
    peer.set(bill_edit=(paid(peer).id.hex, "bookshop-0001"))
    assert peer.channel.bill(DAY) == []


def test_a_subject_has_nothing_that_alipay_refuses_or_its_bill_parts_by(
    peer: AlipayPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def call(method: str, content: dict[str, Any], **_: Any) -> dict[str, str]:
        asked.update(content)
        return {"code": "10000", "qr_code": "https://qr.alipay.com/bax"}

    monkeypatch.setattr(peer.channel._api, "call", call)
    wanted = NewOrder(new_id(), 1_210, 'Noodles, "Tea" & more/less=', peer.clock() + timedelta(minutes=30))
    peer.channel.create(wanted, peer.clock())
    assert asked["subject"] == "Noodles， ＂Tea＂ ＆ more／less＝"


@pytest.mark.parametrize("host", ["127.0.0.1.example", "alipay.com.example", "notalipay.com"])
def test_a_bill_is_fetched_from_alipay_alone(peer: AlipayPeer, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"code": "10000", "bill_download_url": f"https://{host}/bill?day=2026-09-01"}
    monkeypatch.setattr(peer.channel._api, "call", lambda *_: said)
    with pytest.raises(ChannelFailedError, match="another address"):
        peer.channel.bill(DAY)


@pytest.mark.parametrize("form", ["PKCS #8", "one line of base64"])
def test_the_apps_key_is_read_however_it_was_saved(peer: AlipayPeer, tmp_path: Path, form: str) -> None:
    options = peer.options("key")
    key = load_pem_private_key(options.key_file.read_bytes(), None)
    file = tmp_path / "key"
    if form == "PKCS #8":
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    else:
        file.write_bytes(b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())) + b"\n")
    peer.do("reset", peer.clock(), "key")
    found = AlipayChannel(options.model_copy(update={"key_file": file}), tmp_path).query(new_id())
    assert found.state is ChannelState.UNKNOWN


@pytest.mark.parametrize(
    ("mode", "field"),
    [
        ("key", "key_file"),
        ("key", "public_key_file"),
        ("certificates", "app_certificate_file"),
        ("certificates", "alipay_certificate_file"),
        ("certificates", "root_certificate_file"),
    ],
)
def test_a_file_that_holds_no_key_is_named(peer: AlipayPeer, tmp_path: Path, mode: str, field: str) -> None:
    (tmp_path / "empty.pem").write_text("")
    for file in (tmp_path / "empty.pem", tmp_path / "absent.pem"):
        with pytest.raises(AlipayKeyFileError, match=file.name):
            AlipayChannel(peer.options(mode).model_copy(update={field: file}), tmp_path)


def test_an_app_certificate_of_another_key_is_named(peer: AlipayPeer, tmp_path: Path) -> None:
    file = tmp_path / "other.pem"
    file.write_bytes(new_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(AlipayKeyFileError, match="is not of the key"):
        AlipayChannel(peer.options("certificates").model_copy(update={"key_file": file}), tmp_path)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"address": "http://openapi.alipay.com/gateway.do"}, "https://"),
        ({"notify_url": "https://campus.example/n?channel=alipay"}, "no query"),
        ({"public_key_file": None}, "either"),
        ({"root_certificate_file": "root.crt"}, "go together"),
        ({"appid": "mine"}, "appid"),
    ],
)
def test_a_contract_that_cannot_be_is_refused(peer: AlipayPeer, wrong: dict[str, Any], said: str) -> None:
    given = peer.options("key").model_dump() | wrong
    with pytest.raises(ValidationError, match=said):
        AlipayOptions(**given)


def test_by_http_a_changed_amount_credits_nothing_and_each_repeat_is_answered_success(
    shop: Any, alipay_peer: AlipayPeer, clock: Clock, tmp_path: Path
) -> None:
    alipay_peer.begin(clock, "key", tmp_path)
    shop.money.channels["alipay"] = alipay_peer.channel
    holder, order_id = shop.holder(), new_id()
    assert order(shop, holder, id=str(order_id), channel="alipay").json()["pay"]["code_url"].startswith("https://qr.")
    alipay_peer.pay(order_id)

    def send(body: bytes) -> Any:
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return shop.client.post("/api/v1/channels/alipay/notifications", content=body, headers=headers)

    assert code(send(alipay_peer.notification(order_id, said={"total_amount": "90.00"})[1])) == "channel_failed"
    body = alipay_peer.notification(order_id)[1]
    for _ in range(3):
        answer = send(body)
        assert (answer.status_code, answer.text) == (200, "success")
        clock.forward(hours=8)
    assert (shop.balance(holder.id), state(shop, holder, order_id)) == (5_000, "credited")
