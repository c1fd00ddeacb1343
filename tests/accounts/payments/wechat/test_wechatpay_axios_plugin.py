"""An independent implementation (npm's wechatpay-axios-plugin) signs, seals, verifies and opens as ours does."""

import gzip
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from accounts.payment_channels.channel import ChannelFailedError, ChannelOrder, ChannelState, NewOrder, RefundState
from accounts.payment_channels.fields import BEIJING
from accounts.payment_channels.wechat.channel import WechatPayChannel
from accounts.payment_channels.wechat.options import WechatPayOptions
from campusgate.demo.providers.wechat.provider import API_KEY, MERCHANT_SERIAL, PUBLIC_KEY_ID
from campusgate.demo.providers.wechat.signers import new_key
from campusgate.demo.providers.wechat.trades import APPID, MCHID, make_bill
from database import new_id
from tests.accounts.payments import node_process
from tests.accounts.payments.node_process import NodeProcess, NodeRefusedError
from tests.accounts.payments.steps import paid_at_peer
from tests.accounts.payments.wechat.peer import WechatPeer

KEY_ID = "PUB_KEY_ID_0119000002092024"
SCRIPT = Path(__file__).with_name("wechatpay_axios_plugin.cjs")


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def theirs(wechat_peer: WechatPeer) -> Iterator[NodeProcess]:
    given = {
        "mchid": MCHID,
        "serial": MERCHANT_SERIAL,
        "merchantKey": wechat_peer.options("key").key_file.read_text(),
        "apiKey": API_KEY,
        "keyId": KEY_ID,
    }
    with node_process.running(SCRIPT, "wechatpay-axios-plugin", "0.9.6", given) as process:
        yield process


@pytest.fixture
def peer(wechat_peer: WechatPeer, tmp_path: Path) -> WechatPeer:
    """Our own peer, at the time that the library takes it to be."""
    wechat_peer.begin(now, "key", tmp_path)
    return wechat_peer


@pytest.fixture
def options(wechat_peer: WechatPeer, theirs: NodeProcess, tmp_path: Path) -> WechatPayOptions:
    key_file = tmp_path / "pub_key.pem"
    key_file.write_text(theirs.introduction["publicKey"])
    update = {"address": theirs.address, "public_key_file": key_file, "public_key_id": KEY_ID}
    return wechat_peer.options("key").model_copy(update=update)


@pytest.fixture
def channel(options: WechatPayOptions, tmp_path: Path) -> WechatPayChannel:
    return WechatPayChannel(options, tmp_path)


def paid(order_id: UUID) -> dict[str, Any]:
    return {
        "mchid": MCHID,
        "appid": APPID,
        "out_trade_no": order_id.hex,
        "transaction_id": "4200002026090100001",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "success_time": now().astimezone(BEIJING).isoformat(timespec="seconds"),
        "amount": {"total": 1_210, "payer_total": 1_210, "currency": "CNY", "payer_currency": "CNY"},
    }


def new_order(**given: Any) -> NewOrder:
    return NewOrder(new_id(), 1_210, "校园账户充值 Campus top-up", now() + timedelta(minutes=30), **given)


def flipped(base64: str) -> str:
    content = bytearray(b64decode(base64))
    content[-1] ^= 1
    return b64encode(content).decode()


def test_what_it_seals_and_signs_is_believed(theirs: NodeProcess, channel: WechatPayChannel) -> None:
    order_id = new_id()
    sent = theirs.do("seal", kind="TRANSACTION.SUCCESS", said=paid(order_id))
    about = channel.read_notification(sent["headers"], sent["body"].encode(), now()).about
    assert isinstance(about, ChannelOrder)
    assert (about.id, about.state, about.amount) == (order_id, ChannelState.PAID, 1_210)


@pytest.mark.parametrize("place", ["body", "signature", "nonce", "ciphertext before it was signed"])
def test_one_byte_of_it_changed_is_refused(theirs: NodeProcess, channel: WechatPayChannel, place: str) -> None:
    sent = theirs.do("seal", kind="TRANSACTION.SUCCESS", said=paid(new_id()), isFlipped=place.startswith("ciphertext"))
    headers, body = sent["headers"], sent["body"]
    match place:
        case "body":
            body = body.replace("TRANSACTION.SUCCESS", "TRANSACTION.SUCCESs")
        case "signature":
            headers["Wechatpay-Signature"] = flipped(headers["Wechatpay-Signature"])
        case "nonce":
            headers["Wechatpay-Nonce"] = headers["Wechatpay-Nonce"].swapcase()
    with pytest.raises(ValueError, match="the signature is wrong"):
        channel.read_notification(headers, body.encode(), now())


def test_it_opens_what_our_peer_seals_and_signs(theirs: NodeProcess, peer: WechatPeer) -> None:
    wanted = paid_at_peer(peer, "top-up")
    headers, body = peer.notification(wanted.id)
    public = peer.introduction[1]
    said = theirs.do("open", headers=headers, body=body.decode(), publicKey=public)
    assert (said["out_trade_no"], said["amount"]["total"]) == (wanted.id.hex, 1_210)
    for wrong in (
        {"body": body.decode().replace("TRANSACTION", "TRANSACTIOn")},
        {"headers": headers | {"Wechatpay-Signature": flipped(headers["Wechatpay-Signature"])}},
        {"publicKey": theirs.introduction["publicKey"]},
    ):
        with pytest.raises(NodeRefusedError, match="the signature is wrong"):
            theirs.do("open", **({"headers": headers, "body": body.decode(), "publicKey": public} | wrong))
    headers, body = peer.notification(wanted.id, api_key=API_KEY[::-1])
    with pytest.raises(NodeRefusedError, match="authenticate"):
        theirs.do("open", headers=headers, body=body.decode(), publicKey=public)


