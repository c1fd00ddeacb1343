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

from accounts.payment_channels.channel import BillKind, ChannelOrder, ChannelState, RefundState
from accounts.payment_channels.signing import SignatureError, sign, verify


class LostAnswerError(Exception):
    """The provider acted, and its answer did not arrive."""


@dataclass
class _Order:
    amount: int
    state: ChannelState
    paid_at: datetime | None = None
    reason: str | None = None
    refunds: dict[str, tuple[int, datetime]] = field(default_factory=dict)


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
            shown = order_of(self._shown(str(order_id)))
        return None if shown.state is ChannelState.UNKNOWN else shown

    def pay(self, order_id: UUID) -> None:
        """The payer pays an order in their app."""
        with self._lock:
            self._pay(self._orders[str(order_id)])

    confirm = pay

    def notification(self, order_id: UUID) -> tuple[dict[str, str], bytes]:
        """Return a notification of an order; each one is signed afresh, as those that are sent again are."""
        with self._lock:
            body = json.dumps(self._shown(str(order_id))).encode()
        return sign(self._key, body, self._clock()), body

    def _pay(self, order: _Order) -> None:
        if order.state is ChannelState.PENDING:
            order.state, order.paid_at = ChannelState.PAID, self._clock()

    def _create(self, order: str, amount: int) -> dict[str, Any]:
        known = self._orders.setdefault(order, _Order(amount, ChannelState.PENDING))
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
        # Closing an order that never arrived keeps it from being paid when it does.
        known = self._orders.setdefault(order, _Order(0, ChannelState.PENDING))
        if known.state is ChannelState.PENDING:
            known.state, known.reason = ChannelState.CLOSED, "closed"
        return self._shown(order)

    def _refund(self, order: str, refund: str, amount: int) -> dict[str, Any]:
        known = self._orders.get(order)
        if known is None or known.state is not ChannelState.PAID:
            return {"error": "there is no paid order"}
        if refund not in known.refunds:
            if sum(fen for fen, _ in known.refunds.values()) + amount > known.amount:
                return {"error": "more than was paid"}
            known.refunds[refund] = amount, self._clock()
        return {"refund": refund, "at": known.refunds[refund][1].isoformat()}

    def _query_refund(self, order: str, refund: str) -> dict[str, Any]:
        known = self._orders.get(order)
        if known is None or refund not in known.refunds:
            return {"state": RefundState.UNKNOWN.value, "at": None}
        return {"state": RefundState.PAID.value, "at": known.refunds[refund][1].isoformat()}

    def _bill(self, day: str) -> dict[str, Any]:
        lines = []
        for name, order in self._orders.items():
            if order.paid_at is not None:
                lines.append((name, BillKind.PAYMENT, order.amount, order.paid_at))
            lines += [(refund, BillKind.REFUND, fen, at) for refund, (fen, at) in order.refunds.items()]
        return {
            "lines": [
                {"id": name, "kind": kind.value, "amount": fen, "reference": _reference(name), "at": at.isoformat()}
                for name, kind, fen, at in lines
                if str(at.astimezone(self._zone).date()) == day
            ]
        }

    def _shown(self, name: str) -> dict[str, Any]:
        order = self._orders.get(name)
        if order is None:
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


def _reference(name: str) -> str:
    return f"L{name.replace('-', '')[-20:]}"
