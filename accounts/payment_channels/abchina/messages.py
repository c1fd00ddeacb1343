"""What the bank says of orders and refunds, brought to the port's values, from answers and from notifications."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID
from xml.etree import ElementTree as ET

from accounts.payment_channels.abchina.keys import ENCODING, decode
from accounts.payment_channels.channel import ChannelOrder, ChannelRefund, ChannelState, RefundState
from accounts.payment_channels.fields import BEIJING, read_number, read_yuan

_ORDERS: Final[Mapping[str, ChannelState]] = {
    "00": ChannelState.CLOSED,
    "01": ChannelState.PENDING,
    "02": ChannelState.PENDING,
    "03": ChannelState.PENDING,
    "04": ChannelState.PAID,
    "05": ChannelState.PAID,
    "99": ChannelState.CLOSED,
}
"""00 taken back, 01 not paid, 02 no answer yet, 03 asked for, 04 paid, 05 paid and given back, 99 failed."""
_REFUNDS: Final[Mapping[str, RefundState]] = {
    "01": RefundState.PENDING,
    "02": RefundState.PENDING,
    "03": RefundState.PENDING,
    "04": RefundState.PAID,
    "05": RefundState.PAID,
    "99": RefundState.REFUSED,
}
_SIGNED: Final = re.compile(
    rb"<MSG>\s*<Message>(?P<message>.*)</Message>\s*"
    rb"<Signature-Algorithm>(?P<algorithm>[A-Za-z0-9]+)</Signature-Algorithm>\s*"
    rb"<Signature>(?P<signature>[A-Za-z0-9+/=]+)</Signature>\s*</MSG>",
    re.DOTALL,
)


class NotOursError(Exception):
    """It is about another merchant."""


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A notification before it is believed: the text that is signed as it came, and its signature."""

    message: bytes
    algorithm: str
    signature: str


def split_notification(msg: str) -> SignedMessage:
    """Return the parts of the parameter `MSG`: XML in base64.

    Raises:
        ValueError: it has another form.
    """
    found = _SIGNED.fullmatch(decode(msg))
    if found is None:
        raise ValueError("no signed message")
    return SignedMessage(found["message"], found["algorithm"].decode(), found["signature"].decode())


def read_notification(message: bytes, merchant_id: str) -> tuple[ChannelOrder | None, datetime | None]:
    """Return what a verified message speaks of, None for what is not asked for, and when that was.

    Raises:
        NotOursError: it is another merchant's.
        KeyError, ValueError, ParseError: it is not understood.
    """
    root = ET.fromstring(f"<Message>{message.decode(ENCODING)}</Message>")  # noqa: S314 - the bank's, by its signature
    said = {one.tag: (one.text or "").strip() for one in root.iter() if len(one) == 0}
    at = _read_moment(said)
    if said.get("ReturnCode") != "0000" or "OrderNo" not in said or "Amount" not in said:
        return None, at
    if said["MerchantID"] != merchant_id:
        raise NotOursError("another merchant's payment")
    order_id, amount = read_number(said["OrderNo"]), read_yuan(said["Amount"])
    if at is None:
        raise ValueError("a payment without its time")
    return ChannelOrder(order_id, ChannelState.PAID, amount, said.get("iRspRef") or None, at), at


def read_order(order_id: UUID, said: Mapping[str, Any]) -> ChannelOrder:
    """Return an order as the answer to `Query` shows it.

    Raises:
        NotOursError: it is another order's.
        KeyError, ValueError: it is not understood.
    """
    shown = _shown(order_id, said)
    state = _ORDERS[shown["Status"]]
    is_paid = state is ChannelState.PAID
    return ChannelOrder(
        id=order_id,
        state=state,
        amount=read_yuan(shown["OrderAmount"]),
        reference=shown.get("iRspRef") or None,
        paid_at=_read_moment(shown) if is_paid else None,
    )


def read_refund(refund_id: UUID, said: Mapping[str, Any]) -> ChannelRefund:
    """Return a refund as the answer to `Query` shows it.

    Raises:
        NotOursError: it is another refund's.
        KeyError, ValueError: it is not understood.
    """
    shown = _shown(refund_id, said)
    state = _REFUNDS[shown["Status"]]
    return ChannelRefund(refund_id, state, _read_moment(shown) if state is RefundState.PAID else None)


def write_moment(at: datetime) -> tuple[str, str]:
    """Return a day and a time as the bank takes them: Beijing's."""
    local = at.astimezone(BEIJING)
    return f"{local:%Y/%m/%d}", f"{local:%H:%M:%S}"


def _shown(number: UUID, said: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the order's own fields: JSON within the JSON, in base64."""
    shown: Mapping[str, str] = json.loads(decode(said["Order"]).decode(ENCODING))
    if read_number(shown["OrderNo"]) != number:
        raise NotOursError("another order's")
    return shown


def _read_moment(said: Mapping[str, str]) -> datetime | None:
    if not said.get("HostDate"):
        return None
    moment = f"{said['HostDate']} {said['HostTime']}"
    return datetime.strptime(moment, "%Y/%m/%d %H:%M:%S").replace(tzinfo=BEIJING).astimezone(UTC)
