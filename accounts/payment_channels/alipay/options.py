"""What a campus's contract with Alipay gives it."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from accounts.payment_channels.fields import HttpsAddress

_CERTIFICATES = ("app_certificate_file", "alipay_certificate_file", "root_certificate_file")


class AlipayOptions(BaseModel):
    """An app at Alipay's open platform. Alipay is known by its public key, or by its certificate (公钥证书 mode)."""

    appid: Annotated[str, StringConstraints(pattern=r"^[0-9]{16,32}$")] = Field(description="the app's number")
    seller_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{16,28}$")] = Field(
        description="the merchant's number (PID), 2088…"
    )
    key_file: Path = Field(description="the app's private key, RSA2")
    public_key_file: Path | None = Field(default=None, description="Alipay's public key; not the app's own")
    app_certificate_file: Path | None = Field(default=None, description="appCertPublicKey_….crt")
    alipay_certificate_file: Path | None = Field(default=None, description="alipayCertPublicKey_RSA2.crt")
    root_certificate_file: Path | None = Field(default=None, description="alipayRootCert.crt")
    notify_url: HttpsAddress = Field(
        description="where notifications are sent: https://HOST/api/v1/channels/alipay/notifications"
    )
    address: HttpsAddress = Field(default="https://openapi.alipay.com/gateway.do", description="of Alipay's gateway")

    @model_validator(mode="after")
    def _knows_alipay_in_one_way(self) -> Self:
        certificates = [name for name in _CERTIFICATES if getattr(self, name) is not None]
        if len(certificates) not in (0, len(_CERTIFICATES)):
            raise ValueError(f"{', '.join(_CERTIFICATES)} go together: give all or none")
        if bool(certificates) == (self.public_key_file is not None):
            raise ValueError("give either public_key_file or the three certificates")
        return self
