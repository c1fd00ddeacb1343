"""What WeChat Pay says, brought to the port's values: orders and refunds, from answers and from notifications alike.

Who signed a message is not enough: it may be about another merchant or app of the same campus, or in another currency.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from accounts.payment_channels.channel import ChannelOrder, ChannelRefund, ChannelState, RefundState
from accounts.payment_channels.fields import read_number

CURRENCY: Final = "CNY"

_STATES: Final[Mapping[str, ChannelState]] = {
    "SUCCESS": ChannelState.PAID,
    "REFUND": ChannelState.PAID,
    "NOTPAY": ChannelState.PENDING,
    "USERPAYING": ChannelState.PENDING,
    "ACCEPT": ChannelState.PENDING,
    "CLOSED": ChannelState.CLOSED,
    "REVOKED": ChannelState.CLOSED,
    "PAYERROR": ChannelState.CLOSED,
}
_REFUND_STATES: Final[Mapping[str, RefundState]] = {
    "SUCCESS": RefundState.PAID,
    "PROCESSING": RefundState.PENDING,
    "CLOSED": RefundState.REFUSED,
    "ABNORMAL": RefundState.ABNORMAL,
}


class NotOursError(Exception):
    """It is about another merchant, app, currency or order."""


@dataclass(frozen=True, slots=True)
class Merchant:
    """Whose messages are believed."""

    mchid: str
    appid: str


def read_order(said: Mapping[str, Any], merchant: Merchant) -> ChannelOrder:
    """Return the order that an answer or a notification speaks of.

    Raises:
        NotOursError: it is not this merchant's, or not in yuan.
        KeyError, ValueError, TypeError: it is not understood.
    """
    if (said["mchid"], said["appid"]) != (merchant.mchid, merchant.appid):
        raise NotOursError("another merchant's or app's order")
    amount = said.get("amount") or {}
    state = _STATES[said["trade_state"]]
    if state is ChannelState.PAID and amount.get("currency") != CURRENCY:
        raise NotOursError("an order in another currency")
    return ChannelOrder(
        id=read_number(said["out_trade_no"]),
        state=state,
        amount=read_fen(amount["total"]) if "total" in amount else 0,
        reference=said.get("transaction_id"),
        paid_at=read_time(said.get("success_time")) if state is ChannelState.PAID else None,
        reason=str(said["trade_state_desc"])[:200] if said.get("trade_state_desc") else None,
    )


def read_refund(said: Mapping[str, Any], state: str) -> ChannelRefund:
    """Return the refund that an answer or a notification speaks of; `state` stands under different names in them.

    Raises:
        KeyError, ValueError: it is not understood.
    """
    return ChannelRefund(
        read_number(said["out_refund_no"]),
        _REFUND_STATES[state],
        read_time(said.get("success_time")) if state == "SUCCESS" else None,
    )


def read_refund_notification(said: Mapping[str, Any], merchant: Merchant) -> ChannelRefund:
    """Return the refund that a notification speaks of.

    Raises:
        NotOursError: it is another merchant's.
        KeyError, ValueError: it is not understood.
    """
    if said["mchid"] != merchant.mchid:
        raise NotOursError("another merchant's refund")
    return read_refund(said, said["refund_status"])


def read_fen(value: object) -> int:
    """Return fen.

    Raises:
        TypeError: it is no integer.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("an amount is an integer number of fen")
    return value


def read_time(text: str | None) -> datetime | None:
    """Return a time with its zone, RFC 3339, in UTC.

    Raises:
        ValueError: it is none, or has no zone.
    """
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at.astimezone(UTC)
