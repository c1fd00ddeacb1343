"""The demonstration's bank: a payment channel that signs like a real one, and the page on which its payers pay."""

from collections.abc import Mapping
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse

from accounts.api.dependencies import NowDep
from accounts.api.money import MoneyDep
from accounts.payment_channels.channel import ChannelOrder, ChannelState, PaymentChannel
from accounts.payment_channels.loopback import loopback
from accounts.topup import notifications
from web.problems import NotFoundError

NAME = "loopback"
_PATH = "/demonstration/bank"

_PAGE = """<!doctype html>
<html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>演示银行 · Demonstration bank</title>
<h1>演示银行 <small lang="en">Demonstration bank</small></h1>
<p>{amount} 元。这里不动用真钱。<span lang="en">No real money moves here.</span></p>
{action}
<p><a href="/console/me/money/top-ups/{order}">返回充值 <span lang="en">Back to the top-up</span></a></p>
</html>
"""
_BUTTON = '<form method="post"><button>付款 <span lang="en">Pay</span></button></form>'
_DONE = {
    ChannelState.PAID: '<p>已付款，已到账。<span lang="en">Paid, and in the account.</span></p>',
    ChannelState.CLOSED: '<p>订单已关闭。<span lang="en">The order is closed.</span></p>',
}


class TrialBank:
    """Both sides of the channel in the server's process; what it knows ends with the process."""

    def __init__(self, zone: ZoneInfo) -> None:
        """Make the keys; `zone` is that of the daily bills."""
        self.provider, channel = loopback(NAME, zone=zone, pay_at=f"{_PATH}/")
        self.channels: Mapping[str, PaymentChannel] = {NAME: channel}

    def router(self) -> APIRouter:
        """Return the routes of the page on which its payers pay."""
        router = APIRouter(prefix=_PATH, include_in_schema=False)

        @router.get("/{order_id}", response_class=HTMLResponse)
        def show_order(order_id: UUID) -> HTMLResponse:
            return HTMLResponse(_page(self.order(order_id)))

        @router.post("/{order_id}", response_class=RedirectResponse)
        def pay(money: MoneyDep, now: NowDep, order_id: UUID) -> RedirectResponse:
            self.order(order_id)
            self.provider.pay(order_id)
            headers, body = self.provider.notification(order_id)
            notifications.handle(money, NAME, headers, body, now)
            return RedirectResponse(f"{_PATH}/{order_id}", status_code=303)

        return router

    def order(self, order_id: UUID) -> ChannelOrder:
        """Return an order.

        Raises:
            NotFoundError: this bank has none with that id.
        """
        found = self.provider.order(order_id)
        if found is None:
            raise NotFoundError("this bank knows no such order")
        return found


def _page(order: ChannelOrder) -> str:
    yuan, fen = divmod(order.amount, 100)
    return _PAGE.format(amount=f"{yuan}.{fen:02}", action=_DONE.get(order.state, _BUTTON), order=order.id)
