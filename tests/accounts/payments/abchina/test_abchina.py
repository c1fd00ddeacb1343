"""The Agricultural Bank: whose messages are believed and for how long, files of keys, answers, accounting days."""

import hashlib
from base64 import b64encode
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode
from uuid import UUID

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from pydantic import SecretStr, ValidationError

from accounts.payment_channels.abchina import api
from accounts.payment_channels.abchina.bill import read_bill
from accounts.payment_channels.abchina.channel import AbchinaChannel
from accounts.payment_channels.abchina.keys import AbchinaKeyFileError
from accounts.payment_channels.abchina.messages import read_notification, split_notification
from accounts.payment_channels.abchina.options import AbchinaOptions
from accounts.payment_channels.channel import BillKind, ChannelFailedError, ChannelState, NewOrder
from database import new_id
from tests.accounts.conftest import Clock
from tests.accounts.payments.abchina.peer import AbchinaPeer
from tests.accounts.payments.steps import believed, code, order, paid_at_peer, state
from tests.waiting import PATIENCE_S

DAY = date(2026, 9, 1)


@pytest.fixture
def peer(abchina_peer: AbchinaPeer, clock: Clock, tmp_path: Path) -> AbchinaPeer:
    abchina_peer.begin(clock, "", tmp_path)
    return abchina_peer


def paid(peer: AbchinaPeer) -> NewOrder:
    return paid_at_peer(peer, "校园账户充值 top-up")


def test_a_signed_message_about_something_else_is_not_believed(peer: AbchinaPeer) -> None:
    wanted = paid(peer)
    for said in (
        {"MerchantID": "103882200000959"},
        {"Amount": "12.101"},
        {"OrderNo": "another system's"},
        {"HostDate": ""},
        {"HostTime": "12:00:00Z"},
    ):
        assert believed(peer, peer.notification(wanted.id, said=said)[1]) is None, said
    failed = believed(peer, peer.notification(wanted.id, said={"ReturnCode": "502213"})[1])
    assert failed is not None
    assert failed.about is None, "a payment that failed is acknowledged, and no payment"
    assert believed(peer, peer.notification(wanted.id)[1]) is not None


def test_the_algorithm_that_a_message_names_is_not_followed(peer: AbchinaPeer) -> None:
    (msg,) = parse_qs(peer.notification(paid(peer).id)[1].decode())["MSG"]
    signed = split_notification(msg)
    digest = hashlib.md5(signed.message).digest()
    for algorithm, signature in (("MD5withRSA", b64encode(digest).decode()), ("NONE", signed.signature)):
        tail = f"<Signature-Algorithm>{algorithm}</Signature-Algorithm><Signature>{signature}</Signature>"
        xml = b"<MSG><Message>" + signed.message + b"</Message>" + tail.encode() + b"</MSG>"
        assert believed(peer, urlencode({"MSG": b64encode(xml).decode()}).encode()) is None


def test_a_message_of_the_form_that_the_bank_sends_is_read() -> None:
    """Written after a message that was published; its line ends and its blank fields are the bank's."""
    told = {"ReturnCode": "0000", "ErrorMessage": "交易成功", "MerchantID": "103882200000958", "MerchantRemarks": ""}
    told |= {"TrxType": "ABCSoftTokenPay", "OrderNo": "5b" * 16, "Amount": "0.01", "BatchNo": "001306"}
    told |= {"HostDate": "2026/06/18", "HostTime": "19:33:13", "iRspRef": "6IECEP01172931989049", "JrnNo": " 123174002"}
    message = "".join(f"<{name}>{value}</{name}>" for name, value in told.items())
    xml = f"<MSG><Message><TrxResponse>{message}</TrxResponse></Message>\n<Signature-Algorithm>SHA1withRSA"
    xml += "</Signature-Algorithm>\n<Signature>AAAA</Signature></MSG>"
    signed = split_notification(b64encode(xml.encode("gb2312")).decode())
    found, at = read_notification(signed.message, "103882200000958")
    assert found is not None
    assert (found.id, found.amount, found.reference) == (UUID("5b" * 16), 1, "6IECEP01172931989049")
    assert found.paid_at == at == datetime(2026, 6, 18, 11, 33, 13, tzinfo=UTC)


def test_a_message_is_believed_for_25_hours_after_the_payment_under_one_nonce(peer: AbchinaPeer, clock: Clock) -> None:
    body = peer.notification(paid(peer).id)[1]
    first = believed(peer, body)
    clock.forward(hours=24, minutes=59)
    again = believed(peer, body)
    assert first is not None
    assert again is not None
    assert (again.nonce, len(again.nonce)) == (first.nonce, 64)
    assert first.nonce_until >= clock(), "it is remembered for as long as it is believed"
    clock.forward(hours=-25, minutes=-10)
    assert believed(peer, body) is None, "from the future"


def test_the_banks_certificate_is_believed_in_its_time(peer: AbchinaPeer, clock: Clock, tmp_path: Path) -> None:
    wanted = paid(peer)
    clock.forward(days=300)
    with pytest.raises(ChannelFailedError):
        peer.channel.query(wanted.id)
    assert believed(peer, peer.notification(wanted.id)[1]) is None
    clock.forward(days=-300)
    pem = tmp_path / "TrustPay.pem"
    pem.write_bytes(load_der_x509_certificate(peer.files["certificate"].read_bytes()).public_bytes(Encoding.PEM))
    options = peer.options().model_copy(update={"certificate_file": pem})
    assert AbchinaChannel(options, tmp_path, clock=clock).query(wanted.id).state is ChannelState.PAID


