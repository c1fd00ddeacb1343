"""What Alipay says, brought to the port's values: trades and refunds, from answers and from notifications alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from accounts.payment_channels.alipay.api import read_time
from accounts.payment_channels.channel import ChannelOrder, ChannelRefund, ChannelState, RefundState
from accounts.payment_channels.fields import find_number, read_number, read_yuan

_STATES: Final[Mapping[str, ChannelState]] = {
    "WAIT_BUYER_PAY": ChannelState.PENDING,
    "TRADE_SUCCESS": ChannelState.PAID,
    "TRADE_FINISHED": ChannelState.PAID,
    "TRADE_CLOSED": ChannelState.CLOSED,
}


class NotOursError(Exception):
    """It is about another merchant or app."""


@dataclass(frozen=True, slots=True)
class Merchant:
    """Whose messages are believed."""

    appid: str
    seller_id: str


def read_order(said: Mapping[str, Any], state: str, paid_at: str | None) -> ChannelOrder:
    """Return the order that an answer or a notification speaks of; `paid_at` is Beijing time without its zone.

    Raises:
        KeyError, ValueError: it is not understood.
    """
    found = _STATES[state]
    return ChannelOrder(
        id=read_number(said["out_trade_no"]),
        state=found,
        amount=read_yuan(said["total_amount"]) if said.get("total_amount") else 0,
        reference=said.get("trade_no"),
        paid_at=read_time(paid_at) if paid_at and found is ChannelState.PAID else None,
    )


def read_notification(said: Mapping[str, str], merchant: Merchant) -> ChannelOrder | ChannelRefund | None:
    """Return what a verified notification speaks of, None for what is not asked for.

    Raises:
        NotOursError: it is another merchant's or app's.
        KeyError, ValueError: it is not understood.
    """
    if said["notify_type"] != "trade_status_sync":
        return None
    if (said["app_id"], said["seller_id"]) != (merchant.appid, merchant.seller_id):
        raise NotOursError("another app's or merchant's trade")
    if said.get("gmt_refund"):
        refund_id = find_number(said.get("out_biz_no", ""))
        return None if refund_id is None else ChannelRefund(refund_id, RefundState.PAID, read_time(said["gmt_refund"]))
    return read_order(said, said["trade_status"], said.get("gmt_payment"))
