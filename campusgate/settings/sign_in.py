"""Settings of the university's identity providers. One without settings is not there."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr, StringConstraints

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
