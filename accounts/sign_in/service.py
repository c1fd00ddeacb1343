"""Sign-in of people: a short access token and a refresh token that changes with every use.

A refresh token is `cgr_<sign-in>_<generation>_<mac>`. Only the newest generation is good; an older one that was
genuinely ours means that somebody has a copy, and ends the whole sign-in (RFC 9700, section 4.14.2). Nothing of a
token is stored.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from accounts import audit, passwords, people
from accounts.passwords import Claimant, PasswordCheck, PasswordNotSetError, PasswordWrongError
from accounts.people import sign_ins, spelling
from accounts.sign_in.access_tokens import AccessTokens, NotSignedInError
from accounts.sign_in.known_devices import KnownDevices
from accounts.tables import Password, Person, SignIn
from accounts.vocabulary import PasswordPurpose
from database import Database
from web.problems import ProblemError
from web.rate_limits import RateLimiter

_TOKEN = re.compile(r"cgr_([0-9a-f]{32})_([0-9]{1,9})_([A-Za-z0-9_-]{43})")


class SignInRefusedError(ProblemError):
    """The number or the password is wrong; which of them is not said."""

    code = "sign_in_refused"
    status = 401
    title = "The number or the password is wrong"


class RefreshRefusedError(ProblemError):
    """The refresh token is unknown, expired, revoked, or was used before."""

    code = "refresh_refused"
    status = 401
    title = "Sign in again"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in or a refresh gives."""

    access_token: str
    refresh_token: str
    expires_in_s: int
    must_change_password: bool
    device: str | None = None
    """After a sign-in with a password: the token of a known device, to be shown with the next one."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a sign-in comes from: the network address, and the device's token if it has one."""

    address: str
    device: str | None = None


