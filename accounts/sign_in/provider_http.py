"""Questions to an identity provider: bounded in time and in size, and answered by nobody whom it points to."""

import ssl
import time
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import httpx
import structlog

from accounts.sign_in.identity_providers import ProviderUnavailableError

log = structlog.get_logger()

_TIMEOUT_S: Final = 5.0
"""For each part of an answer; the whole may take twice as long, however small the parts are that it comes in."""
_LARGEST: Final = 1024 * 1024
"""Key sets and answers of a validation are a few kilobytes."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a provider answered, whatever its status."""

    status: int
    content: bytes

    def json(self) -> dict[str, Any]:
        """Return the JSON object that was answered.

        Raises:
            ProviderUnavailableError: it is none.
        """
        try:
            said = httpx.Response(200, content=self.content).json()
        except ValueError as error:
            raise ProviderUnavailableError("the identity provider's answer is not JSON") from error
        if not isinstance(said, dict):
            raise ProviderUnavailableError("the identity provider's answer is not a JSON object")
        return said


@cache
def _make_tls() -> ssl.SSLContext:
    """Return what certificates are verified with: reading all public authorities takes a tenth of a second."""
    return httpx.create_ssl_context()


class ProviderHttp:
    """The connection to one provider; questions may be asked in several threads."""

    def __init__(self, name: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        """Ask nobody. `name` stands in the log."""
        self._name = name
        self._longest_s = 2 * timeout_s
        self._timeout_s = timeout_s

    def ask(self, method: str, address: str, **question: Any) -> HttpAnswer:
        """Return what is answered, read whole.

        Args:
            method: `GET` or `POST`.
            address: without what stands in `params`.
            question: `params`, `data`, `headers` as of httpx.

        Raises:
            ProviderUnavailableError: no answer, one that is too slow or too large, or a server's own failure.
        """
        ends = time.monotonic() + self._longest_s
        content = b""
        try:
            with self._connect() as client, client.stream(method, address, **question) as answer:
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > _LARGEST or time.monotonic() > ends:
                        raise self._unavailable("answer_too_large" if len(content) > _LARGEST else "answer_too_slow")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unavailable(type(error).__name__) from error
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise self._unavailable(str(answer.status_code))
        return HttpAnswer(answer.status_code, content)

    def _connect(self) -> httpx.Client:
        # One for each question: between two sign-ins a connection is closed. A provider's answer counts as its own, so
        # it is followed to no other address.
        return httpx.Client(timeout=self._timeout_s, verify=_make_tls(), follow_redirects=False)

    def _unavailable(self, why: str) -> ProviderUnavailableError:
        log.warning("identity_provider_failed", provider=self._name, why=why)
        return ProviderUnavailableError("the identity provider does not answer")
