"""Sign-in: OAuth2 tokens by password and refresh, and sign-in through the university's identity providers."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Header
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from accounts import passwords, people
from accounts.api.dependencies import ASKING, NowDep, ServicesDep
from accounts.sign_in.identity_providers import Answer, ProviderRefusedError, ProviderUnavailableError
from accounts.sign_in.provider_sign_in import NotAdmittedError
from accounts.sign_in.service import Origin, RefreshRefusedError, SignInRefusedError, Tokens
from web.client_address import NetworkDep
from web.problems import InvalidRequestError, responses
from web.rate_limits import TooManyTriesError
from web.text import line

router = APIRouter(prefix="/api/v1", tags=["sign-in"])

Secret = Annotated[str, Field(min_length=1, max_length=256)]


class TokenForm(BaseModel):
    """The form of RFC 6749: grants `password` and `refresh_token`. Other fields of the standard are ignored."""

    grant_type: Literal["password", "refresh_token"]
    username: Annotated[str, line(32)] | None = Field(default=None, description="the person's number")
    password: Secret | None = None
    refresh_token: Secret | None = None
    device: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, description="what an earlier sign-in gave this device; lets it through while strangers guess"
    )


class RevokeForm(BaseModel):
    """The form of RFC 7009; the token is of either kind."""

    token: Annotated[str, Field(min_length=1, max_length=2000)]


class TokensOut(BaseModel):
    """Tokens as RFC 6749 writes them. With `must_change_password`, only changing the password is possible."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the kind of token, not a token
    expires_in: int = Field(description="seconds")
    refresh_token: str
    must_change_password: bool
    device: str | None = Field(
        default=None, description="after a sign-in with a password: keep it and send it with the next one"
    )

    @classmethod
    def of(cls, tokens: Tokens) -> "TokensOut":
        """Show `tokens`."""
        return cls(
            access_token=tokens.access_token,
            expires_in=tokens.expires_in_s,
            refresh_token=tokens.refresh_token,
            must_change_password=tokens.must_change_password,
            device=tokens.device,
        )


class StaffBegin(BaseModel):
    """Where to send the browser, and what to keep until it comes back."""

    address: str
    state: str


class StaffAnswer(BaseModel):
    """What the browser brought back from the identity provider."""

    model_config = ConfigDict(extra="forbid")

    state: Annotated[str, line(200)]
    code: Annotated[str, line(2000)] = Field(description="of CAS, the `ticket`")
    iss: Annotated[str, line(2000)] | None = Field(default=None, description="if it came: who sent the browser back")


@router.post(
    "/tokens",
    responses=responses(
        SignInRefusedError,
        RefreshRefusedError,
        passwords.PasswordLockedError,
        people.AccountNotUsableError,
        TooManyTriesError,
    ),
)
async def make_tokens(
    services: ServicesDep, now: NowDep, network: NetworkDep, form: Annotated[TokenForm, Form()]
) -> TokensOut:
    """Sign in with number and password, or exchange a refresh token, which works once."""
    if form.grant_type == "refresh_token":
        if form.refresh_token is None:
            raise InvalidRequestError("refresh_token is needed", error="invalid_request")
        # Nobody guesses one, and whoever shares an address with somebody who tries is renewed all the same.
        return TokensOut.of(await run_in_threadpool(services.sign_in.refresh, form.refresh_token, now=now))
    if form.username is None or form.password is None:
        raise InvalidRequestError("username and password are needed", error="invalid_request")
    origin = Origin(network, form.device)
    async with services.hashing.slot():
        made = await run_in_threadpool(
            services.sign_in.with_password, form.username, form.password, origin=origin, now=now
        )
    return TokensOut.of(made)


@router.post("/tokens/revoke", status_code=204, responses=responses())
def revoke_tokens(services: ServicesDep, now: NowDep, form: Annotated[RevokeForm, Form()]) -> None:
    """Sign out: end the sign-in that a token belongs to (RFC 7009); every token of it is refused from now on."""
    services.sign_in.end(form.token, now=now)


@router.post("/staff-sign-in", dependencies=[ASKING], responses=responses(ProviderUnavailableError))
def begin_staff_sign_in(
    services: ServicesDep,
    now: NowDep,
    provider: Literal["oidc", "cas", "wecom"] | None = None,
    user_agent: Annotated[str, Header(max_length=1000)] = "",
) -> StaffBegin:
    """Begin a sign-in through an identity provider of the university: the one that is named, or the first.

    Enterprise WeChat has two addresses: within its own browser (by `User-Agent`), and a QR code for every other.
    """
    address, state = services.provider_sign_in.begin(provider, browser=user_agent, now=now)
    return StaffBegin(address=address, state=state)


@router.post(
    "/staff-sign-in/complete",
    dependencies=[ASKING],
    responses=responses(
        ProviderUnavailableError,
        ProviderRefusedError,
        NotAdmittedError,
        people.AccountNotUsableError,
        TooManyTriesError,
    ),
)
def complete_staff_sign_in(services: ServicesDep, now: NowDep, network: NetworkDep, body: StaffAnswer) -> TokensOut:
    """Finish a sign-in through an identity provider."""
    services.guesses.count_try(network, now)
    made = services.provider_sign_in.complete(body.state, Answer(body.code, body.iss), now=now)
    services.guesses.forgive_try(network, now)
    return TokensOut.of(made)
