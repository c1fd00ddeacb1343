"""Alipay's gateway in a process of its own, with keys of its own, and the campus's channel to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID

from accounts.payment_channels.alipay.channel import AlipayChannel
from accounts.payment_channels.alipay.options import AlipayOptions
from accounts.payment_channels.channel import RefundState
from campusgate.demo.providers.alipay.provider import AlipayProvider
from campusgate.demo.providers.alipay.trades import APPID, SELLER
from tests import forked
from tests.accounts.payments.channel_peers import Message
from tests.accounts.payments.provider_process import ProviderProcess, serve


class AlipayPeer(ProviderProcess):
    """The test's side of the pipe, and the campus's channel."""

    paid_code, slow_code, poor_code = "280000000000000001", "280000000000000000", "280000000000000009"
    tells_refunds, has_abnormal_refunds = True, False
    channel: AlipayChannel

    def __init__(self, pipe: Connection, folder: Path, now: datetime) -> None:
        super().__init__(pipe, now)
        self.files = {name: folder / f"{name}.pem" for name in self.introduction}
        for name, file in self.files.items():
            file.write_bytes(self.introduction[name])

    def begin(self, clock: Callable[[], datetime], mode: str, folder: Path) -> None:
        """Forget all trades, and connect a channel that knows Alipay by its `key` or by `certificates`."""
        self.clock = clock
        self.do("reset", clock(), mode)
        self.channel = AlipayChannel(self.options(mode), folder)

    def options(self, mode: str) -> AlipayOptions:
        files = self.files
        known: dict[str, Any] = {"public_key_file": files["public"]}
        if mode != "key":
            known = {f"{name}_certificate_file": files[name] for name in ("app", "alipay", "root")}
        return AlipayOptions(
            appid=APPID,
            seller_id=SELLER,
            key_file=files["key"],
            notify_url="https://campus.example/api/v1/channels/alipay/notifications",
            address=f"http://127.0.0.1:{self.port}/gateway.do",
            **known,
        )

    def pay(self, order_id: UUID) -> None:
        self.do("pay", order_id.hex)

    def notification(self, order_id: UUID, **faults: Any) -> Message:
        found: Message = self.do("notification", order_id.hex, **faults)
        return found

    def refund_notification(self, refund_id: UUID) -> Message:
        found: Message = self.do("refund_notification", refund_id.hex)
        return found

    def other_notification(self) -> Message:
        found: Message = self.do("other_notification")
        return found

    def finish_refund(self, refund_id: UUID, state: RefundState) -> None:
        self.do("finish_refund", refund_id.hex, {RefundState.PAID: "REFUND_SUCCESS"}.get(state, "REFUSED"))


@contextmanager
def running_peer(folder: Path, now: datetime) -> Iterator[AlipayPeer]:
    with forked.running(serve, AlipayProvider) as (_, pipe):
        yield AlipayPeer(pipe, folder, now)
