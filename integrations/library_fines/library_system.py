"""What is asked of a library's own system about fines: the port. Money is in fen."""

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID


class LibraryAwayError(Exception):
    """The library's system did not answer, or not so that it says anything of fines; nothing was done there."""


class OutcomeUnknownError(Exception):
    """A payment was reported, and no answer came: the library has booked it or has not."""


@dataclass(frozen=True, slots=True)
class Fines:
    """What somebody owes, in all, and what the library says it is for."""

    fen: int
    items: tuple[str, ...] = field(default=(), repr=False)
    name: str | None = field(default=None, repr=False)
    """The library's own name of what is owed, where it names fines and there is one: a payment is reported with it."""
    is_known: bool = True
    """Whether the library knows this patron."""


@dataclass(frozen=True, slots=True)
class ReportedPayment:
    """A payment that the library is told of; with the same `id` it is the same payment."""

    id: UUID
    fen: int
    item: str | None = field(default=None, repr=False)
    """The name of the fine, as it was found."""


class LibrarySystem(Protocol):
    """A library's own system; asks in the calling thread, and says in seconds that nobody answers."""

    def find_fines(self, patron: str) -> Fines:
        """Return what a patron owes.

        Raises:
            LibraryAwayError: see there.
        """
        ...

    def report_payment(self, patron: str, payment: ReportedPayment) -> bool:
        """Report that a patron has paid; return whether the library accepts it.

        Raises:
            LibraryAwayError: it was not reported.
            OutcomeUnknownError: see there.
        """
        ...

    def check(self) -> str:
        """Ask whether somebody answers and lets us in; return what was found, in words.

        Raises:
            LibraryAwayError: see there.
        """
        ...