def test_an_answer_that_is_late_or_not_signed_is_none(peer: AbchinaPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = paid(peer)
    monkeypatch.setattr(api, "_TIMEOUT", httpx.Timeout(0.2))
    peer.set(late_s=2 * PATIENCE_S)
    with pytest.raises(ChannelFailedError):
        peer.channel.query(wanted.id)
    monkeypatch.undo()
    peer.set(late_s=0.0, is_signed=False)
    with pytest.raises(ChannelFailedError):
        peer.channel.query(wanted.id)


def test_a_refusal_that_is_not_known_leaves_an_order_open(peer: AbchinaPeer, tmp_path: Path) -> None:
    options = peer.options().model_copy(update={"unknown_order_codes": ("2101",)})
    with pytest.raises(ChannelFailedError, match="E001"):
        AbchinaChannel(options, tmp_path, clock=peer.clock).query(new_id())


def test_an_accounting_day_that_ends_before_midnight_leaves_no_difference(peer: AbchinaPeer, clock: Clock) -> None:
    clock.forward(hours=11, minutes=30)  # half past eleven in the evening of the day
    wanted = paid(peer)
    assert peer.channel.bill(DAY) == [], "the file of the next day is not written yet"
    clock.forward(days=1)
    peer.keep_time()
    (line,) = peer.channel.bill(DAY)
    assert (line.id, line.kind, line.amount, line.at) == (
        wanted.id,
        BillKind.PAYMENT,
        1_210,
        clock() - timedelta(days=1),
    )
    assert peer.channel.bill(DAY + timedelta(days=1)) == []


@pytest.mark.parametrize(
    "edit",
    [
        ("12.10", "12.101"),
        ("12.10", "twelve"),
        ("Sale", "Transfer"),
        ("交易时间", "时间"),
        ("|20260901", "|2026-09-01"),
    ],
    ids="-".join,
)
def test_a_bill_that_is_not_understood_is_none(peer: AbchinaPeer, edit: tuple[str, str]) -> None:
    paid(peer)
    peer.set(file_edit=edit)
    with pytest.raises(ChannelFailedError):
        peer.channel.bill(DAY)


def test_a_row_may_leave_out_what_it_does_not_have() -> None:
    head = "商户号|交易类型|订单编号|交易时间|交易金额|9014流水号|原订单号"
    row = f"103882200000958|weixinpay|{'5b' * 16}|20260901113222|0.01|9RECEP01"
    (line,) = read_bill(f"{head}^^{row}^^{row.replace('5b' * 16, 'bookshop-1')}\n", "103882200000958", DAY)
    assert (line.kind, line.amount, line.reference) == (BillKind.PAYMENT, 1, "9RECEP01")
    with pytest.raises(ChannelFailedError, match="another merchant"):
        read_bill(f"{head}^^{row}", "103882200000959", DAY)


@pytest.mark.parametrize("edit", [("0.01", "0.01|x"), ("|20260901113222", "|yesterday")], ids="-".join)
def test_a_row_of_another_system_that_cannot_be_read_costs_itself_alone(edit: tuple[str, str]) -> None:
    head = "商户号|交易类型|订单编号|交易时间|交易金额|9014流水号|原订单号"
    row = f"103882200000958|Sale|{'5b' * 16}|20260901113222|0.01|9RECEP01|"
    theirs = row.replace("5b" * 16, "bookshop-1").replace(*edit)
    (line,) = read_bill(f"{head}^^{theirs}^^{row}", "103882200000958", DAY)
    assert line.amount == 1
    with pytest.raises(ChannelFailedError):
        read_bill(f"{head}^^{row.replace(*edit)}", "103882200000958", DAY)


def test_a_file_that_holds_no_key_is_named(peer: AbchinaPeer, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    for field in ("key_file", "certificate_file"):
        for file in (tmp_path / "empty", tmp_path / "absent"):
            with pytest.raises(AbchinaKeyFileError, match=file.name):
                AbchinaChannel(peer.options().model_copy(update={field: file}), tmp_path)
    wrong = peer.options().model_copy(update={"key_password": SecretStr("another")})
    with pytest.raises(AbchinaKeyFileError, match="password"):
        AbchinaChannel(wrong, tmp_path)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"address": "http://pay.abchina.com"}, "https://"), ({"merchant_id": "农行"}, "merchant_id")],
)
def test_a_contract_that_cannot_be_is_refused(peer: AbchinaPeer, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        AbchinaOptions(**(peer.options().model_dump() | wrong))


def test_by_http_a_changed_amount_credits_nothing_and_the_payer_is_led_back(
    shop: Any, abchina_peer: AbchinaPeer, clock: Clock, tmp_path: Path
) -> None:
    abchina_peer.begin(clock, "", tmp_path)
    shop.money.channels["abchina"] = abchina_peer.channel
    holder, order_id = shop.holder(), new_id()
    pay = order(shop, holder, id=str(order_id), channel="abchina").json()["pay"]
    assert pay["pay_url"].startswith("https://pay.abchina.com/")
    assert pay["code_url"].startswith("https://mpay.abchina.com/")
    abchina_peer.pay(order_id)

    def send(body: bytes) -> Any:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return shop.client.post("/api/v1/channels/abchina/notifications", content=body, headers=headers)

    assert code(send(abchina_peer.notification(order_id, said={"Amount": "90.00"})[1])) == "channel_failed"
    for _ in range(2):
        answer = send(abchina_peer.notification(order_id)[1])
        assert (answer.status_code, answer.text) == (200, "<URL>https://campus.example/console/me/money/top-ups</URL>")
    assert (shop.balance(holder.id), state(shop, holder, order_id)) == (5_000, "credited")
