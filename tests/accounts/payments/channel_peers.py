"""Payment providers as the tests of the port see them: what payers do there, what a provider says, how it fails."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.payment_channels.channel import PaymentChannel, RefundState
from accounts.payment_channels.loopback import loopback

Message = tuple[dict[str, str], bytes]
"""A notification: headers and body."""


class ChannelPeer(Protocol):
    """A provider, the campus's channel to it, the codes that its payers show, and what it knows of refunds."""

    channel: PaymentChannel
    paid_code: str
    slow_code: str
    poor_code: str
    tells_refunds: bool
    has_abnormal_refunds: bool

    def pay(self, order_id: UUID) -> None: ...

    def notification(self, order_id: UUID) -> Message: ...

    def refund_notification(self, refund_id: UUID) -> Message: ...

    def other_notification(self) -> Message: ...

    def finish_refund(self, refund_id: UUID, state: RefundState) -> None: ...

    def lose_answers(self, count: int) -> None: ...

    def keep_time(self) -> None:
        """The clock was turned."""


class LoopbackPeer:
    """The loopback provider, whose refunds take time here."""

    paid_code, slow_code, poor_code = "130000000000000001", "130000000000000000", "130000000000000009"
    tells_refunds = has_abnormal_refunds = True

    def __init__(self, clock: Callable[[], datetime], zone: ZoneInfo, *, once_scanned: bool) -> None:
        self.provider, self.channel = loopback("wechat", clock=clock, zone=zone)
        self.provider.refunds_take_time = True
        self.provider.knows_orders_once_scanned = once_scanned
        self.pay = self.provider.pay
        self.notification = self.provider.notification
        self.refund_notification = self.provider.refund_notification
        self.other_notification = self.provider.other_notification
        self.finish_refund = self.provider.finish_refund

    def keep_time(self) -> None:
        pass

    def lose_answers(self, count: int) -> None:
        self.provider.answers_to_lose = count
