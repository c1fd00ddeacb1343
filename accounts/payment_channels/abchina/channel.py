"""The Agricultural Bank behind the port: what each verb is at TrustPay, and what each answer means for an order.

Written after what others published of the interface; nothing here was run against the bank (docs/channels.md).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import UUID, uuid5
from xml.sax.saxutils import escape

from accounts.payment_channels.abchina.api import OK, AbchinaApi
from accounts.payment_channels.abchina.bill import read_bill, unpack
from accounts.payment_channels.abchina.keys import load_keys
from accounts.payment_channels.abchina.messages import (
    NotOursError,
    read_notification,
    read_order,
    read_refund,
    split_notification,
    write_moment,
)
from accounts.payment_channels.abchina.options import AbchinaOptions
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
from accounts.payment_channels.fields import BEIJING, write_yuan

_MAX_AGE: Final = timedelta(hours=25)
"""Of a notification, counted from the payment: nobody says for how long the bank repeats one."""
_AHEAD: Final = timedelta(minutes=5)
_CODE_LASTS: Final = timedelta(minutes=5)
"""How long a charge may be paid at the bank; a terminal has given up before."""
_CNY: Final = "156"
_GOODS: Final = "0202"
"""The kind of goods (CommodityType): top-ups of cards and accounts are of 02, virtual goods."""


class AbchinaChannel:
    """A merchant of the Agricultural Bank."""

    name = "abchina"

    def __init__(
        self, options: AbchinaOptions, folder: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Load the keys; asks nobody, and keeps nothing in `folder`.

        Raises:
            AbchinaKeyFileError: a file of a key or certificate cannot be used.
        """
        del folder
        self._merchant_id, self._notify_url = options.merchant_id, options.notify_url
        self._unknown = frozenset(options.unknown_order_codes)
        self._keys = load_keys(options)
        self._clock = clock
        self._api = AbchinaApi(merchant_id=options.merchant_id, address=options.address, keys=self._keys, clock=clock)
        # The bank leads its payers on to the address that it is answered.
        self.acknowledgement = ("text/html", f"<URL>{escape(options.return_url)}</URL>")

    def renew_keys(self, now: datetime) -> None:
        """Do nothing: the bank hands out its certificate, and somebody puts it into the settings."""

    def create(self, wanted: NewOrder, now: datetime) -> Mapping[str, str]:
        """Open an order: the bank's page, and where the contract has it a code for the bank's and others' apps."""
        said = self._api.call("PayReq", self._sale(wanted.id, wanted.amount, wanted.description, now, wanted.closes_at))
        if said.get("ReturnCode") != OK or not said.get("PaymentURL"):
            raise ChannelFailedError(f"abchina opened no order: {said.get('ReturnCode')}")
        code = {"code_url": str(said["OneQRForAll"])} if said.get("OneQRForAll") else {}
        return {"pay_url": str(said["PaymentURL"])} | code

    def read_notification(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        """Check a notification's signature, then its age and whose it is; asks nobody.

        Raises:
            Exception: as the port says.
        """
        del headers
        ((name, msg),) = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
        if name != "MSG":
            raise NotificationRefusedError("no message")
        signed = split_notification(msg)
        self._keys.verify(signed.message, signed.algorithm, signed.signature, now)
        about, at = read_notification(signed.message, self._merchant_id)
        if at is not None and not -_AHEAD <= now - at < _MAX_AGE:
            raise NotificationRefusedError(f"the message is about {at}, more than {_MAX_AGE} away from now")
        return Notification(about, hashlib.sha256(signed.message).hexdigest(), (at or now) + _MAX_AGE)

    def query(self, order_id: UUID) -> ChannelOrder:
        """Ask for an order. One that was paid and then given back by `reverse` is closed."""
        word = self._look_at(order_id)
        if word.state is ChannelState.PAID:
            given_back = self.query_refund(_reversal_id(order_id), order_id)
            if given_back.state in (RefundState.PENDING, RefundState.PAID):
                return replace(word, state=ChannelState.CLOSED)
        return word

    def close(self, order_id: UUID) -> ChannelOrder:
        """Look at an order whose time is over: the bank takes no money for it any more, and has no call to close it."""
        word = self.query(order_id)
        if word.state is ChannelState.PENDING:
            return replace(word, state=ChannelState.CLOSED, reason="expired")
        return word

    def reverse(self, order_id: UUID) -> ChannelOrder:
        """End a charge; what was paid of it is given back, under a number that follows from its own."""
        said = self._api.call("MicroPayCancel", {"OrderNo": order_id.hex, "ModelFlag": "0"})
        if said.get("ReturnCode") == OK:
            return ChannelOrder(order_id, ChannelState.CLOSED, 0)
        word = self.query(order_id)
        if word.state is ChannelState.PENDING:
            raise ChannelFailedError("abchina did not end the charge; it is still open")
        if word.state is ChannelState.PAID:
            self.refund(_reversal_id(order_id), order_id, word.amount, total=word.amount, now=self._clock())
            return replace(word, state=ChannelState.CLOSED)
        return word

    def charge(self, order_id: UUID, code: str, amount: int, *, description: str, now: datetime) -> ChannelOrder:
        """Take money from the holder of a payment code of the bank's app. What became of it, a query tells."""
        wanted = self._sale(order_id, amount, description, now, now + _CODE_LASTS)
        wanted["Order"]["QRPayCode"] = code
        said = self._api.call("ABCQRPayReq", wanted)
        word = self.query(order_id)
        if word.state is ChannelState.UNKNOWN:
            refused = said.get("ReturnCode") != OK
            reason = str(said.get("ErrorMessage", ""))[:200] if refused else None
            return ChannelOrder(
                order_id, ChannelState.CLOSED if refused else ChannelState.PENDING, amount, reason=reason
            )
        return word

    def refund(self, refund_id: UUID, order_id: UUID, amount: int, *, total: int, now: datetime) -> ChannelRefund:
        """Give money back. `0000` says that the bank has it, or that it has taken it on: a query tells which.

        Raises:
            ChannelRefundRefusedError: the bank will not.
        """
        del total
        day, time = write_moment(now)
        wanted = {
            "OrderDate": day,
            "OrderTime": time,
            "OrderNo": order_id.hex,
            "NewOrderNo": refund_id.hex,
            "CurrencyCode": _CNY,
            "TrxAmount": write_yuan(amount),
        }
        said = self._api.call("Refund", wanted)
        word = self.query_refund(refund_id, order_id)
        if said.get("ReturnCode") == OK:
            return ChannelRefund(refund_id, RefundState.PENDING) if word.state is RefundState.UNKNOWN else word
        if word.state in (RefundState.UNKNOWN, RefundState.REFUSED):
            raise ChannelRefundRefusedError(f"{said.get('ReturnCode')}: {said.get('ErrorMessage')}")
        return word

    def query_refund(self, refund_id: UUID, order_id: UUID) -> ChannelRefund:
        """Ask for a refund."""
        del order_id
        said = self._ask("Refund", refund_id)
        if said is None:
            return ChannelRefund(refund_id, RefundState.UNKNOWN)
        try:
            return read_refund(refund_id, said)
        except (NotOursError, KeyError, ValueError, TypeError) as error:
            raise ChannelFailedError("abchina's answer is not about this refund") from error

    def bill(self, day: date) -> Sequence[BillLine]:
        """Return the trades of a day by Beijing's clock, from the files of that accounting day and of the next."""
        own = self._file(day)
        if own is None:
            raise ChannelFailedError("abchina gave no bill")
        try:
            return [*own, *(self._file(day + timedelta(days=1), of=day) or ())]
        except ChannelFailedError:
            # There is none yet: what may stand in it is missing from the day, and so seen.
            return own

    def _file(self, accounted: date, *, of: date | None = None) -> list[BillLine] | None:
        said = self._api.call("Settle", {"SettleDate": f"{accounted:%Y/%m/%d}", "ZIP": "1"}, is_file=True)
        if said.get("ReturnCode") != OK:
            return None
        return read_bill(unpack(str(said.get("ZIPDetailRecords"))), self._merchant_id, of or accounted)

    def _look_at(self, order_id: UUID) -> ChannelOrder:
        said = self._ask("ImmediatePay", order_id)
        if said is None:
            return ChannelOrder(order_id, ChannelState.UNKNOWN, 0)
        try:
            return read_order(order_id, said)
        except (NotOursError, KeyError, ValueError, TypeError) as error:
            raise ChannelFailedError("abchina's answer is not about this order") from error

    def _ask(self, kind: str, number: UUID) -> Mapping[str, Any] | None:
        """Return what the bank says of an order or refund, None where it knows none."""
        said = self._api.call("Query", {"PayTypeID": kind, "OrderNo": number.hex, "QueryDetail": "0"})
        if said.get("ReturnCode") in self._unknown:
            return None
        if said.get("ReturnCode") != OK:
            raise ChannelFailedError(f"abchina did not say what became of it: {said.get('ReturnCode')}")
        return said

    def _sale(
        self, order_id: UUID, amount: int, description: str, now: datetime, closes_at: datetime
    ) -> dict[str, Any]:
        day, time = write_moment(now)
        order = {
            "PayTypeID": "ImmediatePay",
            "OrderDate": day,
            "OrderTime": time,
            "orderTimeoutDate": f"{closes_at.astimezone(BEIJING):%Y%m%d%H%M%S}",
            "OrderNo": order_id.hex,
            "CurrencyCode": _CNY,
            "OrderAmount": write_yuan(amount),
            "OrderDesc": description,
            "InstallmentMark": "0",
            "CommodityType": _GOODS,
            "OrderItems": [{"ProductName": description}],
        }
        return {
            "Order": order,
            "PaymentType": "A",
            "PaymentLinkType": "1",
            "NotifyType": "1",
            "ResultNotifyURL": self._notify_url,
            "IsBreakAccount": "0",
        }


def _reversal_id(order_id: UUID) -> UUID:
    """Return the number under which a charge is given back that was paid in the moment of its reversal."""
    return uuid5(order_id, "paid in the moment of its reversal")


ENTRY = ChannelEntry(
    "abchina",
    # The codes of banks' apps are of UnionPay's form.
    codes=PaymentCodes(frozenset({"62"}), shortest=19, longest=19),
    options=AbchinaOptions,
    connect=AbchinaChannel,
)
