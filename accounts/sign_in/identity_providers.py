"""The port of identity providers: who says which person of the campus a browser belongs to.

The way: `address` says where to send the browser; the provider sends it back with a code, or a ticket, and with the
state of the attempt; `number` exchanges that for the person's number at the university.
"""

import base64
import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from accounts.vocabulary import PersonKind
from web.problems import ProblemError


class ProviderUnavailableError(ProblemError):
    """No such provider is connected, or it does not answer, or not as one does."""

    code = "staff_sign_in_unavailable"
    status = 503
    title = "Sign-in through the identity provider is not possible at the moment"


class ProviderRefusedError(ProblemError):
    """The state is unknown or old, or the provider did not confirm the person."""

    code = "staff_sign_in_refused"
    status = 401
    title = "The identity provider did not confirm this sign-in; begin again"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in on its way to a provider and back; its secrets are what the answer is checked against."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    @property
    def challenge(self) -> str:
        """The SHA-256 of the verifier, as an authorization address carries it (RFC 7636, S256)."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser brought back."""

    code: str = field(repr=False)
    """The authorization code; of CAS, the ticket."""
    issuer: str | None = None
    """Who says that it sent the browser back (`iss`, RFC 9207)."""


class IdentityProvider(Protocol):
    """Who knows the people of the university."""

    def address(self, attempt: Attempt, *, browser: str) -> str:
        """Return the address to send a browser to, of which `browser` is what it calls itself (User-Agent).

        Raises:
            ProviderUnavailableError: the provider does not answer.
        """
        ...

    def number(self, answer: Answer, attempt: Attempt) -> str:
        """Exchange what came back for the person's number.

        Raises:
            ProviderRefusedError: the provider does not confirm it, or its answer is not genuine.
            ProviderUnavailableError: the provider does not answer.
        """
        ...

    def check(self) -> str:
        """Ask the provider whether it knows this server; return a sentence of what it said.

        Raises:
            ProviderUnavailableError: it does not answer, or does not know this server.
        """
        ...


@dataclass(frozen=True, slots=True)
class ConnectedProvider:
    """A provider, and whom it signs in."""

    provider: IdentityProvider
    kinds: Collection[PersonKind]
