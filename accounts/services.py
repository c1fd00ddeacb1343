"""What the accounts' API works with, built once by the rim and put at `app.state.accounts`.

app.state.accounts = AccountsServices(database=…, secret=…)
app.include_router(accounts.api.router.router)
web.problems.install(app)
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from accounts.access_tokens import AccessTokens, derive_key
from database import Database


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class AccountsServices:
    """Values and ports of the accounts.

    `secret` (32 bytes or more) is the root of every derived key: access tokens, virtual card codes.
    """

    database: Database
    secret: bytes = field(repr=False)
    clock: Callable[[], datetime] = _now
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    access_token_lifetime: timedelta = timedelta(minutes=10)
    refresh_token_lifetime: timedelta = timedelta(days=30)

    @cached_property
    def access_tokens(self) -> AccessTokens:
        """The maker and reader of access tokens."""
        return AccessTokens(self.secret, lifetime=self.access_token_lifetime)

    @cached_property
    def code_key(self) -> bytes:
        """The key that virtual cards' secrets are derived from."""
        return derive_key(self.secret, "virtual-card-codes")
