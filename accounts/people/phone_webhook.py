"""Codes for phones through the campus's SMS gateway: one signed POST for each (`web.webhooks` says how it is signed).

The body is `{"phone": "+86…", "code": "123456", "expires_in_s": 300}`; the gateway writes the text around the code.
"""

import json
from collections.abc import Callable
from datetime import datetime

import httpx

from accounts.people.phones import LIFETIME, PhoneUnavailableError
from web.webhooks import TIMEOUT_S, SignedPosts


class WebhookCodeSender:
    """Sends codes by posting them to the gateway."""

    def __init__(
        self, url: str, secret: bytes, *, timeout_s: float = TIMEOUT_S, now: Callable[[], datetime] | None = None
    ) -> None:
        """Take where to post, and the secret that the gateway knows too."""
        self._posts = SignedPosts(url, secret, timeout_s=timeout_s, now=now)

    def send(self, phone: str, code: str) -> None:
        """Post `code`.

        Raises:
            PhoneUnavailableError: no answer, or not one of success; neither phone nor code is named.
        """
        body = json.dumps({"phone": phone, "code": code, "expires_in_s": int(LIFETIME.total_seconds())}).encode()
        try:
            answer = self._posts.post(body)
        except httpx.HTTPError as error:
            raise PhoneUnavailableError("the SMS gateway does not answer") from error
        if not answer.is_success:
            raise PhoneUnavailableError(f"the SMS gateway answered {answer.status_code}")
