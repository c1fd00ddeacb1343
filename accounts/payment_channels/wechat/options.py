"""What a campus's contract with WeChat Pay gives it."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, Field, SecretStr, StringConstraints, field_validator, model_validator

from accounts.payment_channels.fields import HttpsAddress


class WechatPayOptions(BaseModel):
    """A merchant of WeChat Pay. What signs its messages is known by its public key, or by platform certificates.

    Merchants that were opened since September 2024 have a public key (`PUB_KEY_ID_…`); for the others the platform
    certificates are fetched.
    """

    mchid: Annotated[str, StringConstraints(pattern=r"^[0-9]{5,32}$")] = Field(description="the merchant's number")
    appid: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{5,32}$")] = Field(
        description="the official account's or mini program's"
    )
    serial: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{8,64}$")] = Field(
        description="serial number of the merchant's API certificate"
    )
    key_file: Path = Field(description="the private key of that certificate (apiclient_key.pem)")
    api_key: SecretStr = Field(description="the APIv3 key: 32 characters that the campus chose at WeChat Pay")
    public_key_file: Path | None = Field(default=None, description="WeChat Pay's public key (pub_key.pem)")
    public_key_id: str | None = Field(default=None, pattern=r"^PUB_KEY_ID_[0-9A-Za-z]+$")
    notify_url: HttpsAddress = Field(
        description="where notifications are sent: https://HOST/api/v1/channels/wechat/notifications, no query"
    )
    store: str = Field(default="campus", max_length=32, description="the campus's own name for the store, in charges")
    address: HttpsAddress = Field(default="https://api.mch.weixin.qq.com", description="of WeChat Pay's API")

    @field_validator("api_key")
    @classmethod
    def _has_32_bytes(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value().encode()) != 32:
            raise ValueError("the APIv3 key has 32 characters")
        return value

    @field_validator("notify_url", "address")
    @classmethod
    def _has_no_slash_behind_it(cls, value: str) -> str:
        return value.rstrip("/")

    @model_validator(mode="after")
    def _public_key_has_its_id(self) -> Self:
        if (self.public_key_file is None) != (self.public_key_id is None):
            raise ValueError("public_key_file and public_key_id go together: give both or neither")
        return self
