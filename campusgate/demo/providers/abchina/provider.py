"""A provider that speaks as the Agricultural Bank's TrustPay does: trades, refunds, notifications, keys of its own."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import PBES, serialize_key_and_certificates
from cryptography.x509.oid import NameOID

from campusgate.demo.providers.abchina.trades import (
    MERCHANT,
    Refund,
    Trade,
    make_file,
    reference,
)
from campusgate.demo.providers.amounts import BEIJING, fen_of, yuan
from campusgate.demo.providers.serving import HttpAnswer, WireError, require
from campusgate.demo.providers.wechat.signers import new_key

PASSWORD = b"kept at the bank's counter"
_NO_ORDER = {"ReturnCode": "E001", "ErrorMessage": "订单不存在"}
_SIGNED = re.compile(r'\{"Message":(\{.*\}),"Signature-Algorithm":"SHA1withRSA","Signature":"([^"]+)"\}', re.DOTALL)


def make_certificate(key: RSAPrivateKey, begins: datetime, days: float, name: str) -> x509.Certificate:
    """Return a certificate of a key, signed by itself."""
    names = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ABC"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    builder = x509.CertificateBuilder(names, names, key.public_key(), x509.random_serial_number())
    return builder.not_valid_before(begins).not_valid_after(begins + timedelta(days=days)).sign(key, SHA256())


class AbchinaProvider:
    """The bank's side: checks the merchant's signature, signs answers, moves no money."""

    encoding = "gb18030"

    def __init__(self, now: datetime) -> None:
        self.merchant_key, self.key = new_key(), new_key()
        begins = now - timedelta(days=1)
        self.merchant_certificate = make_certificate(self.merchant_key, begins, 2000, f"EBUS.merchant.{MERCHANT}")
        self.certificate = make_certificate(self.key, begins, 300, "MainServer.0001")
        self.reset(now)

    def reset(self, now: datetime) -> None:
        """Forget all trades."""
        self.now, self.trades = now, dict[str, Trade]()
        self.lost, self.late_s, self.is_signed = 0, 0.0, True
        self.file_edit = ("", "")
        self.pay_at = "https://pay.abchina.com/EbusPerbankFront/PaymentModeNewAct?TOKEN="
        self.code_at = "https://mpay.abchina.com/mpay/BarcodeH5Act?token="

    def introduce(self) -> tuple[bytes, bytes]:
        """The merchant's file as the bank writes it, in the old way of PKCS #12, and the bank's certificate."""
        locks = PrivateFormat.PKCS12.encryption_builder().key_cert_algorithm(PBES.PBESv1SHA1And3KeyTripleDESCBC)
        file = serialize_key_and_certificates(
            b"merchant",
            self.merchant_key,
            self.merchant_certificate,
            None,
            locks.hmac_hash(SHA1()).build(PASSWORD),  # noqa: S303
        )
        return file, self.certificate.public_bytes(Encoding.DER)

    # What payers and the bank's people do.

    def pay(self, number: str) -> None:
        """Let the payer pay, where there is still time."""
        trade = self.trades[number]
        if trade.status == "01" and self.now < trade.expires:
            trade.status, trade.paid_at = "04", self.now

    def finish_refund(self, number: str, status: str) -> None:
        """Let a refund come to its end."""
        _, trade = self._refunded(number)
        trade.refunds[number].status, trade.refunds[number].at = status, self.now

    # Notifications.

    def notification(self, number: str, *, said: Mapping[str, str] | None = None) -> tuple[dict[str, str], bytes]:
        """Return the message about a paid trade; `said` is said instead of what is so."""
        trade = self.trades[number]
        if trade.paid_at is None:
            raise WireError("a trade that is not paid is not notified")
        day, time = _moment(trade.paid_at)
        about = {"ReturnCode": "0000", "ErrorMessage": "交易成功", "ECMerchantType": "EBUS", "MerchantID": MERCHANT}
        about |= {"TrxType": "ABCSoftTokenPay", "OrderNo": number, "Amount": yuan(trade.fen), "BatchNo": "001306"}
        about |= {"VoucherNo": "937228", "HostDate": day, "HostTime": time, "PayType": "EP072", "NotifyType": "1"}
        return self._notify(about | {"iRspRef": reference(number)} | dict(said or {}))

    def other_notification(self) -> tuple[dict[str, str], bytes]:
        """That somebody signed a contract to be debited, which the campus does not ask for."""
        return self._notify({"ReturnCode": "0000", "TrxType": "AgentSignResult", "MerchantID": MERCHANT})

    def _notify(self, about: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
        message = f"<TrxResponse>{''.join(f'<{name}>{value}</{name}>' for name, value in about.items())}</TrxResponse>"
        tail = f"<Signature-Algorithm>SHA1withRSA</Signature-Algorithm><Signature>{self._sign(message)}</Signature>"
        xml = f"<MSG><Message>{message}</Message>{tail}</MSG>"
        return {}, urlencode({"MSG": b64encode(xml.encode(self.encoding)).decode()}).encode()

    def _sign(self, text: str) -> str:
        return b64encode(self.key.sign(text.encode(self.encoding), PKCS1v15(), SHA1())).decode()  # noqa: S303

    # The interface.

    def respond(self, method: str, target: str, headers: Mapping[str, str], body: str) -> HttpAnswer:
        """Answer a request at the bank's interface."""
        del method, headers
        asked = self._checked(body)
        if asked is None:
            return self._say({"ReturnCode": "APE400", "ErrorMessage": "签名验证失败"})
        what = asked["TrxType"]
        if (what == "Settle") != target.startswith("/ebussettle/"):
            return self._say({"ReturnCode": "APE001", "ErrorMessage": "系统错误"})
        said: dict[str, str] = getattr(self, f"_{what.lower()}")(asked)
        said = {"ReturnCode": "0000", "ErrorMessage": "交易成功", "TrxType": what} | said
        return self._say({"TrxResponse": said} if what == "Settle" else said)

    def _checked(self, body: str) -> dict[str, Any] | None:
        found = _SIGNED.fullmatch(body)
        if found is None:
            return None
        text, signature = found.groups()
        try:
            public = self.merchant_key.public_key()
            public.verify(b64decode(signature), text.encode(self.encoding), PKCS1v15(), SHA1())  # noqa: S303
        except Exception:  # noqa: BLE001 - however it is wrong
            return None
        message = json.loads(text)
        require(message["Merchant"] == {"ECMerchantType": "EBUS", "MerchantID": MERCHANT}, "the merchant")
        asked: dict[str, Any] = message["TrxRequest"]
        return asked

    def _say(self, said: Mapping[str, Any]) -> HttpAnswer:
        merchant = {"ECMerchantType": "EBUS", "MerchantID": MERCHANT}
        message = {"Version": "V3.0.0", "Format": "JSON", "Merchant": merchant} | dict(said)
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        signature = f',"Signature-Algorithm":"SHA1withRSA","Signature":"{self._sign(text)}"' if self.is_signed else ""
        body = f'{{"MSG":{{"Message":{text}{signature}}}}}\n'
        return 200, {"Content-Type": f"text/html; charset={self.encoding}"}, body.encode(self.encoding)

    def _payreq(self, asked: dict[str, Any]) -> dict[str, str]:
        require(asked["NotifyType"] == "1", "notifications from server to server")
        require(asked["ResultNotifyURL"].startswith("https://"), "an address for notifications")
        order = asked["Order"]
        known = self.trades.setdefault(order["OrderNo"], self._opened(order))
        if known.fen != fen_of(order["OrderAmount"]) or order["CurrencyCode"] != "156":
            return {"ReturnCode": "APE009", "ErrorMessage": "订单金额不一致"}
        token = order["OrderNo"]
        return {
            "PaymentURL": f"{self.pay_at}{token}",
            "OneQRForAll": f"{self.code_at}{token}",
        }

    def _abcqrpayreq(self, asked: dict[str, Any]) -> dict[str, str]:
        order = asked["Order"]
        if order["QRPayCode"].endswith("9"):
            return {"ReturnCode": "APE051", "ErrorMessage": "余额不足"}
        if order["OrderNo"] not in self.trades:
            self.trades[order["OrderNo"]] = self._opened(order)
            self.trades[order["OrderNo"]].by_code = True
            if not order["QRPayCode"].endswith("0"):
                self.pay(order["OrderNo"])
        return {}

    def _opened(self, order: dict[str, Any]) -> Trade:
        expires = datetime.strptime(order["orderTimeoutDate"], "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
        require(len(order["OrderNo"]) <= 50, "a number of at most 50 characters")
        return Trade(fen_of(order["OrderAmount"]), expires)

    def _micropaycancel(self, asked: dict[str, Any]) -> dict[str, str]:
        known = self.trades.get(asked["OrderNo"])
        if known is None:
            return _NO_ORDER
        if known.paid_at is not None:
            return {"ReturnCode": "APE061", "ErrorMessage": "已支付成功订单，不允许撤销"}
        known.status = "00"
        return {}

    def _query(self, asked: dict[str, Any]) -> dict[str, str]:
        number = asked["OrderNo"]
        if asked["PayTypeID"] == "Refund":
            if not any(number in trade.refunds for trade in self.trades.values()):
                return _NO_ORDER
            _, trade = self._refunded(number)
            refund = trade.refunds[number]
            return _shown({"OrderNo": number, "RefundAmount": yuan(refund.fen), "Status": refund.status}, refund.at)
        known = self.trades.get(number)
        if known is None:
            return _NO_ORDER
        shown = {"OrderNo": number, "OrderAmount": yuan(known.fen), "Status": known.status, "OrderDesc": "校园"}
        return _shown(shown | {"iRspRef": reference(number)}, known.paid_at)

    def _refund(self, asked: dict[str, Any]) -> dict[str, str]:
        known, name = self.trades.get(asked["OrderNo"]), asked["NewOrderNo"]
        if known is None or known.paid_at is None:
            return _NO_ORDER
        fen = fen_of(asked["TrxAmount"])
        if name not in known.refunds:
            if sum(one.fen for one in known.refunds.values() if one.status != "99") + fen > known.fen:
                return {"ReturnCode": "APE071", "ErrorMessage": "退款金额超限"}
            # What was paid by code is undone at once where all of it goes back.
            at_once = known.by_code and fen == known.fen
            known.refunds[name] = Refund(fen, "04" if at_once else "03", self.now)
            known.status = "05" if fen == known.fen else known.status
        return {"OrderNo": asked["OrderNo"], "NewOrderNo": name, "TrxAmount": yuan(fen)}

    def _settle(self, asked: dict[str, Any]) -> dict[str, str]:
        require(asked["ZIP"] == "1", "a packed file")
        if asked["SettleDate"] > _moment(self.now)[0]:
            return {"ReturnCode": "APE081", "ErrorMessage": "对账单未生成"}
        return {"ZIPDetailRecords": make_file(self.trades, asked["SettleDate"], self.file_edit)}

    def _refunded(self, number: str) -> tuple[str, Trade]:
        return next((order, one) for order, one in self.trades.items() if number in one.refunds)


def _shown(order: Mapping[str, str], at: datetime | None) -> dict[str, str]:
    day, time = _moment(at) if at is not None else ("", "")
    text = json.dumps(dict(order) | {"HostDate": day, "HostTime": time}, ensure_ascii=False)
    return {"Order": b64encode(text.encode("gb18030")).decode()}


def _moment(at: datetime) -> tuple[str, str]:
    local = at.astimezone(BEIJING)
    return f"{local:%Y/%m/%d}", f"{local:%H:%M:%S}"
