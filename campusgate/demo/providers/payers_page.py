"""The page on which payers of the providers on trial pay: what their apps would show."""

import contextlib
import threading
from collections.abc import Mapping
from typing import Final, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from campusgate.demo.providers.serving import HttpAnswer

_NAMES: Final[Mapping[str, str]] = {
    "wechat": "微信支付 WeChat Pay",
    "alipay": "支付宝 Alipay",
    "abchina": "农业银行 ABC",
}
_HTML: Final = {"Content-Type": "text/html; charset=utf-8"}
_PAGE: Final = """<!doctype html>
<html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<h1>{name} <small>演示 <span lang="en">on trial</span></small></h1>
<p>{amount} 元。这里不动用真钱。<span lang="en">No real money moves here.</span></p>
{action}
<p><a href="{back}">返回校园 <span lang="en">Back to the campus</span></a></p>
</html>
"""
_BUTTON: Final = '<form method="post"><button>付款 <span lang="en">Pay</span></button></form>'
_DONE: Final = '<p>已付款。<span lang="en">Paid.</span></p>'


class Payments(Protocol):
    """What payers do."""

    def amount(self, name: str, number: UUID) -> int | None:
        """Return what an order is to be paid with, None where there is none."""
        ...

    def is_paid(self, name: str, number: UUID) -> bool:
        """Whether it is paid."""
        ...

    def pay(self, name: str, number: UUID) -> None:
        """Pay it."""
        ...

    def notify(self, name: str, number: UUID) -> int:
        """Tell the campus."""
        ...


class PayersPage:
    """It is served as a provider is, beside their APIs."""

    encoding = "utf-8"
    lost = 0
    late_s = 0.0

    def __init__(self, payments: Payments, server_url: str) -> None:
        """Lead payers back to the pages of the server."""
        self._payments, self._server_url = payments, server_url

    def respond(self, method: str, target: str, headers: Mapping[str, str], body: str) -> HttpAnswer:
        """Show an order, or pay it."""
        del headers, body
        _, name, number = [*urlsplit(target).path.split("/"), "", ""][:3]
        order = _read(number)
        fen = self._payments.amount(name, order) if name in _NAMES and order is not None else None
        if fen is None or order is None:
            return 404, _HTML, "没有这个订单 There is no such order".encode()
        if method == "POST":
            self._payments.pay(name, order)
            # The campus may ask the provider before it answers: it is told when this page was.
            threading.Thread(target=self._tell, args=(name, order), daemon=True).start()
            return 303, {"Location": target}, b""
        action = _DONE if self._payments.is_paid(name, order) else _BUTTON
        back = f"{self._server_url}/console/me/money/top-ups/{order}"
        page = _PAGE.format(name=_NAMES[name], amount=f"{fen // 100}.{fen % 100:02}", action=action, back=back)
        return 200, _HTML, page.encode()

    def _tell(self, name: str, order: UUID) -> None:
        # Where the server is away it asks for the order when it is back.
        with contextlib.suppress(httpx.HTTPError):
            self._payments.notify(name, order)


def _read(number: str) -> UUID | None:
    try:
        return UUID(hex=number)
    except ValueError:
        return None
