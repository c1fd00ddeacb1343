"""WeChat Pay behind the port: what each verb is in API v3, and what each answer means for an order."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog
from wechatpayv3 import WeChatPayType

from accounts.payment_channels.channel import (
    BillLine,
    ChannelEntry,
    ChannelFailedError,
    ChannelOrder,
    ChannelRefund,
    ChannelRefundRefusedError,
    ChannelState,
    NewOrder,
    Notification,
    NotificationRefusedError,
    PaymentCodes,
    RefundState,
)
from accounts.payment_channels.fields import BEIJING
from accounts.payment_channels.wechat.api import WechatPayApi
from accounts.payment_channels.wechat.bill import read_bill, unpack
from accounts.payment_channels.wechat.messages import (
    CURRENCY,
    Merchant,
    NotOursError,
    read_order,
    read_refund,
    read_refund_notification,
)
from accounts.payment_channels.wechat.options import WechatPayOptions
from accounts.payment_channels.wechat.platform_keys import PlatformKeys

log = structlog.get_logger()

_MAX_AGE: Final = timedelta(minutes=5)
"""Of a notification; one that is sent again is signed afresh, so an older one was kept by somebody."""
_NO_ORDER: Final = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST"})
_NO_REFUND: Final = frozenset({"RESOURCE_NOT_EXISTS"})
_CODE_REFUSED: Final = frozenset(
    {
        "ACCOUNT_ERROR",
        "AUTH_CODE_ERROR",
        "AUTH_CODE_EXPIRED",
        "AUTH_CODE_INVALID",
        "BALANCE_NOT_ENOUGH",
        "NOTENOUGH",
        "NOT_ENOUGH",
        "RULELIMIT",
        "RULE_LIMIT",
        "TRADE_ERROR",
    }
)
"""What a charge's payer cannot pay with. Whatever else it is refused with leaves it pending, and a query tells."""
_REFUND_WAITS: Final = frozenset({"NOT_ENOUGH", "FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED"})
"""The merchant's balance does not suffice, or it was asked too often: the refund is asked for again."""


