"""Alipay behind the port: what each verb is at its gateway, and what each answer means for an order."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import UUID

from accounts.payment_channels.alipay.api import AlipayApi, read_time, write_time
from accounts.payment_channels.alipay.bill import read_bill
from accounts.payment_channels.alipay.keys import load_keys, signed_text
from accounts.payment_channels.alipay.messages import Merchant, read_notification, read_order
from accounts.payment_channels.alipay.options import AlipayOptions
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
from accounts.payment_channels.fields import write_yuan

_MAX_AGE: Final = timedelta(hours=25)
"""Of a notification: Alipay repeats one for so long, with the same signature, until it reads `success`."""
_AHEAD: Final = timedelta(minutes=5)
_OK, _TYPES_PASSWORD, _REFUSED = "10000", "10003", "40004"
_NO_TRADE: Final = "ACQ.TRADE_NOT_EXIST"
_UNSURE: Final = frozenset({"ACQ.SYSTEM_ERROR", "AOP.ACQ.SYSTEM_ERROR", "ACQ.TRADE_HAS_SUCCESS"})
"""Refusals after which the trade may have been paid: a query tells."""
_NOT_IN_SUBJECTS: Final = str.maketrans('/=&,"', "／＝＆，＂")
"""What merchants' names may have: Alipay takes none of the first three, and its bill parts values by commas."""
_REFUND_WAITS: Final = frozenset({"ACQ.SYSTEM_ERROR", "AOP.ACQ.SYSTEM_ERROR", "ACQ.SELLER_BALANCE_NOT_ENOUGH"})


