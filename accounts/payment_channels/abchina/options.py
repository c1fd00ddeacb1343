"""What a campus's contract with the Agricultural Bank gives it."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr, StringConstraints, field_validator

from accounts.payment_channels.fields import HttpsAddress


class AbchinaOptions(BaseModel):
    """A merchant of the bank's TrustPay (网上支付平台)."""

    merchant_id: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{6,20}$")] = Field(
        description="the merchant's number, 1038…"
    )
    key_file: Path = Field(description="the merchant's certificate with its private key (….pfx)")
    key_password: SecretStr = Field(description="the password of that file")
    certificate_file: Path = Field(description="the bank's certificate (TrustPay.cer), as the bank hands it out now")
    notify_url: HttpsAddress = Field(
        description="where notifications are sent: https://HOST/api/v1/channels/abchina/notifications"
    )
    return_url: HttpsAddress = Field(
        description="where the bank leads its payers afterwards: https://HOST/console/me/money/top-ups"
    )
    address: HttpsAddress = Field(default="https://pay.abchina.com", description="of the bank's servers, without path")
    unknown_order_codes: tuple[str, ...] = Field(
        default=("E001",), description="the return codes that say that there is no such order or refund"
    )

    @field_validator("address")
    @classmethod
    def _has_no_slash_behind_it(cls, value: str) -> str:
        return value.rstrip("/")
