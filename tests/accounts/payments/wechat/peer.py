"""WeChat Pay's API in a process of its own, with keys of its own, and the campus's channel to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID

from accounts.payment_channels.channel import RefundState
from accounts.payment_channels.wechat.channel import WechatPayChannel
from accounts.payment_channels.wechat.options import WechatPayOptions
from campusgate.demo.providers.wechat.provider import API_KEY, MERCHANT_SERIAL, PUBLIC_KEY_ID, WechatProvider
from campusgate.demo.providers.wechat.trades import APPID, MCHID
from tests import forked
from tests.accounts.payments.channel_peers import Message
from tests.accounts.payments.provider_process import ProviderProcess, serve


class WechatPeer(ProviderProcess):
    """The test's side of the pipe, and the campus's channel."""

    paid_code, slow_code, poor_code = "130000000000000001", "130000000000000000", "130000000000000009"
    tells_refunds = has_abnormal_refunds = True
    channel: WechatPayChannel

    def __init__(self, pipe: Connection, folder: Path, now: datetime) -> None:
        super().__init__(pipe, now)
        merchant_pem, public_pem = self.introduction
        self._key_file, self._public_key_file = folder / "apiclient_key.pem", folder / "pub_key.pem"
        self._key_file.write_text(merchant_pem)
        self._public_key_file.write_text(public_pem)

    def begin(self, clock: Callable[[], datetime], mode: str, folder: Path) -> None:
        """Forget all orders, and connect a channel that knows the provider by its `key` or by `certificates`."""
        self.clock = clock
        self.do("reset", clock(), mode)
        self.channel = self.connect(mode, folder)
        self.channel.renew_keys(clock())

    def options(self, mode: str) -> WechatPayOptions:
        by_key = {"public_key_file": self._public_key_file, "public_key_id": PUBLIC_KEY_ID} if mode == "key" else {}
        return WechatPayOptions(
            mchid=MCHID,
            appid=APPID,
            serial=MERCHANT_SERIAL,
            key_file=self._key_file,
            api_key=API_KEY,
            notify_url="https://campus.example/api/v1/channels/wechat/notifications",
            address=f"http://127.0.0.1:{self.port}",
            **by_key,
        )

    def connect(self, mode: str, folder: Path) -> WechatPayChannel:
        return WechatPayChannel(self.options(mode), folder)

    def pay(self, order_id: UUID) -> None:
        self.do("pay", order_id.hex)

    def notification(self, order_id: UUID, **faults: Any) -> Message:
        found: Message = self.do("notification", order_id.hex, **faults)
        return found

    def refund_notification(self, refund_id: UUID, **faults: Any) -> Message:
        found: Message = self.do("refund_notification", refund_id.hex, **faults)
        return found

    def other_notification(self) -> Message:
        found: Message = self.do("other_notification")
        return found

    def finish_refund(self, refund_id: UUID, state: RefundState) -> None:
        names = {RefundState.PAID: "SUCCESS", RefundState.REFUSED: "CLOSED", RefundState.ABNORMAL: "ABNORMAL"}
        self.do("finish_refund", refund_id.hex, names[state])


@contextmanager
def running_peer(folder: Path, now: datetime) -> Iterator[WechatPeer]:
    with forked.running(serve, WechatProvider) as (_, pipe):
        yield WechatPeer(pipe, folder, now)
