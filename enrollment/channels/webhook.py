"""To a program of the campus that knows the way on: enterprise WeChat, an SMS gateway. One signed POST for each notice.

The body is `{"notice_id", "at", "kind", "number", "phone", "content": {"zh": {"title", "body"}, "en": …}}`;
`web.webhooks` says how it is signed. The header `Idempotency-Key` is the notice's id.
"""

import json
from collections.abc import Callable
from datetime import datetime

import httpx

from enrollment.channels.port import ChannelDownError, Letter, LetterRefusedError
from web.webhooks import TIMEOUT_S, SignedPosts

_REFUSED = range(400, 500)
_TOO_MANY = 429


class WebhookChannel:
    """Posts notices as JSON."""

    name = "webhook"

    def __init__(
        self, url: str, secret: bytes, *, timeout_s: float = TIMEOUT_S, now: Callable[[], datetime] | None = None
    ) -> None:
        """Take where to post, and the secret that the receiver knows too."""
        self._posts = SignedPosts(url, secret, timeout_s=timeout_s, now=now)

    def send(self, letter: Letter) -> None:
        """Post `letter`.

        Raises:
            LetterRefusedError: the receiver says that it is not to be sent (4xx).
            ChannelDownError: no answer, or another one than success.
        """
        body = json.dumps(
            {
                "notice_id": str(letter.notice_id),
                "at": letter.at.isoformat(),
                "kind": letter.kind,
                "number": letter.number,
                "phone": letter.phone,
                "content": letter.content,
            },
            ensure_ascii=False,
        ).encode()
        headers = {"Idempotency-Key": str(letter.notice_id)}
        try:
            answer = self._posts.post(body, headers)
        except httpx.HTTPError as error:
            raise ChannelDownError(f"the webhook did not answer: {type(error).__name__}") from error
        if answer.status_code in _REFUSED and answer.status_code != _TOO_MANY:
            raise LetterRefusedError(f"the webhook answered {answer.status_code}")
        if not answer.is_success:
            raise ChannelDownError(f"the webhook answered {answer.status_code}")
