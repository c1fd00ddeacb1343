"""Enterprise WeChat (企业微信): sign-in of members in its app, and by QR code elsewhere.

Documented at developer.work.weixin.qq.com: 91022 (sign-in in the app; beside it, by QR code) and 91023 (who it
is). A member's `userid` is their number.
"""

from typing import Final
from urllib.parse import urlencode

from accounts.sign_in.identity_providers import Answer, Attempt, ProviderRefusedError
from accounts.sign_in.wecom_api import WecomApi, refusal

_IN_THE_APP: Final = "https://open.weixin.qq.com/connect/oauth2/authorize"
_ELSEWHERE: Final = "https://login.work.weixin.qq.com/wwlogin/sso/login"
_CODE_UNKNOWN: Final = frozenset({40029, 42003, 50002})
"""invalid oauth_code, code expired, user not in the app's visible range."""
_LARGEST_NUMBER: Final = 64
"""Characters of a `userid`."""


class WecomProvider:
    """The campus's own app in enterprise WeChat."""

    def __init__(self, api: WecomApi, *, corp_id: str, agent_id: str, redirect_uri: str) -> None:
        """Take the app and where browsers are sent back to; ask nobody."""
        self._api = api
        self._corp_id = corp_id
        self._agent_id = agent_id
        self._redirect_uri = redirect_uri

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
        said = self._api.call("auth/getuserinfo", {"code": answer.code})
        if said["errcode"] in _CODE_UNKNOWN:
            raise ProviderRefusedError("enterprise WeChat does not know the code")
        if said["errcode"] != 0:
            raise refusal("auth/getuserinfo", said)
        # Somebody who is no member has an `openid` in its place, or an `external_userid`.
        member = said.get("userid")
        if not isinstance(member, str) or not 0 < len(member) <= _LARGEST_NUMBER:
            raise ProviderRefusedError("this is no member of the university's enterprise WeChat")
        return member

    def check(self) -> str:
        """Fetch an access token; see `IdentityProvider.check`."""
        self._api.fetch_token()
        return "gives this app its access token"