class WechatPayChannel:
    """A merchant of WeChat Pay."""

    name = "wechat"
    acknowledgement = ("application/json", '{"code": "SUCCESS"}')

    def __init__(self, options: WechatPayOptions, folder: Path) -> None:
        """Load the keys; asks nobody. `folder` holds the platform certificates that were fetched.

        Raises:
            WechatKeyFileError: a key file is missing or holds no such key.
        """
        self._merchant = Merchant(options.mchid, options.appid)
        self._store = options.store
        self._keys = PlatformKeys(options.public_key_id, folder)
        self._api = WechatPayApi(options, self._keys)

    def renew_keys(self, now: datetime) -> None:
        """Fetch the platform certificates where they are used and it is time.

        Raises:
            ChannelFailedError: WeChat Pay does not answer; those that were known stay.
        """
        if self._keys.is_fetching_due(now):
            self._api.fetch_certificates(now)

    def create(self, wanted: NewOrder, now: datetime) -> Mapping[str, str]:
        """Open an order: `code_url` for a QR code, or what a mini program or page inside WeChat hands to it."""
        given: dict[str, Any] = {
            "description": wanted.description,
            "out_trade_no": wanted.id.hex,
            "amount": {"total": wanted.amount, "currency": CURRENCY},
            "time_expire": wanted.closes_at.astimezone(BEIJING).isoformat(timespec="seconds"),
        }
        if wanted.payer is None:
            return {"code_url": str(self._created("code_url", given, WeChatPayType.NATIVE))}
        given["payer"] = {"openid": wanted.payer}
        package = f"prepay_id={self._created('prepay_id', given, WeChatPayType.JSAPI)}"
        timestamp, nonce = str(int(now.timestamp())), secrets.token_hex(16)
        return {
            "appId": self._merchant.appid,
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": self._api.sign(self._merchant.appid, timestamp, nonce, package),
        }

    def read_notification(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        """Check a notification's age, nonce and signer, then its signature, then whose it is; asks nobody.

        Raises:
            Exception: as the port says.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        at = datetime.fromtimestamp(int(lower["wechatpay-timestamp"]), BEIJING)
        nonce = lower["wechatpay-nonce"]
        if abs(now - at) > _MAX_AGE:
            raise NotificationRefusedError(f"the message is from {at}, more than {_MAX_AGE} away from now")
        if not 16 <= len(nonce) <= 64:
            raise NotificationRefusedError("the nonce must have 16 to 64 characters")
        self._keys.require(lower["wechatpay-serial"], now)
        said = self._api.read(lower, body)
        return Notification(self._about(said["event_type"], said["resource"]), nonce, at + _MAX_AGE)

    def query(self, order_id: UUID) -> ChannelOrder:
        """Ask for an order."""
        status, said = self._api.call("query", out_trade_no=order_id.hex)
        if said.get("code") in _NO_ORDER:
            return ChannelOrder(order_id, ChannelState.UNKNOWN, 0)
        return self._order(order_id, status, said)

    def close(self, order_id: UUID) -> ChannelOrder:
        """Close an order; one that cannot be closed is looked at."""
        status, _ = self._api.call("close", out_trade_no=order_id.hex)
        return self._ended(order_id, status)

    def reverse(self, order_id: UUID) -> ChannelOrder:
        """End a charge; WeChat Pay gives back what was paid of it."""
        status, _ = self._api.call("codepay_reverse", out_trade_no=order_id.hex)
        return self._ended(order_id, status)

    def charge(self, order_id: UUID, code: str, amount: int, *, description: str, now: datetime) -> ChannelOrder:
        """Take money from the holder of a payment code."""
        del now
        status, said = self._api.call(
            "pay",
            pay_type=WeChatPayType.CODEPAY,
            description=description,
            out_trade_no=order_id.hex,
            amount={"total": amount, "currency": CURRENCY},
            payer={"auth_code": code},
            scene_info={"store_info": {"out_id": self._store}},
        )
        if status == 202 or said.get("code") in ("USERPAYING", "USER_PAYING"):
            return ChannelOrder(order_id, ChannelState.PENDING, amount)
        if said.get("code") in _CODE_REFUSED:
            return ChannelOrder(order_id, ChannelState.CLOSED, amount, reason=str(said.get("message", ""))[:200])
        return self._order(order_id, status, said)

    def refund(self, refund_id: UUID, order_id: UUID, amount: int, *, total: int, now: datetime) -> ChannelRefund:
        """Give money back.

        Raises:
            ChannelRefundRefusedError: WeChat Pay will not.
        """
        del now
        status, said = self._api.call(
            "refund",
            out_refund_no=refund_id.hex,
            out_trade_no=order_id.hex,
            amount={"refund": amount, "total": total, "currency": CURRENCY},
        )
        if status == 200:
            return self._refund(refund_id, said)
        if said.get("code") in _REFUND_WAITS:
            raise ChannelFailedError(f"wechat did not take the refund yet: {said.get('code')}")
        raise ChannelRefundRefusedError(f"{said.get('code')}: {said.get('message')}")

    def query_refund(self, refund_id: UUID, order_id: UUID) -> ChannelRefund:
        """Ask for a refund."""
        del order_id
        status, said = self._api.call("query_refund", out_refund_no=refund_id.hex)
        if said.get("code") in _NO_REFUND:
            return ChannelRefund(refund_id, RefundState.UNKNOWN)
        if status != 200:
            raise ChannelFailedError(f"wechat did not say what became of the refund: {said.get('code')}")
        return self._refund(refund_id, said)

    def bill(self, day: date) -> Sequence[BillLine]:
        """Return the bill of a day by Beijing's clock; it is ready from ten in the morning after it."""
        status, said = self._api.call("trade_bill", bill_date=day.isoformat())
        if said.get("code") == "NO_STATEMENT_EXIST":
            return []
        if status != 200:
            raise ChannelFailedError(f"wechat gave no bill: {said.get('code')}")
        packed = self._api.download(str(said.get("download_url")))
        return read_bill(unpack(packed, str(said.get("hash_value"))), self._merchant)

    def _created(self, what: str, given: Mapping[str, Any], pay_type: WeChatPayType) -> object:
        status, said = self._api.call("pay", pay_type=pay_type, **given)
        if status != 200 or not said.get(what):
            log.warning("wechat_order_refused", code=said.get("code"), order=given["out_trade_no"])
            raise ChannelFailedError(f"wechat opened no order: {said.get('code')}")
        return said[what]

    def _about(self, event: str, resource: Mapping[str, Any]) -> ChannelOrder | ChannelRefund | None:
        if event.startswith("TRANSACTION."):
            return read_order(resource, self._merchant)
        if event.startswith("REFUND."):
            return read_refund_notification(resource, self._merchant)
        return None

    def _ended(self, order_id: UUID, status: int) -> ChannelOrder:
        if status in (200, 204):
            return ChannelOrder(order_id, ChannelState.CLOSED, 0)
        word = self.query(order_id)
        if word.state is ChannelState.PENDING:
            raise ChannelFailedError("wechat did not end the order; it is still open")
        return word

    def _order(self, order_id: UUID, status: int, said: Mapping[str, Any]) -> ChannelOrder:
        if status != 200:
            raise ChannelFailedError(f"wechat did not say what became of the order: {said.get('code')}")
        try:
            found = read_order(said, self._merchant)
        except (NotOursError, KeyError, ValueError, TypeError) as error:
            raise ChannelFailedError("wechat's answer is not about this order") from error
        if found.id != order_id:
            raise ChannelFailedError("wechat's answer is about another order")
        return found

    @staticmethod
    def _refund(refund_id: UUID, said: Mapping[str, Any]) -> ChannelRefund:
        try:
            found = read_refund(said, said["status"])
        except (KeyError, ValueError, TypeError) as error:
            raise ChannelFailedError("wechat's answer is not about this refund") from error
        if found.id != refund_id:
            raise ChannelFailedError("wechat's answer is about another refund")
        return found


ENTRY = ChannelEntry(
    "wechat",
    codes=PaymentCodes(frozenset(map(str, range(10, 16))), shortest=18, longest=18),
    options=WechatPayOptions,
    connect=WechatPayChannel,
)
