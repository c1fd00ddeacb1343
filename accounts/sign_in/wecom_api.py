"""The API of an app in enterprise WeChat: its access token, and calls with it (documents 91039 and 90313).

Own lines rather than `wechatpy`: its calls have no time-out, its renewal of a token that stays invalid no end.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import structlog

from accounts.sign_in.identity_providers import ProviderUnavailableError
from accounts.sign_in.provider_http import ProviderHttp

log = structlog.get_logger()

_TOKEN_ENDED: Final = frozenset({40014, 42001})
"""invalid access_token, access_token expired: it may also end before its time."""
_RENEWED_BEFORE_S: Final = 300.0


class WecomApi:
    """One app of a corporation; calls may be made in several threads."""

    def __init__(
        self,
        *,
        corp_id: str,
        secret: str,
        address: str = "https://qyapi.weixin.qq.com",
        http: ProviderHttp | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the corporation and the app's secret; ask nobody."""
        self._corp_id = corp_id
        self._secret = secret
        self._address = address.rstrip("/")
        self._http = http or ProviderHttp("wecom")
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._token, self._token_ends = "", 0.0

    def call(self, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what a call answered, with its `errcode`; an access token that ended is renewed, once.

        Args:
            path: below `/cgi-bin/`.
            query: beside the access token.
            body: it is posted; None: the call is a GET.

        Raises:
            ProviderUnavailableError: no answer, or no access token.
        """
        token = self._current_token()
        said = self._ask(path, {**query, "access_token": token}, body)
        if said["errcode"] in _TOKEN_ENDED:
            said = self._ask(path, {**query, "access_token": self._current_token(other_than=token)}, body)
        return said

    def fetch_token(self) -> tuple[str, float]:
        """Ask for an access token; return it and how many seconds it lasts.

        Raises:
            ProviderUnavailableError: no answer, or a refusal.
        """
        said = self._ask("gettoken", {"corpid": self._corp_id, "corpsecret": self._secret})
        token, lasts_s = said.get("access_token"), said.get("expires_in")
        if said["errcode"] != 0 or not isinstance(token, str) or not isinstance(lasts_s, int):
            raise refusal("gettoken", said)
        return token, lasts_s

    def _current_token(self, *, other_than: str | None = None) -> str:
        # One thread asks, the others wait for what it gets: tokens are limited to some thousands a day.
        with self._lock:
            if self._monotonic() >= self._token_ends or self._token == other_than:
                self._token, lasts_s = self.fetch_token()
                self._token_ends = self._monotonic() + max(0.0, lasts_s - _RENEWED_BEFORE_S)
            return self._token

    def _ask(self, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        question: dict[str, Any] = {"params": query} if body is None else {"params": query, "json": body}
        answer = self._http.ask("GET" if body is None else "POST", f"{self._address}/cgi-bin/{path}", **question)
        said = answer.json()
        if answer.status != httpx.codes.OK or not isinstance(said.get("errcode"), int):
            raise ProviderUnavailableError("enterprise WeChat's answer is not one of its API")
        return said


def refusal(path: str, said: Mapping[str, Any]) -> ProviderUnavailableError:
    """Return what is raised for an answer with an `errcode`, and note it: its texts hold addresses, so they are not."""
    log.warning("identity_provider_failed", provider="wecom", call=path, errcode=said["errcode"])
    return ProviderUnavailableError(f"enterprise WeChat answered {path} with errcode {said['errcode']}")
