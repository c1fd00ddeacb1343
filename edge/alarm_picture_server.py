"""The server's part in a picture of an alarm, over the device's own line."""

import ssl
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import httpx

TIMEOUT_S = 10.0
_FINAL = frozenset({httpx.codes.CONFLICT, httpx.codes.REQUEST_ENTITY_TOO_LARGE, httpx.codes.UNPROCESSABLE_ENTITY})


class Sent(StrEnum):
    """What became of a picture that was sent."""

    TAKEN = "taken"
    REFUSED = "refused"
    """It will never be taken."""
    LATER = "later"
    """The event has not arrived there yet, or the server does not answer as it should."""


class AlarmPictureServer:
    """Sends the pictures of one gate."""

    def __init__(
        self,
        base_url: str,
        gate: str,
        token: str,
        *,
        client: httpx.Client | None = None,
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        """`base_url` is the server's, `token` the device's, bound to `gate`; `verify` is httpx's."""
        self._address = f"{base_url.rstrip('/')}/api/v1/operations/gates/{gate}/alarm-pictures"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "image/jpeg"}
        self._client = client or httpx.Client(timeout=TIMEOUT_S, verify=verify)

    def send(self, event_id: UUID, jpeg: bytes, taken_at: datetime) -> Sent:
        """Send the picture that was taken at an event."""
        try:
            answer = self._client.put(
                f"{self._address}/{event_id}",
                headers=self._headers,
                params={"taken_at": taken_at.isoformat()},
                content=jpeg,
            )
        except httpx.HTTPError:
            return Sent.LATER
        if answer.is_success:
            return Sent.TAKEN
        return Sent.REFUSED if answer.status_code in _FINAL else Sent.LATER

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