class AlipayChannel:
    """An app at Alipay."""

    name = "alipay"
    acknowledgement = ("text/plain", "success")

    def __init__(self, options: AlipayOptions, folder: Path) -> None:
        """Load the keys; asks nobody, and keeps nothing in `folder`.

        Raises:
            AlipayKeyFileError: a file of a key or certificate cannot be used.
        """
        del folder
        self._merchant = Merchant(options.appid, options.seller_id)
        self._keys = load_keys(options)
        self._api = AlipayApi(
            appid=options.appid, address=options.address, notify_url=options.notify_url, keys=self._keys
        )

    def renew_keys(self, now: datetime) -> None:
        """Do nothing: Alipay's key changes when somebody changes it on its pages, and the settings with it."""

    def create(self, wanted: NewOrder, now: datetime) -> Mapping[str, str]:
        """Make a code for an order; the order exists at Alipay once it is scanned, and the code ends with its time."""
        left = max(1, int((wanted.closes_at - now) / timedelta(minutes=1)))
        said = self._api.call(
            "alipay.trade.precreate",
            {
                "out_trade_no": wanted.id.hex,
                "total_amount": write_yuan(wanted.amount),
                "subject": wanted.description.translate(_NOT_IN_SUBJECTS),
                "time_expire": write_time(wanted.closes_at),
                "qr_code_timeout_express": f"{left}m",
            },
            is_notified=True,
        )
        if said.get("code") != _OK or not said.get("qr_code"):
            raise ChannelFailedError(f"alipay opened no order: {said.get('sub_code')}")
        return {"code_url": str(said["qr_code"])}

    def read_notification(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        """Check a notification's signature, then its age and whose it is; asks nobody.

        Raises:
            Exception: as the port says.
        """
        del headers
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
        said = dict(pairs)
        if len(said) != len(pairs):
            raise NotificationRefusedError("a parameter stands twice")
        signature = said.pop("sign")
        if said.pop("sign_type") != "RSA2" or said["charset"].lower() != "utf-8" or not self._keys.is_in_time(now):
            raise NotificationRefusedError("not signed as this app's messages are")
        self._keys.verify(signed_text(said), signature)
        at = read_time(said["notify_time"])
        if not now - _MAX_AGE < at <= now + _AHEAD:
            raise NotificationRefusedError(f"the message is from {at}")
        about = read_notification(said, self._merchant)
        nonce = hashlib.sha256(f"{said['notify_id']}&{said.get('trade_status')}&{signature}".encode()).hexdigest()
        return Notification(about, nonce, at + _MAX_AGE)

    def query(self, order_id: UUID) -> ChannelOrder:
        """Ask for an order."""
        said = self._api.call("alipay.trade.query", {"out_trade_no": order_id.hex})
        if said.get("sub_code") == _NO_TRADE:
            return ChannelOrder(order_id, ChannelState.UNKNOWN, 0)
        return self._order(order_id, said, str(said.get("trade_status")), said.get("send_pay_date"))

    def close(self, order_id: UUID) -> ChannelOrder:
        """Close an order; one that cannot be closed is looked at."""
        said = self._api.call("alipay.trade.close", {"out_trade_no": order_id.hex})
        if said.get("code") == _OK:
            return ChannelOrder(order_id, ChannelState.CLOSED, 0)
        word = self.query(order_id)
        if word.state is ChannelState.PENDING:
            raise ChannelFailedError(f"alipay did not close the order: {said.get('sub_code')}")
        return word

    def reverse(self, order_id: UUID) -> ChannelOrder:
        """Cancel a charge; Alipay gives back what was paid of it."""
        said = self._api.call("alipay.trade.cancel", {"out_trade_no": order_id.hex})
        if said.get("code") != _OK or said.get("retry_flag") == "Y":
            raise ChannelFailedError(f"alipay did not cancel the charge: {said.get('sub_code')}")
        return ChannelOrder(order_id, ChannelState.CLOSED, 0, reason="cancelled")

    def charge(self, order_id: UUID, code: str, amount: int, *, description: str, now: datetime) -> ChannelOrder:
        """Take money from the holder of a payment code."""
        del now
        said = self._api.call(
            "alipay.trade.pay",
            {
                "out_trade_no": order_id.hex,
                "total_amount": write_yuan(amount),
                "subject": description,
                "scene": "bar_code",
                "auth_code": code,
            },
            is_notified=True,
        )
        if said.get("code") == _TYPES_PASSWORD:
            return ChannelOrder(order_id, ChannelState.PENDING, amount)
        if said.get("code") == _REFUSED and str(said.get("sub_code")).upper() not in _UNSURE:
            return ChannelOrder(order_id, ChannelState.CLOSED, amount, reason=str(said.get("sub_msg", ""))[:200])
        return self._order(order_id, said, "TRADE_SUCCESS", said.get("gmt_payment"))

    def refund(self, refund_id: UUID, order_id: UUID, amount: int, *, total: int, now: datetime) -> ChannelRefund:
        """Give money back; it is there at once unless Alipay says that nothing moved.

        Raises:
            ChannelRefundRefusedError: Alipay will not.
        """
        del total
        wanted = {
            "out_trade_no": order_id.hex,
            "out_request_no": refund_id.hex,
            "refund_amount": write_yuan(amount),
        }
        said = self._api.call("alipay.trade.refund", wanted)
        if said.get("code") == _REFUSED and str(said.get("sub_code")).upper() not in _REFUND_WAITS:
            raise ChannelRefundRefusedError(f"{said.get('sub_code')}: {said.get('sub_msg')}")
        if said.get("code") != _OK:
            raise ChannelFailedError(f"alipay did not take the refund yet: {said.get('sub_code')}")
        if said.get("fund_change") != "Y":
            word = self.query_refund(refund_id, order_id)
            return ChannelRefund(refund_id, RefundState.PENDING) if word.state is RefundState.UNKNOWN else word
        at = said.get("gmt_refund_pay")
        return ChannelRefund(refund_id, RefundState.PAID, read_time(at) if at else now)

    def query_refund(self, refund_id: UUID, order_id: UUID) -> ChannelRefund:
        """Ask for a refund; Alipay says alike of one it never heard of and of one that has not moved."""
        asked = {
            "out_trade_no": order_id.hex,
            "out_request_no": refund_id.hex,
            "query_options": ["gmt_refund_pay"],
        }
        said = self._api.call("alipay.trade.fastpay.refund.query", asked)
        if said.get("refund_status") != "REFUND_SUCCESS":
            return ChannelRefund(refund_id, RefundState.UNKNOWN)
        at = said.get("gmt_refund_pay")
        return ChannelRefund(refund_id, RefundState.PAID, read_time(at) if at else None)

    def bill(self, day: date) -> Sequence[BillLine]:
        """Return the bill of a day by Beijing's clock; it is ready from nine in the morning after it."""
        asked = {"bill_type": "trade", "bill_date": day.isoformat()}
        said = self._api.call("alipay.data.dataservice.bill.downloadurl.query", asked)
        if str(said.get("sub_code")).lower().endswith("bill_not_exist"):
            return []
        if said.get("code") != _OK:
            raise ChannelFailedError(f"alipay gave no bill: {said.get('sub_code')}")
        return read_bill(self._api.download(str(said.get("bill_download_url"))))

    @staticmethod
    def _order(order_id: UUID, said: Mapping[str, Any], state: str, paid_at: str | None) -> ChannelOrder:
        if said.get("code") != _OK:
            raise ChannelFailedError(f"alipay did not say what became of the order: {said.get('sub_code')}")
        try:
            found = read_order(said, state, paid_at)
        except (KeyError, ValueError, TypeError) as error:
            raise ChannelFailedError("alipay's answer is not about this order") from error
        if found.id != order_id:
            raise ChannelFailedError("alipay's answer is about another order")
        return found


ENTRY = ChannelEntry(
    "alipay",
    # Alipay announces codes of 16 to 24 digits.
    codes=PaymentCodes(frozenset(map(str, range(25, 31))), shortest=16, longest=24),
    options=AlipayOptions,
    connect=AlipayChannel,
)
