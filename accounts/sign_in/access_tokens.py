"""Access tokens of signed-in people: short-lived JWTs (HS256) that carry the person's id and the sign-in's.

Roles stand in them for the reader's convenience only: what counts is what `accounts.people.sign_ins` says at each
request.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from accounts.vocabulary import Role
from web.problems import ProblemError

ISSUER = "campusgate"


class NotSignedInError(ProblemError):
    """The token is missing, expired, or not ours."""

    code = "not_signed_in"
    status = 401
    title = "A valid token is needed"


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says."""

    person_id: UUID
    sign_in_id: UUID
    roles: frozenset[Role]
    must_change_password: bool
    expires_at: datetime


def derive_key(secret: bytes, purpose: str) -> bytes:
    """Derive a 32-byte key for one purpose from the server's secret (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"campusgate/{purpose}".encode()).derive(secret)


class AccessTokens:
    """Makes and reads access tokens."""

    def __init__(self, secret: bytes, *, lifetime: timedelta = timedelta(minutes=10)) -> None:
        """Take the server's secret (32 bytes or more).

        Raises:
            ValueError: the secret is too short.
        """
        if len(secret) < 32:
            raise ValueError(f"the token secret holds {len(secret)} bytes, at least 32 are needed")
        self._key = derive_key(secret, "access-tokens")
        self._key_id = hashlib.sha256(self._key).hexdigest()[:8]
        self.lifetime = lifetime

    def issue(
        self,
        person_id: UUID,
        sign_in_id: UUID,
        roles: Collection[Role],
        *,
        must_change_password: bool,
        now: datetime,
    ) -> str:
        """Return a token that is good from `now` for the lifetime."""
        claims = {
            "iss": ISSUER,
            "sub": str(person_id),
            "sid": str(sign_in_id),
            "roles": sorted(roles),
            "pwd": must_change_password,
            "iat": int(now.timestamp()),
            "exp": int((now + self.lifetime).timestamp()),
        }
        return jwt.encode(claims, self._key, algorithm="HS256", headers={"kid": self._key_id})

    def read(self, token: str, *, now: datetime) -> Claims:
        """Return what a token says.

        Raises:
            NotSignedInError: it is not ours, was changed, or has expired.
        """
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                issuer=ISSUER,
                # Time is judged below, by the clock that was handed in.
                options={"require": ["exp", "sub", "sid"], "verify_exp": False, "verify_iat": False},
            )
            read = Claims(
                person_id=UUID(claims["sub"]),
                sign_in_id=UUID(claims["sid"]),
                roles=frozenset(Role(role) for role in claims["roles"]),
                must_change_password=bool(claims["pwd"]),
                expires_at=datetime.fromtimestamp(claims["exp"], now.tzinfo),
            )
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError) as error:
            raise NotSignedInError("the access token is not one of this server") from error
        if now >= read.expires_at:
            raise NotSignedInError("the access token has expired; use the refresh token")
        return read
