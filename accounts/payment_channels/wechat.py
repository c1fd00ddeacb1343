"""WeChat Pay. A campus that has a contract connects its own backend under this name."""

from accounts.payment_channels.channel import ChannelEntry, PaymentCodes

ENTRY = ChannelEntry("wechat", codes=PaymentCodes(frozenset(map(str, range(10, 16))), shortest=18, longest=18))
