"""Whether an account may be used at a time, and if not, why. Pure."""

from datetime import datetime
from typing import Literal, Protocol

from accounts.vocabulary import PersonState
from web.problems import ProblemError


class AccountNotUsableError(ProblemError):
    """The account is suspended, closed, expired, or not yet valid."""

    code = "account_not_usable"
    status = 403
    title = "The account is suspended, closed or outside its validity"


class Account(Protocol):
    """What of a person decides whether their account may be used."""

    @property
    def state(self) -> PersonState:
        """Active, suspended or closed."""
        ...

    @property
    def valid_from(self) -> datetime:
        """When it begins to be valid."""
        ...

    @property
    def valid_until(self) -> datetime | None:
        """When it ends, if it does."""
        ...


def require_usable(person: Account, now: datetime) -> None:
    """Check that the account may be used now.

    Raises:
        AccountNotUsableError: with `standing` saying why not.
    """
    if (now_is := standing(person, now)) != "good":
        raise AccountNotUsableError(standing=now_is)


Standing = Literal["good", "suspended", "closed", "expired", "not_yet_valid"]


def standing(person: Account, now: datetime) -> Standing:
    """Say whether and why (not) an account may be used now."""
    if person.state is PersonState.CLOSED:
        return "closed"
    if person.state is PersonState.SUSPENDED:
        return "suspended"
    if now < person.valid_from:
        return "not_yet_valid"
    if person.valid_until is not None and now >= person.valid_until:
        return "expired"
    return "good"
