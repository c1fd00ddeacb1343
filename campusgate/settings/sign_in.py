"""Settings of the university's identity providers. One without settings is not there."""

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, SecretStr, StringConstraints, field_validator, model_validator

from accounts.payment_channels.fields import HttpsAddress
from accounts.vocabulary import PersonKind

Kinds = Annotated[list[PersonKind], Field(min_length=1)]
_PEOPLE = [PersonKind.STAFF, PersonKind.STUDENT]


class OidcSettings(BaseModel):
    """The registration of this server at an OpenID Connect issuer."""

    issuer: HttpsAddress
    client_id: str
    client_secret: SecretStr
    redirect_uri: str
    number_claim: str = Field(default="preferred_username", description="the claim that holds the person's number")
    scope: str = Field(default="openid profile", pattern=r"^openid( [!-~]+)*$")
    client_authentication: Literal["client_secret_basic", "client_secret_post"] | None = Field(
        default=None, description="as the issuer offers it, Basic first"
    )
    kinds: Kinds = Field(default=[PersonKind.STAFF], description="whom it signs in")


class CasSettings(BaseModel):
    """The registration of this server at a CAS server."""

    address: HttpsAddress = Field(description="of the server; `login` lies below it")
    redirect_uri: HttpsAddress
    validation: str = Field(
        default="p3/serviceValidate",
        pattern=r"^(p3/)?serviceValidate$",
        description="the path below the address that validates tickets; serviceValidate before CAS 3",
    )
    number_attribute: str | None = Field(
        default=None, description="the attribute that holds the person's number; else it is the user's name"
    )
    kinds: Kinds = Field(default=_PEOPLE, description="whom it signs in")


class WecomSettings(BaseModel):
    """The campus's own app in enterprise WeChat (企业微信)."""

    corp_id: Annotated[str, StringConstraints(pattern=r"^w[a-z][0-9A-Za-z]{8,30}$")]
    agent_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}$")]
    secret: SecretStr = Field(description="of the app")
    redirect_uri: HttpsAddress
    address: HttpsAddress = Field(default="https://qyapi.weixin.qq.com", description="of enterprise WeChat's API")
    kinds: Kinds = Field(default=_PEOPLE, description="whom it signs in")
    message_token: SecretStr | None = Field(default=None, description="of messages that the app receives")
    message_key: SecretStr | None = Field(default=None, description="EncodingAESKey of messages that the app receives")
    on_leaving: Literal["sign_out", "suspend"] = Field(
        default="sign_out", description="what becomes of the account of a member who leaves"
    )

    @field_validator("message_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and re.fullmatch(r"[0-9A-Za-z]{43}", value.get_secret_value()) is None:
            raise ValueError("wecom.message_key is the EncodingAESKey: 43 letters and digits")
        return value

    @model_validator(mode="after")
    def _token_and_key_go_together(self) -> Self:
        if (self.message_token is None) != (self.message_key is None):
            raise ValueError("wecom.message_token and wecom.message_key go together: give both or neither")
        return self
