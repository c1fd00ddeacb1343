"""Renewing sign-ins, once for all windows of a browser."""

import hashlib
import threading
from datetime import datetime, timedelta

from accounts.sign_in.service import SignInService, Tokens

_SAME_MOMENT = timedelta(seconds=30)
"""Windows whose tokens ended together ask within this of each other, also over a slow connection."""


class Renewals:
    """Renews sign-ins once, however many windows of a browser ask at the same moment.

    All windows share one refresh token, and their live streams end together with the access token. To the accounts, the
    second use of a refresh token is a theft and ends the sign-in; so whoever comes within moments of the first gets
    what the first got.
    """

    def __init__(self, desk: SignInService) -> None:
        """Take the desk that renews."""
        self._desk = desk
        self._lock = threading.Lock()
        self._recent: dict[bytes, tuple[datetime, Tokens]] = {}

    def renew(self, token: str, *, now: datetime) -> Tokens:
        """Return new tokens for a refresh token.

        Raises:
            RefreshRefusedError, AccountNotUsableError: as `SignInService.refresh`.
        """
        key = hashlib.sha256(token.encode()).digest()
        with self._lock:
            self._recent = {one: kept for one, kept in self._recent.items() if now - kept[0] < _SAME_MOMENT}
            if key not in self._recent:
                self._recent[key] = (now, self._desk.refresh(token, now=now))
            return self._recent[key][1]

    def newest(self, token: str) -> str:
        """Return the refresh token that took the place of `token` moments ago, or `token` itself."""
        with self._lock:
            kept = self._recent.get(hashlib.sha256(token.encode()).digest())
        return token if kept is None else kept[1].refresh_token
