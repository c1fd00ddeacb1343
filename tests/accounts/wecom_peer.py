"""Enterprise WeChat's API in a process of its own, written from its documents: access tokens, and who a code is of."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from accounts.sign_in.wecom import WecomProvider
from accounts.sign_in.wecom_api import WecomApi
from campusgate.demo.providers.serving import HttpAnswer
from tests import forked
from tests.accounts.payments.provider_process import ProviderProcess, serve

CORP_ID, AGENT_ID, SECRET = "ww1436e0e65a779aee", "1000002", "an app's secret of forty-three characters: x"
BACK = "https://gate.example/console/staff-sign-in/complete"


class Wecom:
    """One corporation with one app; codes are good once."""

    encoding = "utf-8"

    def __init__(self, now: datetime) -> None:
        self.now, self.lost, self.late_s = now, 0, 0.0
        self.codes: dict[str, dict[str, Any]] = {}
        self.token, self.tokens_given = "", 0
        self.lasts_s = 7200
        self.members: list[str] = []
        self.sent: list[tuple[str, str]] = []
        self.says_nobody = True
        self.failure = 0
        """The errcode of every call, if not 0."""

    def introduce(self) -> None:
        return None

    def scan(self, **who: str) -> str:
        """Somebody is asked for their consent; the code that their browser brings back."""
        code = secrets.token_urlsafe(24)
        self.codes[code] = who
        return code

    def end_token(self) -> None:
        self.token = ""

    def respond(self, method: str, target: str, _headers: Mapping[str, str], body: str) -> HttpAnswer:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=True).items()}
        if (method, parts.path) == ("POST", "/cgi-bin/message/send") and not self.failure:
            said = self._send(query, json.loads(body))
        else:
            said = self._answer(method, parts.path, query)
        return 200, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(said).encode()

    def _answer(self, method: str, path: str, query: dict[str, str]) -> dict[str, Any]:
        if self.failure:
            return {"errcode": self.failure, "errmsg": "not allow to access from your ip, more info at https://…"}
        match method, path:
            case "GET", "/cgi-bin/gettoken":
                return self._give_token(query)
            case "GET", "/cgi-bin/auth/getuserinfo":
                return self._say_who(query)
        return {"errcode": 404, "errmsg": "no such call"}

    def _send(self, query: dict[str, str], message: dict[str, Any]) -> dict[str, Any]:
        """Document 90236: whoever is not reached is named beside success; nobody at all is an error."""
        if not self.token or query.get("access_token") != self.token:
            return {"errcode": 40014, "errmsg": "invalid access_token"}
        if str(message["agentid"]) != AGENT_ID or len(message["text"]["content"].encode()) > 2048:
            return {"errcode": 40056, "errmsg": "invalid agentid"}
        wanted = message["touser"].split("|")
        reached = [one for one in wanted if one in self.members]
        if not reached and self.says_nobody:
            return {"errcode": 81013, "errmsg": "user & party & tag all invalid"}
        self.sent += [(one, message["text"]["content"]) for one in reached]
        lost = "|".join(one.lower() for one in wanted if one not in self.members)
        return {"errcode": 0, "errmsg": "ok", "invaliduser": lost, "msgid": "m"}

    def _give_token(self, query: dict[str, str]) -> dict[str, Any]:
        if query.get("corpid") != CORP_ID:
            return {"errcode": 40013, "errmsg": "invalid corpid"}
        if query.get("corpsecret") != SECRET:
            return {"errcode": 40001, "errmsg": "invalid credential"}
        # The same one while it is good, as the documents say.
        self.tokens_given += 1
        self.token = self.token or secrets.token_urlsafe(96)
        return {"errcode": 0, "errmsg": "ok", "access_token": self.token, "expires_in": self.lasts_s}

    def _say_who(self, query: dict[str, str]) -> dict[str, Any]:
        if not self.token or query.get("access_token") != self.token:
            return {"errcode": 40014, "errmsg": "invalid access_token"}
        who = self.codes.pop(query.get("code", ""), None)
        return {"errcode": 40029, "errmsg": "invalid code"} if who is None else {"errcode": 0, "errmsg": "ok"} | who


class WecomPeer(ProviderProcess):
    """The test's end, and the campus's app."""

    def clock(self) -> datetime:
        return datetime.now(UTC)

    def provider(self, **given: Any) -> WecomProvider:
        usual = {
            "corp_id": CORP_ID,
            "secret": SECRET,
            "address": f"http://127.0.0.1:{self.port}",
        }
        api = WecomApi(**(usual | given))
        return WecomProvider(api, corp_id=CORP_ID, agent_id=AGENT_ID, redirect_uri=BACK)

    def get(self, name: str) -> Any:
        return self.do("get", name)


@contextmanager
def open_wecom() -> Iterator[WecomPeer]:
    with forked.running(serve, Wecom) as (_, pipe):
        yield WecomPeer(pipe, datetime.now(UTC))
