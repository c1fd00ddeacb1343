"""Sign-in of staff through the university's identity provider. The provider is a port; `oidc.py` speaks OpenID Connect.

The way: `begin` gives an address to send the browser to and a `state` to keep; the provider sends the browser back
with that state and a code; `complete` exchanges the code. State, nonce and PKCE verifier are good once and for ten
minutes.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import delete

from accounts import people
from accounts.sign_in.service import SignInService, Tokens
from accounts.tables import OidcAttempt
from accounts.vocabulary import PersonKind
from database import Database
from web.problems import ProblemError

LIFETIME = timedelta(minutes=10)


class StaffSignInUnavailableError(ProblemError):
    """No identity provider is connected, or it does not answer."""

    code = "staff_sign_in_unavailable"
    status = 503
    title = "Sign-in through the identity provider is not possible at the moment"


class StaffSignInRefusedError(ProblemError):
    """The state is unknown or old, or the provider did not confirm the person."""

    code = "staff_sign_in_refused"
    status = 401
    title = "The identity provider did not confirm this sign-in; begin again"


class NoStaffAccountError(ProblemError):
    """The provider knows the person, this server has no staff account with that number."""

    code = "no_staff_account"
    status = 403
    title = "There is no staff account for this person"


@dataclass(frozen=True, slots=True)
class Proof:
    """The secrets of one attempt, that the provider's answer is checked against."""

    nonce: str
    verifier: str

    @property
    def challenge_source(self) -> bytes:
        """The SHA-256 of the verifier (RFC 7636, S256)."""
        return hashlib.sha256(self.verifier.encode()).digest()


class IdentityProvider(Protocol):
    """Who says which member of staff a browser belongs to."""

    def address(self, state: str, proof: Proof) -> str:
        """Return the address to send the browser to.

        Raises:
            StaffSignInUnavailableError: the provider does not answer.
        """
        ...

    def number(self, code: str, proof: Proof) -> str:
        """Exchange the code that came back for the number of the member of staff.

        Raises:
            StaffSignInRefusedError: the provider does not confirm it, or its answer is not genuine.
            StaffSignInUnavailableError: the provider does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class StaffSignInService:
    """Signs staff in through the provider."""

    database: Database
    sign_in: SignInService
    provider: IdentityProvider | None

    def begin(self, *, now: datetime) -> tuple[str, str]:
        """Return the provider's address for the browser, and the state to bring back.

        Raises:
            StaffSignInUnavailableError: no provider is connected, or it does not answer.
        """
        provider = self._provider()
        state = secrets.token_urlsafe(32)
        proof = Proof(nonce=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(64))
        address = provider.address(state, proof)
        with self.database.begin() as session:
            session.execute(delete(OidcAttempt).where(OidcAttempt.expires_at <= now))
            session.add(
                OidcAttempt(
                    state_digest=_digest(state), nonce=proof.nonce, verifier=proof.verifier, expires_at=now + LIFETIME
                )
            )
        return address, state

    def complete(self, state: str, code: str, *, now: datetime) -> Tokens:
        """Finish an attempt.

        Raises:
            StaffSignInRefusedError, StaffSignInUnavailableError, NoStaffAccountError: see there.
            people.AccountNotUsableError: the account is suspended, closed or outside its validity.
        """
        provider = self._provider()
        with self.database.begin() as session:
            # Taken out before the exchange, so that no attempt is used twice.
            found = session.execute(
                delete(OidcAttempt)
                .where(OidcAttempt.state_digest == _digest(state), OidcAttempt.expires_at > now)
                .returning(OidcAttempt.nonce, OidcAttempt.verifier)
            ).first()
        if found is None:
            raise StaffSignInRefusedError("the state is unknown, old, or was used")
        number = provider.number(code, Proof(found.nonce, found.verifier))
        with self.database.read() as session:
            person = people.by_number(session, number)
        if person is None or person.kind is not PersonKind.STAFF:
            raise NoStaffAccountError
        return self.sign_in.begin(person.id, method="oidc", must_change_password=False, now=now)

    def _provider(self) -> IdentityProvider:
        if self.provider is None:
            raise StaffSignInUnavailableError("no identity provider is connected")
        return self.provider


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
