"""A provider that speaks as Alipay's gateway does: trades, refunds, notifications, with keys of its own."""

import hashlib
import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from campusgate.demo.providers.alipay.trades import (
    APPID,
    SELLER,
    Refund,
    Trade,
    make_bill,
    reference,
    stamp,
)
from campusgate.demo.providers.amounts import BEIJING, fen_of, yuan
from campusgate.demo.providers.serving import HttpAnswer


def _new_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def make_certificate(key: RSAPrivateKey, begins: datetime, days: float) -> x509.Certificate:
    """A certificate whose issuer stands as Alipay's do: country first."""
    names = [(NameOID.COUNTRY_NAME, "CN"), (NameOID.ORGANIZATION_NAME, "Ant Financial")]
    names += [(NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"), (NameOID.COMMON_NAME, "Class 2 R1")]
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    return builder.not_valid_before(begins).not_valid_after(begins + timedelta(days=days)).sign(key, SHA256())


def serial_of(certificate: x509.Certificate) -> str:
    """Return a certificate's serial number as Alipay writes it."""
    issuer = "CN=Class 2 R1,OU=Certification Authority,O=Ant Financial,C=CN"
    return hashlib.md5(f"{issuer}{certificate.serial_number}".encode(), usedforsecurity=False).hexdigest()


class AlipayProvider:
    """Alipay's side: checks the app's signature, signs answers, moves no money."""

    encoding = "utf-8"

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.app_key, self.key = _new_key(), _new_key()
        begins = now - timedelta(days=1)
        self.app_certificate = make_certificate(self.app_key, begins, 2000)
        self.certificate = make_certificate(self.key, begins, 300)
        self.root = make_certificate(_new_key(), begins, 2000)
        self.reset(now, "key")

    def reset(self, now: datetime, mode: str) -> None:
        """Forget all trades, and be known by a `key` or by `certificates`."""
        self.now, self.mode, self.trades = now, mode, dict[str, Trade]()
        self.lost, self.late_s, self.is_signed = 0, 0.0, True
        self.bill_edit = ("", "")
        self.pay_at = "https://qr.alipay.com/"
        self.stamps: list[str] = []

    def introduce(self) -> dict[str, bytes]:
        """Return the files of the contract: keys and certificates, by their names."""
        public = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        private = self.app_key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        certificates = {"app": self.app_certificate, "alipay": self.certificate, "root": self.root}
        pems = {name: one.public_bytes(Encoding.PEM) for name, one in certificates.items()}
        return {"key": private, "public": public} | pems

    # What payers and banks do.

    def pay(self, number: str) -> None:
        """Let the payer scan and pay, where there is still time."""
        trade = self.trades[number]
        trade.is_scanned = trade.is_scanned or trade.expires is None or self.now < trade.expires
        if trade.status == "WAIT_BUYER_PAY" and (trade.expires is None or self.now < trade.expires):
            trade.status, trade.paid_at = "TRADE_SUCCESS", self.now

    def finish_refund(self, number: str, state: str) -> None:
        """Let a refund come to its end."""
        _, refund = self._refund_of(number)
        refund.state, refund.at = state, self.now

    # Notifications.

    def notification(self, number: str, *, said: Mapping[str, str] | None = None) -> tuple[dict[str, str], bytes]:
        """Return the message about a trade; `said` is said instead of what is so."""
        trade = self.trades[number]
        about = {"out_trade_no": number, "trade_status": trade.status, "total_amount": yuan(trade.fen)}
        if trade.paid_at is not None:
            about |= {"gmt_payment": stamp(trade.paid_at), "trade_no": reference(number)}
        return self._notify("trade_status_sync", about | dict(said or {}))

    def refund_notification(self, number: str) -> tuple[dict[str, str], bytes]:
        """Return the message about a refund."""
        order, refund = self._refund_of(number)
        about = {"out_trade_no": order, "trade_status": "TRADE_SUCCESS", "total_amount": yuan(self.trades[order].fen)}
        given_back = {"out_biz_no": number, "refund_fee": yuan(refund.fen), "gmt_refund": f"{stamp(refund.at)}.123"}
        return self._notify("trade_status_sync", about | given_back)

    def other_notification(self) -> tuple[dict[str, str], bytes]:
        """Return the message about something that the campus never asked for."""
        return self._notify("dut_user_sign", {"agreement_no": "20170502000610755993"})

    def _notify(self, kind: str, about: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
        said = {
            "notify_type": kind,
            "notify_id": secrets.token_hex(17),
            "notify_time": stamp(self.now),
            "app_id": APPID,
            "auth_app_id": APPID,
            "seller_id": SELLER,
            "charset": "utf-8",
            "version": "1.0",
            "subject": "校园账户充值 {A}B & more",
            "body": "",
        } | dict(about)
        text = "&".join(f"{name}={value}" for name, value in sorted(said.items()))
        return {}, urlencode(said | {"sign": self._sign(text), "sign_type": "RSA2"}).encode()

    def _sign(self, text: str) -> str:
        return b64encode(self.key.sign(text.encode(), PKCS1v15(), SHA256())).decode()

    # The gateway.

    def respond(self, method: str, target: str, headers: Mapping[str, str], body: str) -> HttpAnswer:
        """Answer a request at the gateway."""
        parts = urlsplit(target)
        if method == "GET":
            return (
                200,
                {"Content-Type": "application/zip"},
                make_bill(self.trades, dict(parse_qsl(parts.query))["day"], self.bill_edit),
            )
        given = dict(parse_qsl(parts.query)) | dict(parse_qsl(body))
        if "biz_content" in parts.query or not self._is_the_apps(given):
            return self._say("error_response", {"code": "40002", "msg": "Invalid", "sub_code": "isv.invalid-signature"})
        self.stamps.append(given["timestamp"])
        content = json.loads(given["biz_content"])
        name = given["method"].removeprefix("alipay.").replace(".", "_")
        if name == "data_dataservice_bill_downloadurl_query":
            address = f"http://{headers['Host']}/bill?day={content['bill_date']}"
            said: dict[str, Any] = {"bill_download_url": address}
        else:
            said = getattr(self, f"_{name}")(content.get("out_trade_no"), content)
        return self._say(f"{given['method'].replace('.', '_')}_response", {"code": "10000", "msg": "Success"} | said)

    def _is_the_apps(self, given: dict[str, str]) -> bool:
        signature = given.pop("sign")
        if self.mode != "key":
            serials = given["app_cert_sn"], given["alipay_root_cert_sn"]
            if serials != (serial_of(self.app_certificate), serial_of(self.root)):
                return False
        text = "&".join(f"{name}={value}" for name, value in sorted(given.items()))
        try:
            self.app_key.public_key().verify(b64decode(signature), text.encode(), PKCS1v15(), SHA256())
        except Exception:  # noqa: BLE001 - however it is wrong
            return False
        return given["app_id"] == APPID

    def _say(self, name: str, said: Mapping[str, Any]) -> HttpAnswer:
        part = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        serial = "" if self.mode == "key" else f'"alipay_cert_sn":"{serial_of(self.certificate)}",'
        sign = f'{serial}"sign":"{self._sign(part)}"' if self.is_signed else '"sign":""'
        return 200, {"Content-Type": "application/json;charset=utf-8"}, f'{{"{name}":{part},{sign}}}'.encode()

    def _trade_precreate(self, number: str, content: dict[str, Any]) -> dict[str, Any]:
        fen = fen_of(content["total_amount"])
        expires = datetime.strptime(content["time_expire"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
        known = self.trades.setdefault(number, Trade(fen, expires=expires))
        if known.fen != fen or len(number) > 64 or not content["subject"]:
            return _refuse("ACQ.CONTEXT_INCONSISTENT")
        return {"out_trade_no": number, "qr_code": f"{self.pay_at}{number}"}

    def _trade_pay(self, number: str, content: dict[str, Any]) -> dict[str, Any]:
        if content["auth_code"].endswith("9"):
            return _refuse("ACQ.BUYER_BALANCE_NOT_ENOUGH")
        if number not in self.trades:
            self.trades[number] = Trade(fen_of(content["total_amount"]), is_scanned=True)
            if not content["auth_code"].endswith("0"):
                self.pay(number)
        if self.trades[number].paid_at is None:
            return {"code": "10003", "msg": "order success pay inprocess", "out_trade_no": number}
        return self._shown(number) | {"gmt_payment": stamp(self.trades[number].paid_at)}

    def _trade_query(self, number: str, _content: dict[str, Any]) -> dict[str, Any]:
        known = self.trades.get(number)
        return self._shown(number) if known and known.is_scanned else _refuse("ACQ.TRADE_NOT_EXIST")

    def _trade_close(self, number: str, _content: dict[str, Any]) -> dict[str, Any]:
        known = self.trades.get(number)
        if known is None or not known.is_scanned:
            return _refuse("ACQ.TRADE_NOT_EXIST")
        if known.status != "WAIT_BUYER_PAY":
            return _refuse("ACQ.TRADE_STATUS_ERROR")
        known.status = "TRADE_CLOSED"
        return {"out_trade_no": number}

    def _trade_cancel(self, number: str, _content: dict[str, Any]) -> dict[str, Any]:
        known = self.trades.setdefault(number, Trade(0, "TRADE_CLOSED", is_scanned=True))
        action = {}
        if known.status == "TRADE_SUCCESS":
            known.refunds[f"cancel-{number}"] = Refund(known.fen, "REFUND_SUCCESS", self.now)
            action = {"action": "refund"}
        elif known.status == "WAIT_BUYER_PAY":
            action = {"action": "close"}
        known.status = "TRADE_CLOSED"
        return {"out_trade_no": number, "retry_flag": "N"} | action

    def _trade_refund(self, number: str, content: dict[str, Any]) -> dict[str, Any]:
        known, name = self.trades.get(number), content["out_request_no"]
        if known is None or known.paid_at is None:
            return _refuse("ACQ.TRADE_NOT_EXIST")
        fen = fen_of(content["refund_amount"])
        if name not in known.refunds:
            if sum(one.fen for one in known.refunds.values() if one.state != "REFUSED") + fen > known.fen:
                return _refuse("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
            known.refunds[name] = Refund(fen, "WAITS", self.now)
        if known.refunds[name].state == "REFUSED":
            return _refuse("ACQ.REFUND_CHARGE_ERROR")
        return {"out_trade_no": number, "refund_fee": yuan(fen), "fund_change": "N"}

    def _trade_fastpay_refund_query(self, number: str, content: dict[str, Any]) -> dict[str, Any]:
        known = self.trades.get(number)
        refund = known.refunds.get(content["out_request_no"]) if known else None
        if refund is None or refund.state != "REFUND_SUCCESS":
            return {}
        return {"refund_status": "REFUND_SUCCESS", "gmt_refund_pay": stamp(refund.at)}

    def _refund_of(self, number: str) -> tuple[str, Refund]:
        return next((order, one.refunds[number]) for order, one in self.trades.items() if number in one.refunds)

    def _shown(self, number: str) -> dict[str, Any]:
        trade = self.trades[number]
        shown = {"out_trade_no": number, "trade_status": trade.status, "total_amount": yuan(trade.fen)}
        shown["subject"] = "A}B {"
        if trade.paid_at is not None:
            shown |= {"trade_no": reference(number), "send_pay_date": stamp(trade.paid_at)}
        return shown


def _refuse(sub_code: str) -> dict[str, Any]:
    return {"code": "40004", "msg": "Business Failed", "sub_code": sub_code, "sub_msg": f"{sub_code} {{as}} said"}
