"""Whose payment code (付款码) is it? 18 digits: WeChat's begin with 10–15, Alipay's with 25–30, ours with 90."""

from collections.abc import Collection

from accounts.cards import virtual_code

_CHANNELS = {
    **{f"{prefix}": "wechat" for prefix in range(10, 16)},
    **{f"{prefix}": "alipay" for prefix in range(25, 31)},
}


def channel_of(code: str) -> str | None:
    """Return the channel whose prefix a code has, or None."""
    if not code.isascii() or not code.isdigit():
        return None
    # Alipay announces codes of 16 to 24 digits; WeChat's are 18.
    channel = _CHANNELS.get(code[:2])
    if channel == "wechat":
        return channel if len(code) == 18 else None
    return channel if 16 <= len(code) <= 24 else None


def route(code: str, channels: Collection[str]) -> str | None:
    """Return `virtual`, the name of a connected channel, or None when nobody takes this code."""
    if virtual_code.looks_like_one(code):
        return "virtual"
    channel = channel_of(code)
    return channel if channel in channels else None
