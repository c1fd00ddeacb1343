"""The payment channels that are known. A new one is a file or folder beside this one and a line here.

It holds an `ENTRY`, and the backend: a class that does what `channel.PaymentChannel` asks for. The server connects what
settings are given for. The loopback channel moves no money, so it is none of these.
"""

from accounts.payment_channels.abchina import channel as abchina
from accounts.payment_channels.alipay import channel as alipay
from accounts.payment_channels.channel import ChannelEntry
from accounts.payment_channels.wechat import channel as wechat

CHANNELS: tuple[ChannelEntry, ...] = (wechat.ENTRY, alipay.ENTRY, abchina.ENTRY)


def channel_of(code: str) -> str | None:
    """Return the name of the channel whose payment code this is, or None."""
    if not code.isascii() or not code.isdigit():
        return None
    for entry in CHANNELS:
        if entry.codes is not None and entry.codes.has(code):
            return entry.name
    return None
