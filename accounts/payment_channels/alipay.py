"""Alipay. A campus that has a contract connects its own backend under this name."""

from accounts.payment_channels.channel import ChannelEntry, PaymentCodes

ENTRY = ChannelEntry(
    # Alipay announces codes of 16 to 24 digits.
    "alipay",
    codes=PaymentCodes(frozenset(f"{prefix}" for prefix in range(25, 31)), shortest=16, longest=24),
)
