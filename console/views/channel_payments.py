"""What pages show of a payment that is to be made in a channel's app: behind printed codes, and of one's own wallet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request
from markupsafe import Markup

from accounts.payment_channels.channel import ChannelFailedError, ChannelNotConnectedError
from console import qr, texts
from console.rendering import complete_address, language_of
from console.services import ConsoleServices
from console.views.statement import name_channel

_LEADS = ("https://", "http://", "weixin://", "alipays://", "/")
"""What a browser may be led to; any other address is for a scanner only."""
_APPS: Mapping[str, str] = {"MicroMessenger": "wechat", "AlipayClient": "alipay", "bankabc": "abchina"}
"""What the browsers inside the channels' apps call themselves."""


@dataclass(frozen=True, slots=True)
class HowToPay:
    """Where the payer's browser is led, and the code for another device; both None while the channel is away."""

    address: str | None = None
    code: Markup | None = None
    is_away: bool = False


def find_way(request: Request, ask: Callable[[], Mapping[str, str]]) -> HowToPay:
    """Return how an open payment is paid, as its channel says."""
    try:
        pay = ask()
    except (ChannelFailedError, ChannelNotConnectedError):
        return HowToPay(is_away=True)
    address = pay.get("pay_url") or pay.get("code_url") or next(iter(pay.values()), "")
    scanned = complete_address(request, pay.get("code_url") or address)
    return HowToPay(address if address.startswith(_LEADS) else None, qr.draw(scanned) if scanned else None)


def list_channels(request: Request, services: ConsoleServices) -> Sequence[tuple[str, str]]:
    """Return the connected channels with their names."""
    t = texts.translator(language_of(request))
    return [(name, name_channel(name, t)) for name in sorted(services.money.channels)]


def guess_channel(request: Request) -> str:
    """Return the channel in whose app the page is open, or nothing."""
    browser = request.headers.get("user-agent", "")
    return next((channel for app, channel in _APPS.items() if app in browser), "")
