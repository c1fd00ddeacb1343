"""The campus's contracts with the providers on trial, their payers, and what payers see."""

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from campusgate.demo.providers import payers_page
from campusgate.demo.providers.abchina.provider import PASSWORD, AbchinaProvider
from campusgate.demo.providers.abchina.trades import MERCHANT
from campusgate.demo.providers.alipay.provider import AlipayProvider
from campusgate.demo.providers.alipay.trades import APPID as ALIPAY_APPID
from campusgate.demo.providers.alipay.trades import SELLER
from campusgate.demo.providers.serving import HttpAnswer, open_server
from campusgate.demo.providers.wechat.provider import API_KEY, MERCHANT_SERIAL, PUBLIC_KEY_ID, WechatProvider
from campusgate.demo.providers.wechat.trades import APPID, MCHID

CODES: Final[Mapping[str, str]] = {
    "wechat": "130000000000000001",
    "alipay": "280000000000000001",
    "abchina": "6212345678901234561",
}
"""What a payer's app shows at a terminal; one whose last digit is 9 belongs to somebody without money."""
_PATIENCE_S: Final = 30.0


@dataclass
class _AtWork:
    """A provider whose clock goes, with what its API and its payers' page do one after the other."""

    provider: Any
    lock: threading.Lock = field(default_factory=threading.Lock)
    lost: int = 0
    late_s: float = 0.0

    @property
    def encoding(self) -> str:
        return str(self.provider.encoding)

    def respond(self, method: str, target: str, headers: Mapping[str, str], body: str) -> HttpAnswer:
        self.provider.now = datetime.now(UTC)
        answer: HttpAnswer = self.provider.respond(method, target, headers, body)
        return answer

    def do(self, name: str, *given: Any) -> Any:
        with self.lock:
            self.provider.now = datetime.now(UTC)
            return getattr(self.provider, name)(*given)


class TrialProviders:
    """Enter it to open them: their APIs for this machine alone, the page on which payers pay where the campus's are."""

    def __init__(self, folder: Path, server_url: str) -> None:
        """Make their keys; the campus's halves come into `folder`, notifications go to the server."""
        now = datetime.now(UTC)
        self._folder, self._server_url = folder, server_url
        self._providers = {
            "wechat": _AtWork(WechatProvider(now)),
            "alipay": _AtWork(AlipayProvider(now)),
            "abchina": _AtWork(AbchinaProvider(now)),
        }
        self._addresses: dict[str, str] = {}
        self._open = ExitStack()
        folder.mkdir(mode=0o700)
        for name, content in self._files().items():
            (folder / name).touch(mode=0o600)
            (folder / name).write_bytes(content)

    def __enter__(self) -> Self:
        """Open."""
        host = urlsplit(self._server_url).hostname or "127.0.0.1"
        page = payers_page.PayersPage(self, self._server_url)
        page_port = self._serve(open_server(page, threading.Lock(), host))
        for name, one in self._providers.items():
            self._addresses[name] = f"http://127.0.0.1:{self._serve(open_server(one, one.lock))}"
            one.provider.pay_at = one.provider.code_at = f"http://{host}:{page_port}/{name}/"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self._open.close()

    @property
    def names(self) -> tuple[str, ...]:
        """The channels that they are."""
        return tuple(self._providers)

    def settings(self) -> dict[str, str]:
        """Return what the server is told of the contracts, as its environment."""
        contracts: dict[str, dict[str, str]] = {
            "wechat": {
                "mchid": MCHID,
                "appid": APPID,
                "serial": MERCHANT_SERIAL,
                "key_file": self._file("wechat-merchant.pem"),
                "api_key": API_KEY,
                "public_key_file": self._file("wechat.pem"),
                "public_key_id": PUBLIC_KEY_ID,
            },
            "alipay": {
                "appid": ALIPAY_APPID,
                "seller_id": SELLER,
                "key_file": self._file("alipay-app.pem"),
                "public_key_file": self._file("alipay.pem"),
            },
            "abchina": {
                "merchant_id": MERCHANT,
                "key_file": self._file("abchina-merchant.pfx"),
                "key_password": PASSWORD.decode(),
                "certificate_file": self._file("abchina.cer"),
                "return_url": "https://campus.example/console/me/money/top-ups",
            },
        }
        told: dict[str, str] = {}
        for name, contract in contracts.items():
            path = "/gateway.do" if name == "alipay" else ""
            contract["address"] = f"{self._addresses[name]}{path}"
            # They send notifications to the server of the demonstration, wherever they are asked to.
            contract["notify_url"] = f"https://campus.example/api/v1/channels/{name}/notifications"
            told |= {f"CAMPUSGATE_PAYMENT_CHANNELS__{name}__{key}".upper(): value for key, value in contract.items()}
        return told

    def amount(self, name: str, number: UUID) -> int | None:
        """Return what an order is to be paid with, in fen; None where this provider has none."""
        trade = self._trade(name, number)
        return None if trade is None else int(trade.fen)

    def is_paid(self, name: str, number: UUID) -> bool:
        """Whether an order or a charge is paid."""
        trade = self._trade(name, number)
        return trade is not None and trade.paid_at is not None

    def pay(self, name: str, number: UUID) -> None:
        """Let the payer of an order pay; nobody is notified yet."""
        self._providers[name].do("pay", number.hex)

    def notify(self, name: str, number: UUID, *, is_spoilt: bool = False) -> int:
        """Send the campus the notification of a paid order, on demand with one character changed; return its status."""
        headers, body = self._providers[name].do("notification", number.hex)
        if is_spoilt:
            middle = len(body) // 2
            other = b"A" if body[middle : middle + 1] != b"A" else b"B"
            body = body[:middle] + other + body[middle + 1 :]
        address = f"{self._server_url}/api/v1/channels/{name}/notifications"
        return httpx.post(address, content=body, headers=headers, timeout=_PATIENCE_S, trust_env=False).status_code

    def _trade(self, name: str, number: UUID) -> Any:
        one = self._providers[name]
        with one.lock:
            return one.provider.trades.get(number.hex)

    def _files(self) -> dict[str, bytes]:
        merchant, wechat = self._providers["wechat"].provider.introduce()
        alipay = self._providers["alipay"].provider.introduce()
        pfx, certificate = self._providers["abchina"].provider.introduce()
        return {
            "wechat-merchant.pem": merchant.encode(),
            "wechat.pem": wechat.encode(),
            "alipay-app.pem": alipay["key"],
            "alipay.pem": alipay["public"],
            "abchina-merchant.pfx": pfx,
            "abchina.cer": certificate,
        }

    def _file(self, name: str) -> str:
        return str(self._folder / name)

    def _serve(self, server: ThreadingHTTPServer) -> int:
        self._open.callback(server.server_close)
        self._open.callback(server.shutdown)
        return server.server_port
