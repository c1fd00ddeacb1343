"""What the accounts' API works with, built once by the rim and put at `app.state.accounts`.

app.state.accounts = AccountsServices(database=…, secret=…)
add_routes(app, accounts.api.router.router)
web.problems.install(app)
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from accounts import defaults, devices
from accounts.cards.virtual_cards import ChannelUsers, SignCode
from accounts.devices import Places
from accounts.passwords import Hasher, PasswordCheck
from accounts.passwords.first import FirstPasswords
from accounts.people import sign_ins
from accounts.people.merge_parts import MergePart
from accounts.people.notices import Notify, notify_nobody
from accounts.people.phones import CodeSender
from accounts.people.sign_ins import RunningSignIn
from accounts.people_import.runs import ImportRuns
from accounts.principals import DevicePrincipal
from accounts.sign_in.access_tokens import AccessTokens, derive_key
from accounts.sign_in.identity_providers import ConnectedProvider
from accounts.sign_in.known_devices import KnownDevices
from accounts.sign_in.provider_sign_in import ProviderSignInService
from accounts.sign_in.service import SignInService
from accounts.sign_in.wecom_members import MemberEvents
from database import Database
from web.batched_reads import BatchedReads, Key, Value
from web.concurrency_limit import ConcurrencyLimit
from web.rate_limits import RateLimiter


def _now() -> datetime:
    return datetime.now(UTC)


def _batched(
    database: Database, look_up: Callable[[Session, Collection[Key]], Mapping[Key, Value]]
) -> BatchedReads[Key, Value]:
    def load(keys: Collection[Key]) -> Mapping[Key, Value]:
        with database.read() as session:
            return look_up(session, keys)

    return BatchedReads(load)


@dataclass(frozen=True)
class AccountsServices:
    """Values and ports of the accounts.

    `secret` (32 bytes or more) is the root of every derived key: access and refresh tokens, virtual card codes.
    `guesses` limits failed sign-ins, claims and confirmations by one address, `messages` the codes that one person may
    have sent to phones and one phone gets; `hashing` keeps a processor free while many sign in, `asking` threads while
    an identity provider does not answer. `notify` writes to a person what happened to their account. A port that is
    None answers 503; without `places` a device may name any gate.
    """

    database: Database
    secret: bytes = field(repr=False)
    clock: Callable[[], datetime] = _now
    zone: ZoneInfo = defaults.TIME_ZONE
    access_token_lifetime: timedelta = timedelta(minutes=10)
    refresh_token_lifetime: timedelta = timedelta(days=30)
    longest_sign_in: timedelta = defaults.LONGEST_SIGN_IN
    first_passwords: FirstPasswords = field(default_factory=lambda: FirstPasswords(defaults.FIRST_PASSWORD_PREFIX))
    hasher: Hasher = field(default_factory=Hasher)
    guesses: RateLimiter = field(default_factory=lambda: RateLimiter(60, timedelta(minutes=5)))
    hashing: ConcurrencyLimit = field(
        default_factory=lambda: ConcurrencyLimit(max(1, (os.cpu_count() or 2) - 1), max_waiting=128)
    )
    asking: ConcurrencyLimit = field(default_factory=lambda: ConcurrencyLimit(8, max_waiting=128))
    messages: RateLimiter = field(default_factory=lambda: RateLimiter(10, timedelta(days=1)))
    notify: Notify = notify_nobody
    code_sender: CodeSender | None = None
    channel_users: ChannelUsers | None = None
    identity_providers: Mapping[str, ConnectedProvider] = field(default_factory=dict)
    member_events: MemberEvents | None = None
    """None: this server receives no messages of enterprise WeChat."""
    places: Places | None = None
    merge_parts: Sequence[MergePart] = ()
    """The other rooms of this server that keep something of people, for merging two accounts."""
    sign_code: SignCode | None = None
    """None: this server has no key that gates trust, and codes only pay."""

    @cached_property
    def access_tokens(self) -> AccessTokens:
        """The maker and reader of access tokens."""
        return AccessTokens(self.secret, lifetime=self.access_token_lifetime)

    @cached_property
    def devices_by_token(self) -> BatchedReads[str, DevicePrincipal]:
        """Whose token a device shows, at this moment."""
        return _batched(self.database, devices.authenticate_many)

    @cached_property
    def running_sign_ins(self) -> BatchedReads[tuple[UUID, UUID], RunningSignIn]:
        """The sign-ins that were not ended up to this moment, by the ids of person and sign-in."""
        return _batched(self.database, sign_ins.look_up)

    @cached_property
    def code_key(self) -> bytes:
        """The key that virtual cards' secrets are derived from."""
        return derive_key(self.secret, "virtual-card-codes")

    @cached_property
    def passwords(self) -> PasswordCheck:
        """The check of passwords."""
        return PasswordCheck(self.database, self.hasher)

    @cached_property
    def people_imports(self) -> ImportRuns:
        """Lists of people that wait or are being imported."""
        return ImportRuns(self.database, self.hasher, self.first_passwords, self.zone)

    @cached_property
    def sign_in(self) -> SignInService:
        """Sign-in with password, refresh, sign-out."""
        return SignInService(
            database=self.database,
            access_tokens=self.access_tokens,
            refresh_key=derive_key(self.secret, "refresh-tokens"),
            refresh_lifetime=self.refresh_token_lifetime,
            longest=self.longest_sign_in,
            check=self.passwords,
            guesses=self.guesses,
            devices=KnownDevices(derive_key(self.secret, "known-devices")),
        )

    @cached_property
    def provider_sign_in(self) -> ProviderSignInService:
        """Sign-in through the university's identity providers."""
        return ProviderSignInService(self.database, self.sign_in, self.identity_providers)
