"""A payment channel without a bank: the first backend of the port, for demonstration, tests and trial runs.

It does what the real ones do: every request, answer and notification is signed with real keys and checked; payers are
slow, answers get lost, notifications come late, twice or never. `LoopbackChannel` is the campus's side of the wire,
`loopback_provider.LoopbackProvider` the bank's.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from accounts.payment_channels.channel import (
    BillKind,
    BillLine,
    ChannelFailedError,
    ChannelOrder,
    ChannelRefund,
    ChannelRefundRefusedError,
    Notification,
    NotificationRefusedError,
    RefundState,
)
from accounts.payment_channels.loopback_provider import LoopbackProvider, LostAnswerError, order_of
from accounts.payment_channels.signing import SignatureError, sign, verify

Transport = Callable[[Mapping[str, str], bytes], tuple[Mapping[str, str], bytes]]


class _DeniedError(Exception):
    """The provider understood and said no."""


class LoopbackChannel:
    """The campus's side of the wire."""

    acknowledgement = ("application/json", '{"code": "SUCCESS"}')

    def __init__(
        self,
        name: str,
        key: Ed25519PrivateKey,
        provider_key: Ed25519PublicKey,
        transport: Transport,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        """Take our key, the provider's, and the way to it."""
        self.name = name
        self._key = key
        self._provider_key = provider_key
        self._transport = transport
        self._clock = clock

    def create(self, order_id: UUID, amount: int, *, description: str, now: datetime) -> Mapping[str, str]:
        """Open an order; the answer holds the address the payer goes to."""
        del description, now
        try:
            return {"pay_url": str(self._call("create", order=str(order_id), amount=amount)["pay_url"])}
        except _DeniedError as error:
            raise ChannelFailedError(str(error)) from error

    def read_notification(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        """Check and read a notification.

        Raises:
            NotificationRefusedError: signature, age or form is wrong.
        """
        try:
            seen = verify(self._provider_key, headers, body, now)
            return Notification(order_of(json.loads(body)), seen.nonce, seen.until)
        except (SignatureError, ValueError, KeyError, TypeError) as error:
            raise NotificationRefusedError(str(error) if isinstance(error, SignatureError) else None) from error

    def query(self, order_id: UUID) -> ChannelOrder:
        """Ask for an order."""
        return order_of(self._call("query", order=str(order_id)))

    def close(self, order_id: UUID) -> ChannelOrder:
        """Close an unpaid order."""
        return order_of(self._call("close", order=str(order_id)))

    def charge(self, order_id: UUID, code: str, amount: int, *, description: str, now: datetime) -> ChannelOrder:
        """Take money from the holder of a payment code."""
        del description, now
        return order_of(self._call("charge", order=str(order_id), amount=amount, code=code))

    def refund(self, refund_id: UUID, order_id: UUID, amount: int, *, now: datetime) -> datetime:
        """Give money back and return when.

        Raises:
            ChannelRefundRefusedError: the provider will not.
        """
        del now
        try:
            answer = self._call("refund", order=str(order_id), refund=str(refund_id), amount=amount)
            return datetime.fromisoformat(answer["at"]).astimezone(UTC)
        except _DeniedError as error:
            raise ChannelRefundRefusedError(str(error)) from error

    def query_refund(self, refund_id: UUID, order_id: UUID) -> ChannelRefund:
        """Ask for a refund."""
        answer = self._call("query_refund", order=str(order_id), refund=str(refund_id))
        at = answer["at"]
        paid_at = datetime.fromisoformat(at).astimezone(UTC) if at else None
        return ChannelRefund(refund_id, RefundState(answer["state"]), paid_at)

    def bill(self, day: date) -> Sequence[BillLine]:
        """Return the bill of a day."""
        return [
            BillLine(
                UUID(line["id"]),
                BillKind(line["kind"]),
                int(line["amount"]),
                str(line["reference"]),
                datetime.fromisoformat(line["at"]).astimezone(UTC),
            )
            for line in self._call("bill", day=str(day))["lines"]
        ]

    def _call(self, what: str, **fields: Any) -> Any:
        body = json.dumps({"do": what, **fields}).encode()
        try:
            headers, plain = self._transport(sign(self._key, body, self._clock()), body)
            verify(self._provider_key, headers, plain, self._clock())
        except (LostAnswerError, SignatureError, OSError) as error:
            raise ChannelFailedError(f"{self.name} did not answer") from error
        answer = json.loads(plain)
        if "error" in answer:
            raise _DeniedError(str(answer["error"]))
        return answer


def loopback(
    name: str,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    zone: ZoneInfo,
    pay_at: str = "loopback:pay/",
) -> tuple[LoopbackProvider, LoopbackChannel]:
    """Make both sides of a channel, with keys of their own, in one process."""
    key = Ed25519PrivateKey.generate()
    provider = LoopbackProvider(key.public_key(), clock=clock, zone=zone, pay_at=pay_at)
    return provider, LoopbackChannel(name, key, provider.public_key, provider.handle, clock=clock)
