"""What RADIUS servers ask, in the JSON of FreeRADIUS's `rlm_rest`: may somebody log in, and what a session has come to.

Every login is answered with 200 and says itself what it is. Any other status means that nothing is known of it, and the
RADIUS server then keeps silent: a device that hears a refusal never asks its second server.
"""

from types import MappingProxyType
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from accounts.api.dependencies import DEVICE_ERRORS, HASHING, NowDep, RadiusDep
from accounts.payments.problems import ServiceNotOnCampusError, UnknownMerchantError
from network_access import accounting, login
from network_access.api.dependencies import NetworkDep
from network_access.asking import Asking
from network_access.attributes import (
    AttributeIn,
    Request,
    join_texts,
    write_octets,
    write_seconds,
    write_text,
    write_word,
)
from network_access.login import LoginRefusedError
from network_access.vocabulary import LoginRefusal, NetworkService
from web.problems import BusyError, NotFoundError, responses

router = APIRouter(prefix="/api/v1/network", tags=["network access"])

_WORDS: Final = MappingProxyType(
    {
        LoginRefusal.WRONG: ("学工号或密码不正确", "The number or the password is wrong"),
        LoginRefusal.LOCKED: ("密码多次输错，请稍后再试", "Too many wrong tries: wait, then try again"),
        LoginRefusal.TOO_MANY_TRIES: ("尝试次数过多，请稍后再试", "Too many tries: wait, then try again"),
        LoginRefusal.FIRST_PASSWORD: ("请先在手机上修改初始密码", "Change the first password on your phone"),
        LoginRefusal.NO_PASSWORD: ("此网络须以 PAP 方式认证", "This network takes passwords by PAP only"),
        LoginRefusal.NOT_IN_USE: (
            "校园账户目前不能使用，请联系卡务中心",
            "The campus account cannot be used: ask the card centre",
        ),
        LoginRefusal.NOT_FOR_KIND: ("您的账户不能使用此服务", "Your account may not use this service"),
        LoginRefusal.TOO_MANY_SESSIONS: (
            "您已在别处登录，请先在手机上下线",
            "You are logged in elsewhere: end that on your phone first",
        ),
        LoginRefusal.NO_TIME: ("本月免费时长已用完", "The free minutes of this month are used up"),
        LoginRefusal.NO_CREDIT: ("余额不足，请先充值", "The balance is too low: top up first"),
    }
)

Attributes = Annotated[dict[Annotated[str, Field(max_length=253)], AttributeIn], Field(max_length=200)]


class AttributeOut(BaseModel):
    """An attribute to be set; `do_xlat` is always false, so that no answer is expanded."""

    model_config = ConfigDict(extra="forbid")

    type: str | None = None
    value: list[str | int]
    do_xlat: bool


ERRORS = (*DEVICE_ERRORS, NotFoundError)


@router.post(
    "/{service}/authorise",
    dependencies=[HASHING],
    response_model=dict[str, AttributeOut],
    response_model_exclude_none=True,
    responses=responses(*ERRORS, BusyError, UnknownMerchantError, ServiceNotOnCampusError),
)
def authorise(
    services: NetworkDep, radius: RadiusDep, now: NowDep, service: NetworkService, body: Attributes
) -> dict[str, Any]:
    """Say whether somebody may log in: `control:Auth-Type` is `Accept` or `Reject`; the rest is for the device.

    The password comes in clear (PAP), over loopback or TLS.
    """
    asked = Asking.of(services, radius, service, Request(body), now=now)
    try:
        granted = login.log_in(asked)
    except LoginRefusedError as refused:
        words = join_texts(_WORDS[refused.refusal])
        return {"control:Auth-Type": write_word("Reject"), "reply:Reply-Message": write_text(words)}
    answer = {
        "control:Auth-Type": write_word("Accept"),
        "reply:Class": write_octets(granted.login_class),
        "reply:Session-Timeout": write_seconds(granted.lasts_s),
        "reply:Acct-Interim-Interval": write_seconds(asked.terms.interim.total_seconds()),
    }
    return answer | ({"reply:Reply-Message": write_text(asked.terms.welcome)} if asked.terms.welcome else {})


@router.post("/{service}/accounting", status_code=204, responses=responses(*ERRORS))
def account(
    services: NetworkDep, radius: RadiusDep, now: NowDep, service: NetworkService, body: Attributes
) -> Response:
    """Take what a device reports of a session; the same again, and in another order, changes nothing."""
    accounting.take(Asking.of(services, radius, service, Request(body), now=now))
    return Response(status_code=204)
