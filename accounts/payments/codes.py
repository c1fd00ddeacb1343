"""Whose payment code (付款码) was shown at a terminal: a virtual card's, or a channel's."""

from collections.abc import Collection

from accounts.cards import virtual_code
from accounts.payment_channels.registry import channel_of


def route(code: str, channels: Collection[str]) -> str | None:
    """Return `virtual`, the name of a connected channel, or None when nobody takes this code."""
    if virtual_code.looks_like_one(code):
        return "virtual"
    channel = channel_of(code)
    return channel if channel in channels else None
