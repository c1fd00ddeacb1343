"""The server's part in a second photo from the gate, over the device's own line."""

import ssl
from uuid import UUID

import httpx
from pydantic import ValidationError

from access.probe_offer import ProbeAnswer, ProbeRequest, SealedProbe

TIMEOUT_S = 10.0


class ProbeServerError(Exception):
    """The server does not answer, or says no; the message says why."""


class ProbeServer:
    """Asks and sends for one gate."""

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
        self._address = f"{base_url.rstrip('/')}/api/v1/directory/gates/{gate}/probe-offers"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._client = client or httpx.Client(timeout=TIMEOUT_S, verify=verify)

    def ask(self, request: ProbeRequest) -> ProbeAnswer:
        """Return an offer, or why there is none.

        Raises:
            ProbeServerError: no answer, or a refusal.
        """
        try:
            return ProbeAnswer.model_validate_json(self._post(self._address, request.model_dump_json()))
        except ValidationError as error:
            raise ProbeServerError("the answer is none that this edge understands") from error

    def send(self, offer_id: UUID, probe: SealedProbe) -> None:
        """Send the probe of an offer.

        Raises:
            ProbeServerError: no answer, or the probe was refused.
        """
        self._post(f"{self._address}/{offer_id}", probe.model_dump_json())

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, address: str, body: str) -> bytes:
        try:
            answer = self._client.post(address, headers=self._headers, content=body)
        except httpx.HTTPError as error:
            raise ProbeServerError(f"no answer: {type(error).__name__}") from error
        if not answer.is_success:
            raise ProbeServerError(f"refused with {answer.status_code}: {_code_of(answer)}")
        return answer.content


def _code_of(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return "no reason given"
