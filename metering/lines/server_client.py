"""The reading process's side of `metering.reader_contract`, over HTTP."""

import ssl
from collections.abc import Collection, Sequence
from typing import Any, Final, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from metering.reader_contract import OrderResult, OrdersOut, Plan, ReadingIn, ReadingsIn, ReadingsOut, StatusIn

Body = TypeVar("Body", bound=BaseModel)

_TIMEOUT_S: Final = 20.0
_REFUSED: Final = {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}
_TOO_LARGE: Final = httpx.codes.REQUEST_ENTITY_TOO_LARGE
_UNFIT: Final = {httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY, _TOO_LARGE}
_OVER: Final = {httpx.codes.NOT_FOUND, httpx.codes.CONFLICT, httpx.codes.GONE}
"""What an order's result may meet; of a reading it says that this is not the server, so that it is kept."""


class ServerError(Exception):
    """The server gives no answer that could be used now; later it may."""


class ServerRefusedError(ServerError):
    """The server refuses this device; somebody must mend it."""


class RejectedError(Exception):
    """The server takes what was sent neither now nor later."""


class TooLargeError(RejectedError):
    """What was sent is too long."""


class ServerClient:
    """Calls the server as the device with `token`. Every method raises `ServerError` where there is no answer."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        client: httpx.AsyncClient | None = None,
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        self._address = f"{base_url.rstrip('/')}/api/v1/meter-reader"
        self._client = client or httpx.AsyncClient(timeout=_TIMEOUT_S, verify=verify)
        self._headers = {"Authorization": f"Bearer {token}"}

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def fetch_plan(self) -> Plan:
        """Return what is to be read."""
        return _parse(Plan, await self._call("GET", "plan"))

    async def send_readings(self, readings: Sequence[ReadingIn]) -> ReadingsOut:
        """Send readings.

        Raises:
            RejectedError: the server takes none of them.
        """
        body = ReadingsIn(readings=tuple(readings)).model_dump_json(exclude_defaults=True)
        return _parse(ReadingsOut, await self._call("POST", "readings", body))

    async def send_status(self, status: StatusIn) -> None:
        """Send states.

        Raises:
            RejectedError: the server does not take them.
        """
        await self._call("POST", "status", status.model_dump_json())

    async def fetch_orders(self, wait_s: float) -> OrdersOut:
        """Return the orders that wait; where there are none, wait for some for `wait_s`."""
        answer = await self._call("GET", f"orders?wait_s={wait_s:g}", timeout_s=wait_s + _TIMEOUT_S)
        return _parse(OrdersOut, answer)

    async def send_result(self, order: UUID, result: OrderResult) -> None:
        """Send what became of an order.

        Raises:
            RejectedError: the server does not know the order, or has its result.
        """
        await self._call("POST", f"orders/{order}/result", result.model_dump_json(), rejections=_UNFIT | _OVER)

    async def _call(
        self,
        method: str,
        path: str,
        body: str | None = None,
        timeout_s: float = _TIMEOUT_S,
        rejections: Collection[int] = _UNFIT,
    ) -> bytes:
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        try:
            answer = await self._client.request(
                method, f"{self._address}/{path}", content=body, headers=headers, timeout=timeout_s
            )
        except httpx.HTTPError as error:
            raise ServerError(f"the server does not answer: {type(error).__name__} {error}") from error
        if answer.status_code in _REFUSED:
            raise ServerRefusedError(f"the server refuses this device ({answer.status_code} {_code(answer)})")
        # A proxy that is set up wrongly answers in the server's place, and without its code.
        is_from_server = bool(_code(answer)) or answer.status_code == _TOO_LARGE
        if method == "POST" and answer.status_code in rejections and is_from_server:
            kind = TooLargeError if answer.status_code == _TOO_LARGE else RejectedError
            raise kind(f"{answer.status_code} {_code(answer)}")
        if not answer.is_success:
            raise ServerError(f"the server answered {answer.status_code} {_code(answer)}")
        return answer.content


def _parse(kind: type[Body], content: bytes) -> Body:
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise ServerError(f"the server's answer is no {kind.__name__}: {error.error_count()} errors") from error


def _code(answer: httpx.Response) -> str:
    """Return the stable code of a problem, or nothing."""
    try:
        body: Any = answer.json()
    except ValueError:
        return ""
    return str(body.get("code", "")) if isinstance(body, dict) else ""
