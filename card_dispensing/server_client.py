"""The server as the process at a card dispenser asks it, over HTTP."""

import ssl
from typing import Any, Final, Protocol
from uuid import UUID

import httpx
from pydantic import ValidationError

from card_dispensing.contract import CardIn, EndIn, Fault, IssueOut, IssueState, NextIssue, StatusIn

_TIMEOUT_S: Final = 20.0
_FINAL: Final = {
    httpx.codes.BAD_REQUEST,
    httpx.codes.FORBIDDEN,
    httpx.codes.NOT_FOUND,
    httpx.codes.CONFLICT,
    httpx.codes.UNPROCESSABLE_ENTITY,
}
_OF_THE_DEVICE: Final = frozenset({"not_a_device", "device_role_required"})


class ServerError(Exception):
    """The server gives no answer that could be used now, or does not know this device; what it did is not known."""


class RejectedError(Exception):
    """The server has decided against it; `code` is its problem."""

    def __init__(self, code: str) -> None:
        """Keep the problem's code."""
        super().__init__(code)
        self.code = code


class IssueServer(Protocol):
    """What is asked of the server. Every method raises `ServerError` where there is no answer."""

    def send_status(self, status: StatusIn) -> None:
        """Say how the dispenser is."""
        ...

    def fetch_issue(self) -> IssueOut | None:
        """Return what is to be done now."""
        ...

    def begin(self, issue_id: UUID) -> None:
        """Say that a card is being prepared.

        Raises:
            RejectedError: it is not wanted any more.
        """
        ...

    def book(self, issue_id: UUID, uid: str) -> None:
        """Have the card at the reader booked; asked again for the same card it is booked once.

        Raises:
            RejectedError: it is not booked, and nothing is taken.
        """
        ...

    def end(self, issue_id: UUID, outcome: IssueState, fault: Fault | None = None) -> None:
        """Say how it ended; after `failed` nothing is taken, and what was is given back.

        Raises:
            RejectedError: it cannot end so.
        """
        ...


class ServerClient:
    """Calls the server as the dispenser with `token`."""

    def __init__(self, base_url: str, token: str, *, verify: ssl.SSLContext | bool = True) -> None:
        """Call nothing yet."""
        self._address = f"{base_url.rstrip('/')}/api/v1/dispenser"
        self._client = httpx.Client(timeout=_TIMEOUT_S, verify=verify, headers={"Authorization": f"Bearer {token}"})

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send_status(self, status: StatusIn) -> None:
        """Say how the dispenser is."""
        self._call("PUT", "status", status.model_dump_json())

    def fetch_issue(self) -> IssueOut | None:
        """Return what is to be done now."""
        try:
            return NextIssue.model_validate_json(self._call("GET", "issue")).issue
        except ValidationError as error:
            raise ServerError(f"the server's answer is no issue: {error.error_count()} errors") from error

    def begin(self, issue_id: UUID) -> None:
        """Say that a card is being prepared."""
        self._call("POST", f"issues/{issue_id}/begin")

    def book(self, issue_id: UUID, uid: str) -> None:
        """Have the card at the reader booked."""
        self._call("POST", f"issues/{issue_id}/card", CardIn(uid=uid).model_dump_json())

    def end(self, issue_id: UUID, outcome: IssueState, fault: Fault | None = None) -> None:
        """Say how it ended."""
        body = EndIn.model_validate({"outcome": outcome, "fault": fault})
        self._call("POST", f"issues/{issue_id}/end", body.model_dump_json())

    def _call(self, method: str, path: str, body: str | None = None) -> bytes:
        headers = {"Content-Type": "application/json"} if body is not None else None
        try:
            answer = self._client.request(method, f"{self._address}/{path}", content=body, headers=headers)
        except httpx.HTTPError as error:
            raise ServerError(f"the server does not answer: {type(error).__name__} {error}") from error
        if answer.is_success:
            return answer.content
        code = _code(answer)
        # A proxy that is set up wrongly answers in the server's place, and without its code.
        if method == "POST" and answer.status_code in _FINAL and code and code not in _OF_THE_DEVICE:
            raise RejectedError(code)
        raise ServerError(f"the server answered {answer.status_code} {code}")


def _code(answer: httpx.Response) -> str:
    try:
        body: Any = answer.json()
    except ValueError:
        return ""
    return str(body.get("code", "")) if isinstance(body, dict) else ""
