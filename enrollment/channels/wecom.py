"""By enterprise WeChat, to members whose `userid` is their number (its document 90236)."""

import re
from typing import Any, Final

from accounts.sign_in.identity_providers import ProviderUnavailableError
from accounts.sign_in.wecom_api import WecomApi
from enrollment.channels.port import ChannelDownError, Letter, LetterRefusedError

_LONGEST: Final = 2048
"""Bytes of a text."""
_ONE_MEMBER: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.@-]{0,63}")
"""What may stand in `touser` and means one member: `|` would be several, and `@all` everybody."""
_NOBODY: Final = frozenset({40031, 60111, 81013})
"""invalid userid list, userid not found, no receiver within the app's range: others may be reached."""


class WecomChannel:
    """Sends each notice as a text of the campus's app, Chinese first."""

    name = "wecom"

    def __init__(self, api: WecomApi, agent_id: str) -> None:
        """Take the app and its number."""
        self._api = api
        self._agent_id = int(agent_id)

    def send(self, letter: Letter) -> None:
        """Hand `letter` in; a copy within half an hour is dropped by enterprise WeChat.

        Raises:
            ChannelDownError, LetterRefusedError: it does not answer, or does not reach the person.
        """
        if _ONE_MEMBER.fullmatch(letter.number) is None:
            raise LetterRefusedError("this number cannot be a member's userid")
        try:
            said = self._api.call("message/send", {}, self._message(letter))
        except ProviderUnavailableError as error:
            raise ChannelDownError(str(error)) from error
        # With success, too: it says whom it did not reach.
        if said["errcode"] in _NOBODY or said.get("invaliduser"):
            raise LetterRefusedError("enterprise WeChat does not reach this person")
        if said["errcode"] != 0:
            raise ChannelDownError(f"enterprise WeChat answered with errcode {said['errcode']}")

    def _message(self, letter: Letter) -> dict[str, Any]:
        zh, en = letter.content["zh"], letter.content["en"]
        text = f"{zh['title']}\n{zh['body']}\n\n{en['title']}\n{en['body']}"
        return {
            "touser": letter.number,
            "msgtype": "text",
            "agentid": self._agent_id,
            "text": {"content": text.encode()[:_LONGEST].decode(errors="ignore")},
            "enable_duplicate_check": 1,
            "duplicate_check_interval": 1800,
        }