@dataclass(frozen=True, slots=True)
class SignInService:
    """Signs people in and out."""

    database: Database
    access_tokens: AccessTokens
    refresh_key: bytes
    refresh_lifetime: timedelta
    """How long a sign-in waits for its next refresh."""
    longest: timedelta
    """When a sign-in ends, however often it was refreshed."""
    check: PasswordCheck
    guesses: RateLimiter
    devices: KnownDevices

    def with_password(self, number: str, password: str, *, origin: Origin, now: datetime) -> Tokens:
        """Sign in with the portal's password. Wrong tries count for the device if it is known, else for the address.

        Raises:
            SignInRefusedError: number or password is wrong.
            passwords.PasswordLockedError: too many wrong tries from there.
            TooManyTriesError: too many wrong tries from this address, at whosever passwords.
            people.AccountNotUsableError: the account is suspended, closed or outside its validity.
        """
        with self.database.read() as session:
            person = people.by_number(session, number)
        device = self.devices.recognise(origin.device, person.id if person else None)
        if device is None:
            self.guesses.count_try(origin.address, now)
        source = f"address {origin.address}" if device is None else f"device {device}"
        who = Claimant.named(spelling.number(number), person)
        try:
            checked = self.check.require(
                who, PasswordPurpose.PORTAL, password, source=source, is_known=device is not None, now=now
            )
        except (PasswordWrongError, PasswordNotSetError) as error:
            raise SignInRefusedError(error="invalid_grant") from error
        if person is None:
            raise SignInRefusedError(error="invalid_grant")
        if device is None:
            self.guesses.forgive_try(origin.address, now)
        tokens = self.begin(person.id, method="password", must_change_password=checked.must_change, now=now)
        return replace(tokens, device=self.devices.remember(origin.device, person.id))

    def begin(self, person_id: UUID, *, method: str, must_change_password: bool, now: datetime) -> Tokens:
        """Sign in a person who has proved who they are by `method`.

        Raises:
            people.AccountNotUsableError: the account is suspended, closed or outside its validity.
        """
        with self.database.begin() as session:
            person = people.get(session, person_id)
            people.require_usable(person, now)
            sign_in = SignIn(
                person_id=person.id,
                method=method,
                started_at=now,
                ends_at=now + min(self.refresh_lifetime, self.longest),
                generation=0,
            )
            session.add(sign_in)
            session.flush()
            audit.record(
                session,
                actor=audit.person_actor(person.id),
                action="sign_in.begin",
                subject=f"sign_in:{sign_in.id}",
                now=now,
                details={"method": method},
            )
            return self._tokens(person, sign_in, must_change_password=must_change_password, now=now)

    def refresh(self, token: str, *, now: datetime, grace: timedelta = timedelta()) -> Tokens:
        """Give new tokens for a refresh token, which is used up by this.

        Within `grace` after that, whoever shows it again gets the same refresh token as the first: windows of one
        browser share it, and ask at the same moment.

        Raises:
            RefreshRefusedError: it is not good; `reused` says that it was used before and the sign-in has been ended.
            people.AccountNotUsableError: the account is suspended, closed or outside its validity.
        """
        sign_in_id, generation = self._read(token)
        with self.database.begin() as session:
            taken = session.scalar(
                update(SignIn)
                .where(
                    SignIn.id == sign_in_id,
                    SignIn.generation == generation,
                    SignIn.revoked_at.is_(None),
                    SignIn.ends_at > now,
                )
                .values(generation=SignIn.generation + 1, renewed_at=now)
                .returning(SignIn.id)
            )
            sign_in = session.get(SignIn, sign_in_id)
            if taken is not None and sign_in is not None:
                sign_in.ends_at = min(now + self.refresh_lifetime, sign_in.started_at + self.longest)
                return self._tokens_of(session, sign_in, now)
            if sign_in is not None and _was_renewed_just_now(sign_in, generation, now, grace):
                return self._tokens_of(session, sign_in, now)
            reused = sign_in is not None and generation < sign_in.generation
            if reused and sign_in is not None and sign_in.revoked_at is None:
                sign_in.revoked_at = now
                audit.record(
                    session,
                    actor=audit.SYSTEM,
                    action="sign_in.reuse_detected",
                    subject=f"sign_in:{sign_in.id}",
                    now=now,
                )
        raise RefreshRefusedError(error="invalid_grant", reused=reused)

    def end(self, token: str, *, now: datetime) -> None:
        """Sign out: end the sign-in that a token belongs to; a token that is not good changes nothing."""
        try:
            sign_in_id = self._read(token)[0] if token.startswith("cgr_") else self._of_access(token, now)
        except (RefreshRefusedError, NotSignedInError):
            return
        with self.database.begin() as session:
            sign_ins.end(session, sign_in_id, now=now)

    def _of_access(self, token: str, now: datetime) -> UUID:
        return self.access_tokens.read(token, now=now).sign_in_id

    def _tokens_of(self, session: Session, sign_in: SignIn, now: datetime) -> Tokens:
        person = people.get(session, sign_in.person_id)
        people.require_usable(person, now)
        first = session.scalar(
            select(Password.must_change).filter_by(person_id=person.id, purpose=PasswordPurpose.PORTAL)
        )
        must_change = bool(first) and sign_in.method == "password"
        return self._tokens(person, sign_in, must_change_password=must_change, now=now)

    def _tokens(self, person: Person, sign_in: SignIn, *, must_change_password: bool, now: datetime) -> Tokens:
        access = self.access_tokens.issue(
            person.id, sign_in.id, person.roles, must_change_password=must_change_password, now=now
        )
        return Tokens(
            access_token=access,
            refresh_token=f"cgr_{sign_in.id.hex}_{sign_in.generation}_{self._mac(sign_in.id, sign_in.generation)}",
            expires_in_s=int(self.access_tokens.lifetime.total_seconds()),
            must_change_password=must_change_password,
        )

    def _read(self, token: str) -> tuple[UUID, int]:
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise RefreshRefusedError(error="invalid_grant")
        sign_in_id, generation = UUID(match[1]), int(match[2])
        if not hmac.compare_digest(self._mac(sign_in_id, generation), match[3]):
            raise RefreshRefusedError(error="invalid_grant")
        return sign_in_id, generation

    def _mac(self, sign_in_id: UUID, generation: int) -> str:
        mac = hmac.digest(self.refresh_key, sign_in_id.bytes + generation.to_bytes(8, "big"), hashlib.sha256)
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def _was_renewed_just_now(sign_in: SignIn, generation: int, now: datetime, grace: timedelta) -> bool:
    """Whether `generation` is the one before the newest, and gave way to it less than `grace` ago, by any clock."""
    if sign_in.revoked_at is not None or sign_in.renewed_at is None or generation != sign_in.generation - 1:
        return False
    return abs(now - sign_in.renewed_at) < grace


def change_password(
    session: Session,
    person: Person,
    purpose: PasswordPurpose,
    hashed: str,
    *,
    by: str,
    keep: UUID | None = None,
    now: datetime,
) -> None:
    """Store a new password of the person's own; a new portal password ends every other sign-in."""
    passwords.store(session, person.id, {purpose: hashed}, must_change=False, by=by, now=now)
    if purpose is PasswordPurpose.PORTAL:
        sign_ins.end_all(session, person.id, but=keep, now=now)
