"""The bank's side of the loopback channel: it keeps orders, moves no money, and signs everything it says."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from accounts.payment_channels.channel import BillKind, ChannelOrder, ChannelRefund, ChannelState, RefundState
from accounts.payment_channels.signing import SignatureError, sign, verify

_LONGEST_NUMBER = 32
"""Of characters, as WeChat Pay's."""


class LostAnswerError(Exception):
    """The provider acted, and its answer did not arrive."""


@dataclass
class _Refund:
    amount: int
    state: RefundState
    at: datetime


@dataclass
class _Order:
    amount: int
    state: ChannelState
    closes_at: datetime | None = None
    is_known: bool = True
    paid_at: datetime | None = None
    reason: str | None = None
    refunds: dict[str, _Refund] = field(default_factory=dict)


class LoopbackProvider:
    """The bank's side: keeps orders, moves no money, signs everything it says.

    A payment code that ends in 0 makes the payer type a password (`confirm` does), one that ends in 9 is refused.
    """

    def __init__(
        self,
        campus_key: Ed25519PublicKey,
        *,
        clock: Callable[[], datetime],
        zone: ZoneInfo,
        pay_at: str = "loopback:pay/",
    ) -> None:
        """Take the key that the campus signs with, and the address at which payers pay (an order's id follows)."""
        self._campus_key = campus_key
        self._pay_at = pay_at
        self._key = Ed25519PrivateKey.generate()
        self._clock = clock
        self._zone = zone
        self._orders: dict[str, _Order] = {}
        self._nonces: set[str] = set()
        self._lock = threading.Lock()
        self.answers_to_lose = 0
        """How many of the next answers get lost after the provider has acted."""
        self.knows_orders_once_scanned = False
        """Whether an order exists only from when its code was scanned, as with Alipay."""
        self.refunds_take_time = False
        """Whether a refund is on its way until `finish_refund`, as with WeChat Pay."""

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The key its answers and notifications are checked with."""
        return self._key.public_key()

    def handle(self, headers: Mapping[str, str], body: bytes) -> tuple[Mapping[str, str], bytes]:
        """Answer one signed request.

        Raises:
            SignatureError: it is not the campus's, or was sent before.
            LostAnswerError: as asked for by `answers_to_lose`.
        """
        with self._lock:
            seen = verify(self._campus_key, headers, body, self._clock())
            if seen.nonce in self._nonces:
                raise SignatureError("this request was sent before")
            self._nonces.add(seen.nonce)
            request = json.loads(body)
            answer = getattr(self, f"_{request.pop('do')}")(**request)
            if self.answers_to_lose > 0:
                self.answers_to_lose -= 1
                raise LostAnswerError
            plain = json.dumps(answer).encode()
            return sign(self._key, plain, self._clock()), plain

    def order(self, order_id: UUID) -> ChannelOrder | None:
        """Return an order as the payer's app shows it, None where there is none."""
        with self._lock:
            shown = order_of(self._shown(_name(order_id)))
        return None if shown.state is ChannelState.UNKNOWN else shown

    def scan(self, order_id: UUID | str) -> None:
        """The payer's app reads an order's code."""
        with self._lock:
            self._orders[_name(order_id)].is_known = True

    def pay(self, order_id: UUID | str) -> None:
        """The payer pays an order in their app."""
        with self._lock:
            self._pay(self._orders[_name(order_id)])

    confirm = pay

    def finish_refund(self, refund_id: UUID, state: RefundState = RefundState.PAID) -> None:
        """The money of a refund arrives, or cannot."""
        with self._lock:
            found = self._find_refund(refund_id.hex)
            found.state, found.at = state, self._clock()

    def notification(self, order_id: UUID) -> tuple[dict[str, str], bytes]:
        """Return a notification of an order; each one is signed afresh, as those that are sent again are."""
        with self._lock:
            return self._notify("order", self._shown(_name(order_id)))

    def refund_notification(self, refund_id: UUID) -> tuple[dict[str, str], bytes]:
        """Return a notification of a refund."""
        with self._lock:
            return self._notify("refund", _shown_refund(refund_id.hex, self._find_refund(refund_id.hex)))

    def other_notification(self) -> tuple[dict[str, str], bytes]:
        """Return a notification of something that the campus never asked for."""
        return self._notify("coupon", {"coupon": "1"})

    def _notify(self, event: str, about: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
        body = json.dumps({"event": event, "about": about}).encode()
        return sign(self._key, body, self._clock()), body

    def _find_refund(self, name: str) -> _Refund:
        return next(order.refunds[name] for order in self._orders.values() if name in order.refunds)

    def _pay(self, order: _Order) -> None:
        is_open = order.closes_at is None or self._clock() < order.closes_at
        if order.state is ChannelState.PENDING and is_open:
            order.state, order.paid_at, order.is_known = ChannelState.PAID, self._clock(), True

    def _create(self, order: str, amount: int, closes_at: str | None = None) -> dict[str, Any]:
        if len(order) > _LONGEST_NUMBER:
            return {"error": f"an order's number has at most {_LONGEST_NUMBER} characters"}
        made = _Order(amount, ChannelState.PENDING, is_known=not self.knows_orders_once_scanned)
        made.closes_at = datetime.fromisoformat(closes_at) if closes_at else None
        known = self._orders.setdefault(order, made)
        if known.amount != amount:
            return {"error": "the order has another amount"}
        return {"pay_url": f"{self._pay_at}{order}"}

    def _charge(self, order: str, amount: int, code: str) -> dict[str, Any]:
        if order not in self._orders:
            made = self._orders[order] = _Order(amount, ChannelState.PENDING)
            if code.endswith("9"):
                made.state, made.reason = ChannelState.CLOSED, "the payer's balance is too low"
            elif not code.endswith("0"):
                self._pay(made)
        return self._shown(order)

    def _query(self, order: str) -> dict[str, Any]:
        return self._shown(order)

    def _close(self, order: str) -> dict[str, Any]:
        known = self._orders.get(order)
        if known is not None and known.is_known and known.state is ChannelState.PENDING:
            known.state, known.reason = ChannelState.CLOSED, "closed"
        return self._shown(order)

    def _reverse(self, order: str) -> dict[str, Any]:
        # Reversing a charge that never arrived keeps it from being paid when it does.
        known = self._orders.setdefault(order, _Order(0, ChannelState.PENDING))
        if known.state is ChannelState.PAID:
            left = known.amount - sum(one.amount for one in known.refunds.values())
            known.refunds[order] = _Refund(left, RefundState.PAID, self._clock())
        if known.state is not ChannelState.CLOSED:
            known.state, known.reason = ChannelState.CLOSED, "reversed"
        return self._shown(order)

    def _refund(self, order: str, refund: str, amount: int, total: int) -> dict[str, Any]:
        known = self._orders.get(order)
        if known is None or known.state is not ChannelState.PAID:
            return {"error": "there is no paid order"}
        if total != known.amount:
            return {"error": "the order has another amount"}
        if refund not in known.refunds:
            given_back = sum(one.amount for one in known.refunds.values() if one.state is not RefundState.REFUSED)
            if given_back + amount > known.amount:
                return {"error": "more than was paid"}
            state = RefundState.PENDING if self.refunds_take_time else RefundState.PAID
            known.refunds[refund] = _Refund(amount, state, self._clock())
        return _shown_refund(refund, known.refunds[refund])

    def _query_refund(self, order: str, refund: str) -> dict[str, Any]:
        known = self._orders.get(order)
        return _shown_refund(refund, known.refunds.get(refund) if known is not None else None)

    def _bill(self, day: str) -> dict[str, Any]:
        lines = []
        for name, order in self._orders.items():
            if order.paid_at is not None:
                lines.append((name, name, BillKind.PAYMENT, order.amount, order.paid_at))
            lines += [
                (name, refund, BillKind.REFUND, one.amount, one.at)
                for refund, one in order.refunds.items()
                if one.state is RefundState.PAID
            ]
        return {
            "lines": [
                {
                    "order": order_name,
                    "id": name,
                    "kind": kind.value,
                    "amount": fen,
                    "reference": _reference(name),
                    "at": at.isoformat(),
                }
                for order_name, name, kind, fen, at in lines
                if str(at.astimezone(self._zone).date()) == day
            ]
        }

    def _shown(self, name: str) -> dict[str, Any]:
        order = self._orders.get(name)
        if order is None or not order.is_known:
            return {"order": name, "state": ChannelState.UNKNOWN.value, "amount": 0}
        return {
            "order": name,
            "state": order.state.value,
            "amount": order.amount,
            "reference": _reference(name) if order.paid_at else None,
            "paid_at": order.paid_at.isoformat() if order.paid_at else None,
            "reason": order.reason,
        }


def order_of(shown: Mapping[str, Any]) -> ChannelOrder:
    """Read an order as the provider writes it."""
    paid_at = shown.get("paid_at")
    return ChannelOrder(
        id=UUID(shown["order"]),
        state=ChannelState(shown["state"]),
        amount=int(shown["amount"]),
        reference=shown.get("reference"),
        paid_at=datetime.fromisoformat(paid_at).astimezone(UTC) if paid_at else None,
        reason=shown.get("reason"),
    )


def refund_of(shown: Mapping[str, Any]) -> ChannelRefund:
    """Read a refund as the provider writes it."""
    at = shown["at"]
    return ChannelRefund(
        UUID(shown["refund"]),
        RefundState(shown["state"]),
        datetime.fromisoformat(at).astimezone(UTC) if at else None,
    )


def _shown_refund(name: str, found: _Refund | None) -> dict[str, Any]:
    if found is None:
        return {"refund": name, "state": RefundState.UNKNOWN.value, "at": None}
    at = found.at.isoformat() if found.state is RefundState.PAID else None
    return {"refund": name, "state": found.state.value, "at": at}


def _name(order_id: UUID | str) -> str:
    return UUID(str(order_id)).hex


def _reference(name: str) -> str:
    return f"L{name[-20:]}"
