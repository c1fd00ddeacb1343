"""Settings of the payment channels: what a campus's contracts give it. A channel without settings is not there."""

from pydantic import BaseModel

from accounts.payment_channels.abchina.options import AbchinaOptions
from accounts.payment_channels.alipay.options import AlipayOptions
from accounts.payment_channels.wechat.options import WechatPayOptions


class PaymentChannelSettings(BaseModel):
    """Each field has the name of an entry of `accounts.payment_channels.registry`, and is of its options."""

    wechat: WechatPayOptions | None = None
    alipay: AlipayOptions | None = None
    abchina: AbchinaOptions | None = None
