"""A provider that speaks WeChat Pay's API v3: orders, charges, refunds and the bill, in its own keys and words."""

import json
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from campusgate.demo.providers.amounts import BEIJING
from campusgate.demo.providers.serving import HttpAnswer
from campusgate.demo.providers.wechat.signers import Signer, new_key
from campusgate.demo.providers.wechat.trades import APPID, MCHID, Refund, Trade, make_bill, reference

MERCHANT_SERIAL = "3775B6A45ACD588826D15E583A95F5DD00000000"
API_KEY, PUBLIC_KEY_ID = "k7Qm2vXr9ZpLs4TwUyBn6HcJd8FgAe3R", "PUB_KEY_ID_0119000001092024"
Answer = tuple[int, Any]
Message = tuple[dict[str, str], bytes]


class WechatProvider:
    """WeChat Pay's side: checks the merchant's signature, signs answers, moves no money."""

    encoding = "utf-8"

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.merchant_key = new_key()
        self.by_key = Signer(now - timedelta(days=1), 2000, PUBLIC_KEY_ID)
        self.by_certificate = Signer(now - timedelta(days=1), 2000)
        self.expiring = Signer(now - timedelta(days=9), 10)
        self.reset(now, "key")

    def reset(self, now: datetime, mode: str) -> None:
        """Forget all orders, and be known by a `key` or by `certificates`."""
        self.now, self.trades = now, dict[str, Trade]()
        self.signer = self.by_key if mode == "key" else self.by_certificate
        self.handed_out = [self.by_certificate, self.expiring]
        self.nonces: set[str] = set()
        self.lost = self.calls_for_certificates = 0
        self.late_s = 0.0
        self.unsigned = False
        self.bill_edit = ("", "")
        self.pay_at = "weixin://wxpay/bizpayurl?pr="

    def merchant_pem(self) -> str:
        """Return the merchant's private key."""
        return self.merchant_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def hand_out_only(self, *names: str) -> None:
        """Say which platform certificates there are to fetch."""
        self.handed_out = [getattr(self, name) for name in names]

    # What payers and banks do.

    def pay(self, number: str) -> None:
        """Let the payer pay, where there is still time."""
        trade = self.trades[number]
        if trade.state in ("NOTPAY", "USERPAYING") and (trade.expires is None or self.now < trade.expires):
            trade.state, trade.paid_at = "SUCCESS", self.now

    def finish_refund(self, number: str, status: str) -> None:
        """Let a refund come to its end."""
        refund = self._refund_of(number)[1]
        refund.status, refund.at = status, self.now

    # Notifications.

    def notification(self, number: str, **faults: Any) -> Message:
        """Return the message about an order, with faults: `kind`, what is `said` instead, `signer`, `api_key`."""
        kind = "TRANSACTION.SUCCESS"
        return self._notify(faults.pop("kind", kind), self._shown(number) | faults.pop("said", {}), **faults)

    def refund_notification(self, number: str, **faults: Any) -> Message:
        """Return the message about a refund, with faults as above."""
        order, refund = self._refund_of(number)
        said = {"mchid": MCHID, "out_trade_no": order, "out_refund_no": number, "refund_status": refund.status}
        if refund.status == "SUCCESS":
            said["success_time"] = _stamp(refund.at)
        return self._notify(f"REFUND.{refund.status}", said | faults.pop("said", {}), **faults)

    def other_notification(self) -> Message:
        """Return the message about something that the campus never asked for."""
        return self._notify("COUPON.USE", {"stock_id": "9856888"})

    def _notify(self, kind: str, said: dict[str, Any], signer: str | None = None, api_key: str = API_KEY) -> Message:
        nonce = secrets.token_hex(6)
        data = json.dumps(said, ensure_ascii=False).encode()
        sealed = AESGCM(api_key.encode()).encrypt(nonce.encode(), data, b"transaction")
        body = json.dumps(
            {
                "id": secrets.token_hex(16),
                "create_time": _stamp(self.now),
                "resource_type": "encrypt-resource",
                "event_type": kind,
                "resource": {
                    "algorithm": "AEAD_AES_256_GCM",
                    "ciphertext": b64encode(sealed).decode(),
                    "associated_data": "transaction",
                    "nonce": nonce,
                },
            }
        )
        return self.signed(body, getattr(self, signer) if signer else self.signer, self.now), body.encode()

    def signed(self, body: str, signer: Signer, at: datetime) -> dict[str, str]:
        """Return the headers that sign a body."""
        timestamp, nonce = str(int(at.timestamp())), secrets.token_hex(16)
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": signer.name,
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
            "Wechatpay-Signature": signer.sign(f"{timestamp}\n{nonce}\n{body}\n"),
        }

    # The API.

    def is_merchants(self, method: str, path: str, authorization: str, body: str) -> bool:
        """Whether a request is signed by the merchant, and for the first time."""
        given = dict(re.findall(r'(\w+)="([^"]*)"', authorization))
        text = f"{method}\n{path}\n{given['timestamp']}\n{given['nonce_str']}\n{body}\n"
        if (given["mchid"], given["serial_no"]) != (MCHID, MERCHANT_SERIAL) or given["nonce_str"] in self.nonces:
            return False
        self.nonces.add(given["nonce_str"])
        try:
            signature = b64decode(given["signature"])
            self.merchant_key.public_key().verify(signature, text.encode(), PKCS1v15(), SHA256())
        except Exception:  # noqa: BLE001 - however it is wrong
            return False
        return True

    def introduce(self) -> tuple[str, str]:
        """Return the merchant's private key and the provider's public one."""
        return self.merchant_pem(), self.by_key.public_pem

    def respond(self, method: str, target: str, headers: Mapping[str, str], body: str) -> HttpAnswer:
        """Answer a request at the API, or for a bill."""
        parts = urlsplit(target)
        said: Any
        if not self.is_merchants(method, target, headers["Authorization"], body):
            status, said = 401, {"code": "SIGN_ERROR", "message": "wrong signature"}
        elif parts.path.startswith("/v3/bill"):
            day = parse_qs(parts.query).get("token", parse_qs(parts.query).get("bill_date", [""]))[0]
            packed, sha1 = make_bill(self.trades, day, self.bill_edit)
            if "token" in parts.query:
                return 200, {"Content-Type": "application/octet-stream"}, packed
            address = f"http://{headers['Host']}/v3/billdownload/file?token={day}"
            status, said = 200, {"download_url": address, "hash_type": "SHA1", "hash_value": sha1}
        else:
            status, said = self.answer(method, parts.path, json.loads(body) if body else {})
        text = "" if said is None else json.dumps(said)
        signed = {} if self.unsigned else self.signed(text, self.signer, self.now)
        return status, signed | {"Content-Type": "application/json"}, text.encode()

    def answer(self, method: str, path: str, said: dict[str, Any]) -> Answer:  # noqa: PLR0911
        """Do what a request asks for."""
        match (method, path.removeprefix("/v3/").split("/")):
            case ("POST", ["pay", "transactions", "native" | "jsapi" | "codepay" as kind]):
                return self._open(kind, said)
            case ("GET", ["pay", "transactions", "out-trade-no", number]):
                return (200, self._shown(number)) if number in self.trades else _error(404, "ORDER_NOT_EXIST")
            case ("POST", ["pay", "transactions", "out-trade-no", number, "close"]):
                return self._close(number)
            case ("POST", ["pay", "transactions", "out-trade-no", number, "reverse"]):
                return self._reverse(number)
            case ("POST", ["refund", "domestic", "refunds"]):
                return self._refund(said)
            case ("GET", ["refund", "domestic", "refunds", number]):
                try:
                    return 200, self._shown_refund(number)
                except StopIteration:
                    return _error(404, "RESOURCE_NOT_EXISTS")
            case ("GET", ["certificates"]):
                self.calls_for_certificates += 1
                return 200, {"data": [self._hand_out(one) for one in self.handed_out]}
            case _:
                return _error(404, "NOT_FOUND")

    def _open(self, kind: str, said: dict[str, Any]) -> Answer:  # noqa: PLR0911
        number, fen = said["out_trade_no"], said["amount"]["total"]
        if not re.fullmatch(r"[0-9A-Za-z_\-*]{6,32}", number) or said["amount"]["currency"] != "CNY":
            return _error(400, "PARAM_ERROR")
        if (said["appid"], said["mchid"]) != (APPID, MCHID) or not said["description"]:
            return _error(400, "APPID_MCHID_NOT_MATCH")
        known = self.trades.get(number)
        if known is not None and (known.fen, known.kind) != (fen, kind):
            return _error(403, "OUT_TRADE_NO_USED")
        if kind == "codepay":
            return self._charge(known, number, fen, said)
        if not said["notify_url"].startswith("http") or (kind == "jsapi" and not said["payer"]["openid"]):
            return _error(400, "PARAM_ERROR")
        expires = datetime.fromisoformat(said["time_expire"])
        self.trades.setdefault(number, Trade(fen, "NOTPAY", kind, expires))
        if kind == "jsapi":
            return 200, {"prepay_id": f"wx{number}"}
        return 200, {"code_url": f"{self.pay_at}{number}"}

    def _charge(self, known: Trade | None, number: str, fen: int, said: dict[str, Any]) -> Answer:
        code = said["payer"]["auth_code"]
        if not said["scene_info"]["store_info"]["out_id"]:
            return _error(400, "PARAM_ERROR")
        if code.endswith("9"):
            return _error(403, "NOT_ENOUGH")
        if known is None:
            self.trades[number] = Trade(fen, "USERPAYING", "codepay")
            if not code.endswith("0"):
                self.pay(number)
        if self.trades[number].state == "USERPAYING":
            return 202, {"code": "USERPAYING", "message": "需要用户输入支付密码"}
        return 200, self._shown(number)

    def _close(self, number: str) -> Answer:
        trade = self.trades.get(number)
        if trade is None:
            return _error(404, "ORDER_NOT_EXIST")
        if trade.state == "SUCCESS":
            return _error(400, "ORDER_PAID")
        trade.state = "CLOSED"
        return 204, None

    def _reverse(self, number: str) -> Answer:
        trade = self.trades.get(number)
        if trade is None:
            return _error(404, "ORDER_NOT_EXIST")
        if trade.state == "SUCCESS":
            trade.refunds[f"R{number}"] = Refund(trade.fen, "SUCCESS", self.now)
        trade.state = "REVOKED"
        return 200, {}

    def _refund(self, said: dict[str, Any]) -> Answer:
        trade, number = self.trades.get(said["out_trade_no"]), said["out_refund_no"]
        if trade is None or trade.state not in ("SUCCESS", "REFUND"):
            return _error(404, "RESOURCE_NOT_EXISTS")
        given_back = sum(one.fen for one in trade.refunds.values() if one.status != "CLOSED")
        amount = said["amount"]
        if number not in trade.refunds:
            if amount["total"] != trade.fen or given_back + amount["refund"] > trade.fen:
                return _error(400, "INVALID_REQUEST")
            trade.refunds[number] = Refund(amount["refund"], "PROCESSING", self.now)
            trade.state = "REFUND"
        return 200, self._shown_refund(number)

    def _refund_of(self, number: str) -> tuple[str, Refund]:
        return next((order, one.refunds[number]) for order, one in self.trades.items() if number in one.refunds)

    def _shown_refund(self, number: str) -> dict[str, Any]:
        order, refund = self._refund_of(number)
        shown: dict[str, Any] = {"out_refund_no": number, "out_trade_no": order, "status": refund.status}
        return shown | ({"success_time": _stamp(refund.at)} if refund.status == "SUCCESS" else {})

    def _shown(self, number: str) -> dict[str, Any]:
        trade = self.trades[number]
        shown: dict[str, Any] = {"appid": APPID, "mchid": MCHID, "out_trade_no": number, "trade_state": trade.state}
        shown["trade_state_desc"] = trade.state.title()
        shown["amount"] = {"total": trade.fen, "currency": "CNY"}
        if trade.paid_at is not None:
            shown |= {"transaction_id": reference(number), "success_time": _stamp(trade.paid_at)}
            shown["amount"] |= {"payer_total": trade.fen, "payer_currency": "CNY"}
        return shown

    def _hand_out(self, signer: Signer) -> dict[str, Any]:
        nonce, certificate = secrets.token_hex(6), signer.certificate
        pem = certificate.public_bytes(Encoding.PEM)
        sealed = AESGCM(API_KEY.encode()).encrypt(nonce.encode(), pem, b"certificate")
        return {
            "serial_no": signer.name,
            "effective_time": _stamp(certificate.not_valid_before_utc),
            "expire_time": _stamp(certificate.not_valid_after_utc),
            "encrypt_certificate": {
                "algorithm": "AEAD_AES_256_GCM",
                "nonce": nonce,
                "associated_data": "certificate",
                "ciphertext": b64encode(sealed).decode(),
            },
        }


def _error(status: int, code: str) -> Answer:
    return status, {"code": code, "message": f"{code} as WeChat Pay says it"}


def _stamp(at: datetime) -> str:
    return at.astimezone(BEIJING).isoformat(timespec="seconds")
