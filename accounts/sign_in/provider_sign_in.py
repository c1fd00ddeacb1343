"""Sign-in through an identity provider of the university: OpenID Connect, CAS, enterprise WeChat.

`begin` gives an address to send the browser to and a `state` to keep; the provider sends the browser back with that
state and a code; `complete` exchanges the code. State, nonce and PKCE verifier are good once, at the provider that they
were made for, and for ten minutes.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete

from accounts import people
from accounts.people import spelling
from accounts.sign_in.identity_providers import (
    Answer,
    Attempt,
    ConnectedProvider,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from accounts.sign_in.service import SignInService, Tokens
from accounts.tables import ProviderAttempt
from database import Database
from web.problems import ProblemError

LIFETIME = timedelta(minutes=10)


class NotAdmittedError(ProblemError):
    """The provider knows the person; this server has no account with that number, or not of a kind that it admits."""

    code = "no_staff_account"
    status = 403
    title = "There is no account for this person that signs in this way"


@dataclass(frozen=True, slots=True)
class ProviderSignInService:
    """Signs people in through the providers, which are named by the method of the sign-ins that they give."""

    database: Database
    sign_in: SignInService
    providers: Mapping[str, ConnectedProvider]

    def begin(self, name: str | None = None, *, browser: str = "", now: datetime) -> tuple[str, str]:
        """Return a provider's address for the browser, and the state to bring back.

        Args:
            name: of the provider; the first one where none is named.
            browser: what the browser calls itself.
            now: the time.

        Raises:
            ProviderUnavailableError: it is not connected, or does not answer.
        """
        name = name or next(iter(self.providers), "")
        provider = self._connected(name).provider
        attempt = Attempt(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(64))
        address = provider.address(attempt, browser=browser)
        with self.database.begin() as session:
            session.execute(delete(ProviderAttempt).where(ProviderAttempt.expires_at <= now))
            session.add(
                ProviderAttempt(
                    state_digest=_digest(attempt.state),
                    provider=name,
                    nonce=attempt.nonce,
                    verifier=attempt.verifier,
                    expires_at=now + LIFETIME,
                )
            )
        return address, attempt.state

    def complete(self, state: str, answer: Answer, *, now: datetime) -> Tokens:
        """Finish an attempt.

        Raises:
            ProviderRefusedError, ProviderUnavailableError, NotAdmittedError: see there.
            people.AccountNotUsableError: the account is suspended, closed or outside its validity.
        """
        if not self.providers:
            raise ProviderUnavailableError("no identity provider is connected")
        row = ProviderAttempt
        with self.database.begin() as session:
            # Taken out before the exchange, so that no attempt is used twice.
            found = session.execute(
                delete(row)
                .where(row.state_digest == _digest(state), row.expires_at > now)
                .returning(row.provider, row.nonce, row.verifier)
            ).first()
        if found is None:
            raise ProviderRefusedError("the state is unknown, old, or was used")
        connected = self._connected(found.provider)
        number = connected.provider.number(answer, Attempt(state, found.nonce, found.verifier))
        if spelling.number(number) != number:
            # People type numbers in many ways, a provider in one: what only looks like a number is somebody else's.
            raise NotAdmittedError
        with self.database.read() as session:
            person = people.by_number(session, number)
        if person is None or person.kind not in connected.kinds:
            raise NotAdmittedError
        return self.sign_in.begin(person.id, method=found.provider, must_change_password=False, now=now)

    def _connected(self, name: str) -> ConnectedProvider:
        connected = self.providers.get(name)
        if connected is None:
            raise ProviderUnavailableError("this identity provider is not connected")
        return connected


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