def test_it_verifies_every_request_and_its_answers_are_believed(theirs: NodeProcess, channel: WechatPayChannel) -> None:
    wanted, refund_id = new_order(), new_id()
    theirs.do("answer", status=200, said={"code_url": "weixin://wxpay/bizpayurl?pr=p4lpSuKzz"})
    assert channel.create(wanted, now()) == {"code_url": "weixin://wxpay/bizpayurl?pr=p4lpSuKzz"}
    (asked,) = theirs.do("heard")
    assert asked["isMerchants"]
    assert json.loads(asked["body"])["description"] == wanted.description
    theirs.do("answer", status=200, said=paid(wanted.id))
    assert channel.query(wanted.id).state is ChannelState.PAID
    assert channel.charge(wanted.id, "134567890123456789", 1_210, description="面", now=now()).amount == 1_210
    given_back = {"out_refund_no": refund_id.hex, "status": "PROCESSING"}
    theirs.do("answer", status=200, said=given_back)
    assert channel.refund(refund_id, wanted.id, 10, total=1_210, now=now()).state is RefundState.PENDING
    assert channel.query_refund(refund_id, wanted.id).state is RefundState.PENDING
    assert [one["isMerchants"] for one in theirs.do("heard")] == [True, True]


def test_an_answer_of_its_with_one_byte_changed_is_none(theirs: NodeProcess, channel: WechatPayChannel) -> None:
    order_id = new_id()
    theirs.do("answer", status=200, said=paid(order_id), isFlipped=True)
    with pytest.raises(ChannelFailedError):
        channel.query(order_id)
    (asked,) = theirs.do("heard")
    assert asked["isMerchants"]


def test_it_refuses_requests_of_another_key(theirs: NodeProcess, options: WechatPayOptions, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(new_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    theirs.do("answer", status=200, said={"code_url": "weixin://"})
    with pytest.raises(ChannelFailedError):
        WechatPayChannel(options.model_copy(update={"key_file": other}), tmp_path).create(new_order(), now())
    (asked,) = theirs.do("heard")
    assert not asked["isMerchants"]


def test_it_verifies_what_an_app_shows_to_wechat(theirs: NodeProcess, channel: WechatPayChannel) -> None:
    theirs.do("answer", status=200, said={"prepay_id": "wx261153585405162d4d02642eabe7000000"})
    shown = channel.create(new_order(payer="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"), now())
    parts = [shown[name] for name in ("appId", "timeStamp", "nonceStr", "package")]
    assert theirs.do("isMerchants", parts=parts, signature=shown["paySign"])
    assert not theirs.do("isMerchants", parts=[*parts[:-1], "prepay_id=another"], signature=shown["paySign"])


def test_its_client_and_our_peer_believe_each_other(theirs: NodeProcess, peer: WechatPeer) -> None:
    order_id = new_id()
    address = f"http://127.0.0.1:{peer.port}/"
    ours = {"address": address, "publicKey": peer.introduction[1], "keyId": PUBLIC_KEY_ID}
    content = {
        "mchid": MCHID,
        "appid": APPID,
        "out_trade_no": order_id.hex,
        "description": "校园账户充值",
        "notify_url": "https://campus.example/api/v1/channels/wechat/notifications",
        "time_expire": (now() + timedelta(hours=1)).astimezone(BEIJING).isoformat(timespec="seconds"),
        "amount": {"total": 1_210, "currency": "CNY"},
    }
    opened = theirs.do("ask", path="v3/pay/transactions/native", method="post", content=content, **ours)
    assert (opened["status"], opened["said"]["code_url"][:9]) == (200, "weixin://")
    peer.pay(order_id)
    path = f"v3/pay/transactions/out-trade-no/{order_id.hex}?mchid={MCHID}"
    assert theirs.do("ask", path=path, method="get", **ours)["said"]["trade_state"] == "SUCCESS"
    with pytest.raises(NodeRefusedError, match="failed"):
        theirs.do("ask", path=path, method="get", **(ours | {"publicKey": theirs.introduction["publicKey"]}))


def test_both_read_the_same_in_a_bill(theirs: NodeProcess, peer: WechatPeer) -> None:
    wanted = paid_at_peer(peer, "top-up")
    paid_at = peer.channel.query(wanted.id).paid_at
    assert paid_at is not None
    day = paid_at.astimezone(BEIJING).date()
    (line,) = peer.channel.bill(day)
    packed, _ = make_bill(peer.do("get", "trades"), str(day))
    (row,) = theirs.do("rows", bill=b64encode(gzip.decompress(packed)).decode())["rows"]
    assert (row["商户订单号"], row["订单金额"], row["微信订单号"]) == (wanted.id.hex, "12.10", line.reference)
