"""A refund's way through a channel: written down first, then asked for, then settled once.

Whichever answer comes first settles it: the call's, the channel's notification, or the job's that asks for those that
are open. What is reserved before and booked after is the caller's: a top-up's refund moves other money than a charge's.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import structlog

from accounts.payment_channels.channel import ChannelRefund, ChannelRefundRefusedError, PaymentChannel, RefundState
from web.problems import ProblemError

log = structlog.get_logger()

Settled = TypeVar("Settled")

Settle = Callable[[ChannelRefund], Settled]
"""Settles a refund as its channel says, unless that was done."""

OPEN = (RefundState.PENDING.value, RefundState.ABNORMAL.value)
"""The stored states of a refund that is not settled: on its way, or somebody must act at the channel."""


@dataclass(frozen=True, slots=True)
class PendingRefund:
    """A refund that was written down and is open; `order_id` is the order's or charge's, which was of `total` fen."""

    id: UUID
    order_id: UUID
    amount: int
    total: int
    channel: str


def digest(order_id: UUID, amount: int | None) -> bytes:
    """Return what a repeated refund must have in common with the first: of what, and how much (None: the rest)."""
    return hashlib.sha256(f"{order_id} {amount}".encode()).digest()


def request(channel: PaymentChannel, refund: PendingRefund, settle: Settle[Settled], now: datetime) -> Settled:
    """Ask for a refund and return it as the channel says it stands.

    Raises:
        ChannelFailedError: the channel does not answer; the refund waits for `resolve`.
        ChannelRefundRefusedError: the channel will not; that is settled too.
    """
    try:
        word = _ask(channel, refund, now)
    except ChannelRefundRefusedError:
        settle(ChannelRefund(refund.id, RefundState.REFUSED))
        raise
    return settle(word)


def resolve(
    channels: Mapping[str, PaymentChannel], waiting: Iterable[PendingRefund], settle: Settle[object], now: datetime
) -> int:
    """Ask for the refunds that are open and return how many were settled.

    One of a channel that is not connected waits on, and so does one that cannot be settled: it does not keep the job
    from the ones behind it.
    """
    return sum(_resolve(channels[one.channel], one, settle, now) for one in waiting if one.channel in channels)


def _resolve(channel: PaymentChannel, refund: PendingRefund, settle: Settle[object], now: datetime) -> bool:
    try:
        word = _word(channel, refund, now)
        settle(word)
    except ProblemError as error:
        log.warning("refund_not_settled", channel=refund.channel, refund=str(refund.id), code=error.code)
        return False
    return word.state in (RefundState.PAID, RefundState.REFUSED)


def _word(channel: PaymentChannel, refund: PendingRefund, now: datetime) -> ChannelRefund:
    """What became of a refund; one that the channel never heard of is asked for again."""
    word = channel.query_refund(refund.id, refund.order_id)
    if word.state is not RefundState.UNKNOWN:
        return word
    try:
        return _ask(channel, refund, now)
    except ChannelRefundRefusedError:
        return ChannelRefund(refund.id, RefundState.REFUSED)


def _ask(channel: PaymentChannel, refund: PendingRefund, now: datetime) -> ChannelRefund:
    return channel.refund(refund.id, refund.order_id, refund.amount, total=refund.total, now=now)
