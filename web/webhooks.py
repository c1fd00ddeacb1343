"""Signed posts to a program of the campus: an SMS gateway, a duty roster, a chat.

The receiver checks `X-Campusgate-Signature: t=SECONDS,v1=HEX`, where HEX is the HMAC-SHA256 of `SECONDS.BODY` under the
shared secret, and refuses a SECONDS far from its own clock. Any 2xx answer says that it was taken.
"""

import hashlib
import hmac
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property

import httpx

TIMEOUT_S = 5.0
SIGNATURE_HEADER = "X-Campusgate-Signature"


def signature(secret: bytes, body: bytes, at: datetime) -> str:
    """Return the signature of `body`, sent at `at`."""
    seconds = int(at.timestamp())
    digest = hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


class SignedPosts:
    """Posts JSON to one address, each post signed at the moment it is sent."""

    def __init__(
        self, url: str, secret: bytes, *, timeout_s: float = TIMEOUT_S, now: Callable[[], datetime] | None = None
    ) -> None:
        """Take where to post, and the secret that the receiver knows too."""
        self._url = url
        self._secret = secret
        self._timeout_s = timeout_s
        self._now = now or (lambda: datetime.now(UTC))

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Post `body`, encoded JSON, and return the answer, whatever it says.

        Raises:
            httpx.HTTPError: there was none.
        """
        signed = {
            "Content-Type": "application/json",
            **(headers or {}),
            SIGNATURE_HEADER: signature(self._secret, body, self._now()),
        }
        # Redirects are not followed: the signature was made for this address.
        return httpx.post(self._url, content=body, headers=signed, timeout=self._timeout_s, verify=self._tls)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # Made once: to read the certificates of all public authorities takes 35 ms of processor time.
        return httpx.create_ssl_context()
