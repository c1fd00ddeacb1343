"""WeChat Pay's API in a process of its own, with keys of its own, and the campus's channel to it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from accounts.payment_channels.channel import RefundState
from accounts.payment_channels.wechat.channel import WechatPayChannel
from accounts.payment_channels.wechat.options import WechatPayOptions
from tests import forked
from tests.accounts.payments.channel_peers import Message
from tests.accounts.payments.wechat.provider import API_KEY, MERCHANT_SERIAL, PUBLIC_KEY_ID, WechatProvider
from tests.accounts.payments.wechat.trades import APPID, MCHID, make_bill


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, provider: WechatProvider, lock: threading.Lock, *given: Any) -> None:
        self._provider, self._lock = provider, lock
        super().__init__(*given)

    def do_GET(self) -> None:
        self._do("GET")

    def do_POST(self) -> None:
        self._do("POST")

    def _do(self, method: str) -> None:
        provider = self._provider
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with self._lock:
            if not provider.is_merchants(method, self.path, self.headers["Authorization"], body):
                status, said = 401, {"code": "SIGN_ERROR", "message": "wrong signature"}
            elif parts.path.startswith("/v3/bill"):
                status, said = 200, self._bill(query)
            else:
                status, said = provider.answer(method, parts.path, json.loads(body) if body else {})
            lost, late_s = provider.lost > 0, provider.late_s
            provider.lost = max(0, provider.lost - 1)
        time.sleep(late_s)
        if lost:
            self.close_connection = True
            return
        self._say(status, said)

    def _bill(self, query: dict[str, str]) -> Any:
        day = query.get("token") or query["bill_date"]
        packed, sha1 = make_bill(self._provider.trades, day, self._provider.bill_edit)
        if "token" in query:
            return packed
        address = f"http://{self.headers['Host']}/v3/billdownload/file?token={day}"
        return {"download_url": address, "hash_type": "SHA1", "hash_value": sha1}

    def _say(self, status: int, said: Any) -> None:
        provider = self._provider
        is_file = isinstance(said, bytes)
        content = said if is_file else json.dumps(said).encode() if said is not None else b""
        self.send_response(status)
        if not provider.unsigned and not is_file:
            for name, value in provider.signed(content.decode(), provider.signer, provider.now).items():
                self.send_header(name, value)
        if not is_file:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


def serve(pipe: Connection) -> None:
    """Run the provider and do what comes by the pipe, until that is closed."""
    provider, lock = WechatProvider(pipe.recv()), threading.Lock()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, provider, lock))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.send((server.server_port, provider.merchant_pem(), provider.by_key.public_pem))
    while True:
        try:
            name, now, given, named = pipe.recv()
        except EOFError:
            return
        with lock:
            provider.now = now
            if name == "set":
                vars(provider).update(named)
                pipe.send(None)
            elif name == "get":
                pipe.send(getattr(provider, given[0]))
            else:
                pipe.send(getattr(provider, name)(*given, **named))


class WechatPeer:
    """The test's side of the pipe, and the campus's channel."""

    paid_code, slow_code, poor_code = "130000000000000001", "130000000000000000", "130000000000000009"
    channel: WechatPayChannel

    def __init__(self, pipe: Connection, folder: Path, now: datetime) -> None:
        self._pipe = pipe
        pipe.send(now)
        self.port, merchant_pem, public_pem = pipe.recv()
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

    def do(self, name: str, *given: Any, **named: Any) -> Any:
        self._pipe.send((name, self.clock(), given, named))
        return self._pipe.recv()

    def set(self, **values: Any) -> None:
        self.do("set", **values)

    def keep_time(self) -> None:
        self.set()

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

    def lose_answers(self, count: int) -> None:
        self.set(lost=count)


@contextmanager
def running_peer(folder: Path, now: datetime) -> Iterator[WechatPeer]:
    with forked.running(serve) as (_, pipe):
        yield WechatPeer(pipe, folder, now)
