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
    NewOrder,
    Notification,
    NotificationRefusedError,
)
from accounts.payment_channels.loopback_provider import LoopbackProvider, LostAnswerError, order_of, refund_of
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

    def create(self, wanted: NewOrder, now: datetime) -> Mapping[str, str]:
        """Open an order; the answer holds the address the payer goes to."""
        del now
        try:
            answer = self._call(
                "create", order=wanted.id.hex, amount=wanted.amount, closes_at=wanted.closes_at.isoformat()
            )
        except _DeniedError as error:
            raise ChannelFailedError(str(error)) from error
        return {"pay_url": str(answer["pay_url"])}

    def read_notification(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        """Check and read a notification.

        Raises:
            NotificationRefusedError: signature, age or form is wrong.
        """
        try:
            seen = verify(self._provider_key, headers, body, now)
            return Notification(_about(json.loads(body)), seen.nonce, seen.until)
        except (SignatureError, ValueError, KeyError, TypeError) as error:
            raise NotificationRefusedError(str(error) if isinstance(error, SignatureError) else None) from error

    def query(self, order_id: UUID) -> ChannelOrder:
        """Ask for an order."""
        return order_of(self._call("query", order=order_id.hex))

    def close(self, order_id: UUID) -> ChannelOrder:
        """Close an unpaid order."""
        return order_of(self._call("close", order=order_id.hex))

    def reverse(self, order_id: UUID) -> ChannelOrder:
        """End a charge, and give back what was paid of it."""
        return order_of(self._call("reverse", order=order_id.hex))

    def charge(self, order_id: UUID, code: str, amount: int, *, description: str, now: datetime) -> ChannelOrder:
        """Take money from the holder of a payment code."""
        del description, now
        return order_of(self._call("charge", order=order_id.hex, amount=amount, code=code))

    def refund(self, refund_id: UUID, order_id: UUID, amount: int, *, total: int, now: datetime) -> ChannelRefund:
        """Give money back.

        Raises:
            ChannelRefundRefusedError: the provider will not.
        """
        del now
        try:
            answer = self._call("refund", order=order_id.hex, refund=refund_id.hex, amount=amount, total=total)
        except _DeniedError as error:
            raise ChannelRefundRefusedError(str(error)) from error
        return refund_of(answer)

    def query_refund(self, refund_id: UUID, order_id: UUID) -> ChannelRefund:
        """Ask for a refund."""
        return refund_of(self._call("query_refund", order=order_id.hex, refund=refund_id.hex))

    def bill(self, day: date) -> Sequence[BillLine]:
        """Return the bill of a day."""
        return [
            BillLine(
                UUID(line["id"]),
                BillKind(line["kind"]),
                int(line["amount"]),
                str(line["reference"]),
                datetime.fromisoformat(line["at"]).astimezone(UTC),
                UUID(line["order"]),
            )
            for line in self._call("bill", day=str(day))["lines"]
        ]

    def renew_keys(self, now: datetime) -> None:
        """Do nothing: both sides keep the keys they were made with."""

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


def _about(said: Mapping[str, Any]) -> ChannelOrder | ChannelRefund | None:
    match said["event"]:
        case "order":
            return order_of(said["about"])
        case "refund":
            return refund_of(said["about"])
        case _:
            return None


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
