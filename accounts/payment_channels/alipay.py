"""Alipay. A campus that has a contract connects its own backend under this name."""

from accounts.payment_channels.channel import ChannelEntry, PaymentCodes

ENTRY = ChannelEntry(
    "alipay",
    # Alipay announces codes of 16 to 24 digits.
    codes=PaymentCodes(frozenset(map(str, range(25, 31))), shortest=16, longest=24),
)
