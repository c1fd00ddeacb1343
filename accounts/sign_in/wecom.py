"""Enterprise WeChat (企业微信): sign-in of members in its app, and by QR code elsewhere.

Documented at developer.work.weixin.qq.com: 91022 and 98177 (sign-in in the app and by QR code), 91023 (who it is),
91039 (access tokens). A member's `userid` is their number.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import structlog

from accounts.sign_in.identity_providers import Answer, Attempt, ProviderRefusedError, ProviderUnavailableError
from accounts.sign_in.provider_http import ProviderHttp

log = structlog.get_logger()

_IN_THE_APP: Final = "https://open.weixin.qq.com/connect/oauth2/authorize"
_ELSEWHERE: Final = "https://login.work.weixin.qq.com/wwlogin/sso/login"
_TOKEN_ENDED: Final = frozenset({40014, 42001})
"""invalid access_token, access_token expired: it may also end before its time."""
_CODE_UNKNOWN: Final = frozenset({40029, 42003, 50002})
"""invalid oauth_code, code expired, user not in the app's visible range."""
_RENEWED_BEFORE_S: Final = 300.0
_LARGEST_NUMBER: Final = 64
"""Characters of a `userid`."""


class WecomProvider:
    """The campus's own app in enterprise WeChat."""

    def __init__(
        self,
        *,
        corp_id: str,
        agent_id: str,
        secret: str,
        redirect_uri: str,
        address: str = "https://qyapi.weixin.qq.com",
        http: ProviderHttp | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the corporation, the app and its secret, and where browsers are sent back to; ask nobody."""
        self._corp_id = corp_id
        self._agent_id = agent_id
        self._secret = secret
        self._redirect_uri = redirect_uri
        self._address = address.rstrip("/")
        self._http = http or ProviderHttp("wecom")
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._token, self._token_ends = "", 0.0

    def address(self, attempt: Attempt, *, browser: str) -> str:
        """Return where the app's own browser is told who it is, or the page with the QR code for another."""
        query = {"appid": self._corp_id, "redirect_uri": self._redirect_uri}
        if "wxwork/" in browser.lower():
            query |= {
                "response_type": "code",
                "scope": "snsapi_base",
                "state": attempt.state,
                "agentid": self._agent_id,
            }
            return f"{_IN_THE_APP}?{urlencode(query)}#wechat_redirect"
        query |= {"login_type": "CorpApp", "agentid": self._agent_id, "state": attempt.state}
        return f"{_ELSEWHERE}?{urlencode(query)}"

    def number(self, answer: Answer, attempt: Attempt) -> str:
        """Ask who a code is of; see `IdentityProvider.number`."""
        del attempt
        if not answer.code:
            raise ProviderRefusedError("enterprise WeChat sent no code")
        said = self._call("auth/getuserinfo", {"code": answer.code})
        # Somebody who is no member has an `openid` in its place, or an `external_userid`.
        member = said.get("userid")
        if not isinstance(member, str) or not 0 < len(member) <= _LARGEST_NUMBER:
            raise ProviderRefusedError("this is no member of the university's enterprise WeChat")
        return member

    def check(self) -> str:
        """Fetch an access token; see `IdentityProvider.check`."""
        self._fetch_token()
        return "gives this app its access token"

    def _call(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        """Return what a call answered; an access token that ended is renewed, once."""
        token = self._current_token()
        said = self._ask(path, query | {"access_token": token})
        if said["errcode"] in _TOKEN_ENDED:
            said = self._ask(path, query | {"access_token": self._current_token(other_than=token)})
        if said["errcode"] in _CODE_UNKNOWN:
            raise ProviderRefusedError("enterprise WeChat does not know the code")
        if said["errcode"] != 0:
            raise _unavailable(path, said)
        return said

    def _current_token(self, *, other_than: str | None = None) -> str:
        # One thread asks, the others wait for what it gets: tokens are limited to some thousands a day.
        with self._lock:
            if self._monotonic() >= self._token_ends or self._token == other_than:
                self._token, lasts_s = self._fetch_token()
                self._token_ends = self._monotonic() + max(0.0, lasts_s - _RENEWED_BEFORE_S)
            return self._token

    def _fetch_token(self) -> tuple[str, float]:
        said = self._ask("gettoken", {"corpid": self._corp_id, "corpsecret": self._secret})
        token, lasts_s = said.get("access_token"), said.get("expires_in")
        if said["errcode"] != 0 or not isinstance(token, str) or not isinstance(lasts_s, int):
            raise _unavailable("gettoken", said)
        return token, lasts_s

    def _ask(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        answer = self._http.ask("GET", f"{self._address}/cgi-bin/{path}", params=query)
        said = answer.json()
        if answer.status != httpx.codes.OK or not isinstance(said.get("errcode"), int):
            raise ProviderUnavailableError("enterprise WeChat's answer is not one of its API")
        return said


def _unavailable(path: str, said: dict[str, Any]) -> ProviderUnavailableError:
    # Its texts hold addresses and at times a part of what was asked.
    log.warning("identity_provider_failed", provider="wecom", call=path, errcode=said["errcode"])
    return ProviderUnavailableError(f"enterprise WeChat answered {path} with errcode {said['errcode']}")
