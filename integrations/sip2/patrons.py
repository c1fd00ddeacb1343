"""Who a patron is: asked of the server with the token of a desk, for every question anew."""

import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import httpx
import structlog

log = structlog.get_logger()

_TIMEOUT_S: Final = 5.0
"""A self-check waits some seconds for an answer before it asks again."""


class ServerAwayError(Exception):
    """The server does not answer, or not in a way that says something of a patron."""


class TokenRefusedError(Exception):
    """The server knows no desk with this token."""


class Password(StrEnum):
    """What is known of the password that a patron typed."""

    NOT_GIVEN = "not_given"
    RIGHT = "right"
    WRONG = "wrong"
    FIRST = "first"
    """It is right, and has to be changed before anything is opened with it."""
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Patron:
    """What a desk may know of somebody; `number` is empty for nobody."""

    password: Password
    number: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    may_borrow: bool = False
    """The account is in use, and so is the card that was presented."""
    is_card_lost: bool = False
    needs_password: bool = False
    """What was presented says nothing of anybody without a password."""


class PatronServer:
    """The campus's server, as desks ask it."""

    def __init__(self, url: str, *, verify: ssl.SSLContext | bool = True) -> None:
        """Ask nobody."""
        self._client = httpx.AsyncClient(base_url=url, verify=verify, timeout=_TIMEOUT_S)

    async def close(self) -> None:
        """End the connections."""
        await self._client.aclose()

    async def check_token(self, token: str) -> None:
        """Ask whether this is a desk's token.

        Raises:
            ServerAwayError, TokenRefusedError: see there.
        """
        await self._ask("GET", "/api/v1/desk", token)

    async def find_by_number(self, token: str, number: str, password: str) -> Patron:
        """Return whose number this is, if the query password is theirs; a number alone says nothing of anybody.

        Raises:
            ServerAwayError, TokenRefusedError: see there.
        """
        if not password:
            return Patron(Password.NOT_GIVEN, needs_password=True)
        given = {"number": number, "query_password": password}
        status, said = await self._ask("POST", "/api/v1/desk/holder", token, given)
        if status == httpx.codes.OK:
            return Patron(
                Password.RIGHT, number=said["number"], name=said["name"], may_borrow=said["standing"] == "good"
            )
        return Patron(_PASSWORDS.get(said.get("code", ""), Password.WRONG))

    async def find_by_uid(self, token: str, uid: str, password: str) -> Patron:
        """Return whose card this is, and whether the password, if one was typed, is theirs.

        Raises:
            ServerAwayError, TokenRefusedError: see there.
        """
        status, said = await self._ask("POST", "/api/v1/identify", token, {"uid": uid})
        if status != httpx.codes.OK:
            return Patron(Password.WRONG if password else Password.NOT_GIVEN)
        number = said["number"]
        state = (await self.find_by_number(token, number, password)).password if password else Password.NOT_GIVEN
        return Patron(
            state,
            number=number,
            name=said["name"],
            may_borrow=said["standing"] == "good" and said["card_state"] == "active",
            is_card_lost=said["card_state"] in {"lost", "replaced"},
        )

    async def _ask(
        self, method: str, path: str, token: str, body: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        if not (token and token.isascii() and token.isprintable()):
            raise TokenRefusedError
        headers = {"Authorization": f"Bearer {token}"}
        try:
            answer = await self._client.request(method, path, json=body, headers=headers)
            said = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("server_not_reached", error=type(error).__name__)
            raise ServerAwayError from error
        if answer.status_code == httpx.codes.UNAUTHORIZED or said.get("code") == "device_role_required":
            raise TokenRefusedError
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR or answer.status_code in _NOT_OF_THE_PATRON:
            log.warning("server_not_reached", error=said.get("code"))
            raise ServerAwayError
        return answer.status_code, said


_NOT_OF_THE_PATRON: Final = frozenset({408, 429})
"""Too slow, too many tries at this desk: nothing is known of the patron."""
_PASSWORDS: Final = {"password_change_required": Password.FIRST, "password_locked": Password.LOCKED}
