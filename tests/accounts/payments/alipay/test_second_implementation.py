"""An independent implementation (python-alipay-sdk) signs, verifies and counts serial numbers as ours does."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from alipay import AliPay, DCAliPay

from accounts.payment_channels.alipay.keys import load_keys, signed_text
from accounts.payment_channels.channel import NewOrder
from campusgate.demo.providers.alipay.trades import APPID
from database import new_id
from tests.accounts.conftest import Clock
from tests.accounts.payments.alipay.peer import AlipayPeer


@pytest.fixture
def peer(alipay_peer: AlipayPeer, clock: Clock, tmp_path: Path) -> AlipayPeer:
    alipay_peer.begin(clock, "key", tmp_path)
    return alipay_peer


@pytest.fixture
def theirs(peer: AlipayPeer) -> Any:
    return AliPay(
        appid=APPID,
        app_private_key_string=peer.files["key"].read_text(),
        alipay_public_key_string=peer.files["public"].read_text(),
    )


def test_both_sign_the_same_text_alike(peer: AlipayPeer, theirs: Any) -> None:
    given = {"b": "2", "a": "校园 & +", "biz_content": '{"subject":"x=y&z"}', "timestamp": "2026-09-01 12:00:00"}
    signed = dict(parse_qsl(theirs.sign_data(dict(given))))
    assert load_keys(peer.options("key")).sign(signed_text(given)) == signed["sign"]


def test_it_believes_what_we_believe_of_the_provider(peer: AlipayPeer, theirs: Any) -> None:
    wanted = NewOrder(new_id(), 1_210, "top-up", peer.clock() + timedelta(minutes=30))
    peer.channel.create(wanted, peer.clock())
    peer.pay(wanted.id)
    said = dict(parse_qsl(peer.notification(wanted.id)[1].decode(), keep_blank_values=True))
    signature = said.pop("sign")
    assert theirs.verify(dict(said), signature)
    assert not theirs.verify(said | {"total_amount": "12.11"}, signature)


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
def test_both_count_serial_numbers_alike(peer: AlipayPeer) -> None:
    files = {name: file.read_text() for name, file in peer.files.items()}
    # It splits a file of several certificates at empty lines.
    roots = f"{files['root'].strip()}\n\n{files['app'].strip()}\n"
    (peer.files["root"].parent / "roots.pem").write_text(roots.replace("\n\n", "\n"))
    theirs = DCAliPay(
        appid=APPID,
        app_notify_url=None,
        app_private_key_string=files["key"],
        app_public_key_cert_string=files["app"],
        alipay_public_key_cert_string=files["alipay"],
        alipay_root_cert_string=roots,
    )
    options = peer.options("certificates")
    ours = load_keys(options.model_copy(update={"root_certificate_file": options.key_file.parent / "roots.pem"}))
    assert ours.app_serial == theirs.app_cert_sn
    assert ours.root_serial == theirs.alipay_root_cert_sn
    assert ours.root_serial is not None
    assert ours.root_serial.count("_") == 1
