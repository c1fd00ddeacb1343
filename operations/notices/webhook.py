"""To a program of the campus (a duty roster, a chat): one signed POST for each notice.

`web.webhooks` says how it is signed. Any 2xx answer says that the notice was taken.
"""

import json
from collections.abc import Callable
from datetime import datetime

import httpx

from operations.notices.port import Notice, NoticeNotSentError
from web.webhooks import TIMEOUT_S, SignedPosts


class WebhookNotifier:
    """Posts notices as JSON."""

    channel = "webhook"

    def __init__(
        self, url: str, secret: bytes, *, timeout_s: float = TIMEOUT_S, now: Callable[[], datetime] | None = None
    ) -> None:
        """Take where to post, and the secret that the receiver knows too."""
        self._posts = SignedPosts(url, secret, timeout_s=timeout_s, now=now)

    def send(self, notice: Notice) -> None:
        """Post `notice`.

        Raises:
            NoticeNotSentError: no answer, or not one of success.
        """
        body = json.dumps(
            {
                "alarm_id": str(notice.alarm_id),
                "gate": notice.gate,
                "kind": notice.kind,
                "severity": notice.severity,
                "reason": notice.reason,
                "raised_at": notice.raised_at.isoformat(),
                "count": notice.count,
                "escalated": notice.escalated,
                "headline": notice.headline,
            }
        ).encode()
        headers = {"Idempotency-Key": f"{notice.alarm_id}:{notice.escalated}"}
        try:
            answer = self._posts.post(body, headers)
        except httpx.HTTPError as error:
            raise NoticeNotSentError(f"the webhook did not answer: {type(error).__name__}") from error
        if not answer.is_success:
            raise NoticeNotSentError(f"the webhook answered {answer.status_code}")
