"""The port of a payment channel such as WeChat Pay, Alipay or a bank. One file per backend stands beside this one.

A channel is asked with our own ids, so that asking twice is safe: it answers a repeated id with what it did first. On
the wire an id is 32 hexadecimal digits (`UUID.hex`): WeChat Pay takes no longer ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel

from web.problems import ProblemError


@dataclass(frozen=True, slots=True)
class PaymentCodes:
    """Which payment codes (付款码) are a channel's: by their first two digits, and how many digits they have."""

    prefixes: frozenset[str]
    shortest: int
    longest: int

    def has(self, code: str) -> bool:
        """Return whether a code of ASCII digits is one of them."""
        return code[:2] in self.prefixes and self.shortest <= len(code) <= self.longest


@dataclass(frozen=True, slots=True)
class ChannelEntry:
    """What is known of a channel before a campus connects it.

    `codes` None: nobody shows codes of it at a terminal. `connect` makes the channel of the `options`, the settings
    under the channel's name, and of a folder of its own; both None: there is no backend for it yet.
    """

    name: str
    codes: PaymentCodes | None = None
    options: type[BaseModel] | None = None
    connect: "Callable[[Any, Path], PaymentChannel] | None" = None


class ChannelFailedError(ProblemError):
    """The channel did not answer, or not so that it could be understood; whether it acted is unknown: query it."""

    code = "channel_failed"
    status = 502
    title = "The payment channel did not answer; the state of the payment is not known yet"


class ChannelNotConnectedError(ProblemError):
    """This campus has not connected the channel."""

    code = "channel_not_connected"
    status = 404
    title = "This payment channel is not connected on this campus"


class NotificationRefusedError(ProblemError):
    """The notification's signature, age, nonce or content is wrong; nothing was credited."""

    code = "notification_refused"
    status = 401
    title = "The notification is not accepted"


class ChannelState(StrEnum):
    """What a channel says of an order. `unknown`: it never heard of it."""

    PENDING = "pending"
    PAID = "paid"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ChannelOrder:
    """An order as the channel sees it: our id, fen, the channel's own reference once it is paid."""

    id: UUID
    state: ChannelState
    amount: int
    reference: str | None = None
    paid_at: datetime | None = None
    reason: str | None = None


class RefundState(StrEnum):
    """What a channel says of a refund. `unknown`: it never heard of it."""

    PENDING = "pending"
    PAID = "paid"
    REFUSED = "refused"
    ABNORMAL = "abnormal"
    """The money left the merchant and could not arrive, as at a card that was cancelled: somebody must act there."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ChannelRefund:
    """A refund as the channel sees it; `paid_at` once the money went back."""

    id: UUID
    state: RefundState
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """What a verified notification says; `about` None: of something that the campus does not ask for.

    One that comes again has the nonce it had; the caller keeps the nonces of what it has done until `nonce_until`.
    """

    about: ChannelOrder | ChannelRefund | None
    nonce: str
    nonce_until: datetime


class BillKind(StrEnum):
    """A line of a channel's daily bill: money that came, or went back."""

    PAYMENT = "payment"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a channel's daily bill; `id` is ours (the order's or the refund's), `amount` fen.

    A refund names the order that it gives back. One that the channel made by itself, of a charge that was reversed in
    the moment it was paid, has the order's own id.
    """

    id: UUID
    kind: BillKind
    amount: int
    reference: str
    at: datetime
    order_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to be opened; `amount` fen. From `closes_at` on nobody can pay it.

    `payer` is the payer's id at the channel where their app asks to pay inside it, None for a code to be scanned.
    """

    id: UUID
    amount: int
    description: str
    closes_at: datetime
    payer: str | None = None


class PaymentChannel(Protocol):
    """What top-up and payment need of a channel. Every call that asks it may raise `ChannelFailedError`."""

    @property
    def name(self) -> str:
        """The channel's name in accounts, orders and addresses."""
        ...

    @property
    def acknowledgement(self) -> tuple[str, str]:
        """What the channel wants to hear after a notification: media type and body."""
        ...

    def create(self, wanted: NewOrder, now: datetime) -> Mapping[str, str]:
        """Open an order, and return what the payer's app needs to pay it."""
        ...

    def read_notification(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        """Check a notification's signature, age, merchant and currency, and read it; asks nobody.

        Raises:
            Exception: it is not the channel's, or too old, or not understood. Libraries say so in many ways, so the
                caller takes every one as a refusal.
        """
        ...

    def query(self, order_id: UUID) -> ChannelOrder:
        """Ask for an order; some channels know it only once its code was scanned."""
        ...

    def close(self, order_id: UUID) -> ChannelOrder:
        """Close an order of `create` that was not paid, so that it cannot be paid any more; a paid one stays paid."""
        ...

    def reverse(self, order_id: UUID) -> ChannelOrder:
        """End a charge of `charge` that was not paid, so that it is not any more; one that is paid is given back."""
        ...

    def charge(self, order_id: UUID, code: str, amount: int, *, description: str, now: datetime) -> ChannelOrder:
        """Take `amount` from the holder of a payment code; `pending` while the channel asks them for a password."""
        ...

    def refund(self, refund_id: UUID, order_id: UUID, amount: int, *, total: int, now: datetime) -> ChannelRefund:
        """Give a part of a paid order of `total` fen back; asking again with the same `refund_id` gives back once.

        It is `pending` while the money is on its way; a notification or `query_refund` tells the end.

        Raises:
            ChannelRefundRefusedError: the channel will not.
        """
        ...

    def query_refund(self, refund_id: UUID, order_id: UUID) -> ChannelRefund:
        """Ask for a refund of an order."""
        ...

    def bill(self, day: date) -> Sequence[BillLine]:
        """Return the bill of a day (by the campus's calendar)."""
        ...

    def renew_keys(self, now: datetime) -> None:
        """Fetch what the channel's messages are verified with, where that changes; is called every hour."""
        ...


class ChannelRefundRefusedError(ProblemError):
    """The channel will not give the money back."""

    code = "channel_refund_refused"
    status = 409
    title = "The payment channel refused the refund"


def end_order(channel: PaymentChannel, order_id: UUID, end: Callable[[UUID], ChannelOrder]) -> ChannelOrder:
    """Say what became of an order or charge; one that is still open is ended, and may have been paid meanwhile.

    Args:
        channel: the order's.
        order_id: whose time is over.
        end: the channel's `close` for an order, `reverse` for a charge.

    Raises:
        ChannelFailedError: the channel does not answer.
    """
    word = channel.query(order_id)
    if word.state in (ChannelState.PENDING, ChannelState.UNKNOWN):
        word = end(order_id)
    if word.state is ChannelState.UNKNOWN:
        # It never arrived, or nobody scanned its code while that was good.
        return replace(word, state=ChannelState.CLOSED, reason="expired")
    return word
