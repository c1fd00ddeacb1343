"""An independent implementation (npm's alipay-sdk, Alipay's own) signs, verifies and counts serial numbers as ours."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from accounts.payment_channels.alipay.api import write_time
from accounts.payment_channels.alipay.channel import AlipayChannel
from accounts.payment_channels.alipay.keys import load_keys
from accounts.payment_channels.alipay.options import AlipayOptions
from accounts.payment_channels.channel import ChannelFailedError, ChannelOrder, ChannelState, NewOrder, RefundState
from campusgate.demo.providers.alipay.trades import APPID, SELLER
from campusgate.demo.providers.wechat.signers import new_key
from database import new_id
from tests.accounts.payments import node_process
from tests.accounts.payments.alipay.peer import AlipayPeer
from tests.accounts.payments.node_process import NodeProcess, NodeRefusedError
from tests.accounts.payments.steps import paid_at_peer

SCRIPT = Path(__file__).with_name("alipay_sdk.cjs")


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def theirs(alipay_peer: AlipayPeer) -> Iterator[NodeProcess]:
    given = {"appid": APPID, "appKey": alipay_peer.files["key"].read_text()}
    with node_process.running(SCRIPT, "alipay-sdk", "4.14.0", given) as process:
        yield process


@pytest.fixture
def peer(alipay_peer: AlipayPeer, tmp_path: Path) -> AlipayPeer:
    """Our own peer, at the present time."""
    alipay_peer.begin(now, "key", tmp_path)
    return alipay_peer


@pytest.fixture
def options(alipay_peer: AlipayPeer, theirs: NodeProcess, tmp_path: Path) -> AlipayOptions:
    key_file = tmp_path / "alipay.pem"
    key_file.write_text(theirs.introduction["publicKey"])
    update = {"address": f"{theirs.address}/gateway.do", "public_key_file": key_file}
    return alipay_peer.options("key").model_copy(update=update)


@pytest.fixture
def channel(options: AlipayOptions, tmp_path: Path) -> AlipayChannel:
    return AlipayChannel(options, tmp_path)


def told(order_id: UUID) -> dict[str, str]:
    return {
        "notify_type": "trade_status_sync",
        "notify_id": "2026112800222090123456789012345678",
        "notify_time": write_time(now()),
        "app_id": APPID,
        "seller_id": SELLER,
        "charset": "utf-8",
        "version": "1.0",
        "subject": "校园账户充值 {A}B & 100 %",
        "body": "",
        "out_trade_no": order_id.hex,
        "trade_no": "2026112822001400000000000001",
        "trade_status": "TRADE_SUCCESS",
        "total_amount": "12.10",
        "gmt_payment": write_time(now()),
    }


def answered(order_id: UUID, **said: str) -> Mapping[str, str]:
    known = {"code": "10000", "msg": "Success", "out_trade_no": order_id.hex, "total_amount": "12.10", "subject": "A}B"}
    return known | {"trade_no": "2026112822001400000000000001"} | said


def new_order() -> NewOrder:
    return NewOrder(new_id(), 1_210, "校园账户充值 Campus top-up", now() + timedelta(minutes=30))


def test_what_it_signs_is_believed(theirs: NodeProcess, channel: AlipayChannel) -> None:
    order_id = new_id()
    body = theirs.do("notify", said=told(order_id))
    about = channel.read_notification({}, body.encode(), now()).about
    assert isinstance(about, ChannelOrder)
    assert (about.id, about.state, about.amount) == (order_id, ChannelState.PAID, 1_210)
    for wrong in (body.replace("12.10", "12.11"), body.replace("&sign=", "&sign=A"), body.replace("&body=", "&body=b")):
        assert wrong != body
        with pytest.raises((InvalidSignature, ValueError)):
            channel.read_notification({}, wrong.encode(), now())


def test_it_believes_what_our_peer_signs(theirs: NodeProcess, peer: AlipayPeer) -> None:
    body = peer.notification(paid_at_peer(peer, "top-up").id)[1].decode()
    public = peer.files["public"].read_text()
    assert theirs.do("believes", body=body, publicKey=public) is True
    assert theirs.do("believes", body=body.replace("12.10", "12.11"), publicKey=public) is False
    assert theirs.do("believes", body=body, publicKey=theirs.introduction["publicKey"]) is False


def test_it_verifies_every_request_and_its_answers_are_believed(theirs: NodeProcess, channel: AlipayChannel) -> None:
    wanted, refund_id = new_order(), new_id()
    theirs.do("answer", said=answered(wanted.id, qr_code="https://qr.alipay.com/bax03431ljhokirwl38f00a7"))
    assert channel.create(wanted, now()) == {"code_url": "https://qr.alipay.com/bax03431ljhokirwl38f00a7"}
    (asked,) = theirs.do("heard")
    assert (asked["isTheApps"], wanted.description in asked["content"]) == (True, True)
    paid_at = write_time(now())
    theirs.do("answer", said=answered(wanted.id, trade_status="TRADE_SUCCESS", send_pay_date=paid_at))
    assert channel.query(wanted.id).state is ChannelState.PAID
    theirs.do("answer", said=answered(wanted.id, gmt_payment=paid_at))
    assert channel.charge(wanted.id, "280000000000000001", 1_210, description="面", now=now()).amount == 1_210
    theirs.do("answer", said=answered(wanted.id, fund_change="Y", gmt_refund_pay=paid_at))
    assert channel.refund(refund_id, wanted.id, 10, total=1_210, now=now()).state is RefundState.PAID
    (asked,) = theirs.do("heard")
    assert (asked["isTheApps"], asked["method"]) == (True, "alipay.trade.refund")


def test_an_answer_of_its_with_one_byte_changed_is_none(theirs: NodeProcess, channel: AlipayChannel) -> None:
    order_id = new_id()
    theirs.do("answer", said=answered(order_id, trade_status="TRADE_SUCCESS"), isFlipped=True)
    with pytest.raises(ChannelFailedError):
        channel.query(order_id)
    (asked,) = theirs.do("heard")
    assert asked["isTheApps"]


def test_it_refuses_requests_of_another_key(theirs: NodeProcess, options: AlipayOptions, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(new_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    wanted = new_order()
    theirs.do("answer", said=answered(wanted.id, qr_code="https://qr.alipay.com/bax"))
    with pytest.raises(ChannelFailedError):
        AlipayChannel(options.model_copy(update={"key_file": other}), tmp_path).create(wanted, now())
    (asked,) = theirs.do("heard")
    assert not asked["isTheApps"]


def test_its_client_and_our_peer_believe_each_other(theirs: NodeProcess, peer: AlipayPeer) -> None:
    order_id = new_id()
    ours: dict[str, Any] = {
        "address": f"http://127.0.0.1:{peer.port}/gateway.do",
        "publicKey": peer.files["public"].read_text(),
    }
    content = {
        "out_trade_no": order_id.hex,
        "total_amount": "12.10",
        "subject": "校园账户充值",
        "time_expire": write_time(now() + timedelta(hours=1)),
    }
    opened = theirs.do("ask", method="alipay.trade.precreate", params={"bizContent": content}, **ours)
    assert (opened["code"], opened["qr_code"][:22]) == ("10000", "https://qr.alipay.com/")
    peer.pay(order_id)
    asked = {"method": "alipay.trade.query", "params": {"bizContent": {"out_trade_no": order_id.hex}}}
    assert theirs.do("ask", **asked, **ours)["trade_status"] == "TRADE_SUCCESS"
    with pytest.raises(NodeRefusedError, match="验签失败"):
        theirs.do("ask", **asked, **(ours | {"publicKey": theirs.introduction["publicKey"]}))


def test_both_count_serial_numbers_alike(theirs: NodeProcess, alipay_peer: AlipayPeer) -> None:
    files = {name: alipay_peer.files[name].read_text() for name in ("app", "alipay", "root")}
    ours = load_keys(alipay_peer.options("certificates"))
    assert [ours.app_serial, ours.alipay_serial, ours.root_serial] == theirs.do("serials", **files)
