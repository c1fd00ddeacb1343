"""The Agricultural Bank in a process of its own, with keys of its own, and the campus's channel to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from accounts.payment_channels.abchina.channel import AbchinaChannel
from accounts.payment_channels.abchina.options import AbchinaOptions
from accounts.payment_channels.channel import RefundState
from campusgate.demo.providers.abchina.provider import PASSWORD, AbchinaProvider
from campusgate.demo.providers.abchina.trades import MERCHANT
from tests import forked
from tests.accounts.payments.channel_peers import Message
from tests.accounts.payments.provider_process import ProviderProcess, serve


class AbchinaPeer(ProviderProcess):
    """The test's side of the pipe, and the campus's channel."""

    paid_code, slow_code, poor_code = "6212345678901234561", "6212345678901234560", "6212345678901234569"
    tells_refunds = has_abnormal_refunds = False
    channel: AbchinaChannel

    def __init__(self, pipe: Connection, folder: Path, now: datetime) -> None:
        super().__init__(pipe, now)
        self.files = {"key": folder / f"{MERCHANT}.pfx", "certificate": folder / "TrustPay.cer"}
        for file, content in zip(self.files.values(), self.introduction, strict=True):
            file.write_bytes(content)

    def begin(self, clock: Callable[[], datetime], mode: str, folder: Path) -> None:
        """Forget all trades, and connect a channel."""
        del mode
        self.clock = clock
        self.do("reset", clock())
        self.channel = AbchinaChannel(self.options(), folder, clock=clock)

    def options(self) -> AbchinaOptions:
        return AbchinaOptions(
            merchant_id=MERCHANT,
            key_file=self.files["key"],
            key_password=SecretStr(PASSWORD.decode()),
            certificate_file=self.files["certificate"],
            notify_url="https://campus.example/api/v1/channels/abchina/notifications",
            return_url="https://campus.example/console/me/money/top-ups",
            address=f"http://127.0.0.1:{self.port}",
        )

    def pay(self, order_id: UUID) -> None:
        self.do("pay", order_id.hex)

    def notification(self, order_id: UUID, **faults: Any) -> Message:
        found: Message = self.do("notification", order_id.hex, **faults)
        return found

    def refund_notification(self, refund_id: UUID) -> Message:
        raise NotImplementedError(f"the bank tells nobody of {refund_id}")

    def other_notification(self) -> Message:
        found: Message = self.do("other_notification")
        return found

    def finish_refund(self, refund_id: UUID, state: RefundState) -> None:
        self.do("finish_refund", refund_id.hex, {RefundState.PAID: "04"}.get(state, "99"))


@contextmanager
def running_peer(folder: Path, now: datetime) -> Iterator[AbchinaPeer]:
    with forked.running(serve, AbchinaProvider) as (_, pipe):
        yield AbchinaPeer(pipe, folder, now)
