"""How long a live page may go on receiving: as long as its reader's sign-in runs and they have the role for it."""

import time

from accounts.sign_in.access_tokens import Claims
from accounts.vocabulary import Role
from console.live.current_roles import CHECK_EVERY_S
from console.services import ConsoleServices


class StreamAuthorization:
    """Says whether a stream may go on; it ends when its access token does, and the browser comes with a new one."""

    def __init__(self, services: ConsoleServices, claims: Claims, roles: frozenset[Role] | None = None) -> None:
        """Take the reader and the roles of which they need one; without, whoever is signed in may read on."""
        self._services, self._claims, self._roles = services, claims, roles
        self._checked_at = 0.0
        self._is_over = False

    async def __call__(self) -> bool:
        """Query, at most every `CHECK_EVERY_S`, whether the reader may go on."""
        now = self._services.now()
        if self._is_over or now >= self._claims.expires_at:
            return False
        if time.monotonic() < self._checked_at + CHECK_EVERY_S:
            return True
        self._checked_at = time.monotonic()
        found = await self._services.current_roles.find(self._services.database, self._claims, now=now)
        self._is_over = found is None or (self._roles is not None and not found & self._roles)
        return not self._is_over
