"""What was found of one link, and how a check becomes a finding."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from errors import OperatorError
from web.problems import ProblemError


class Status(StrEnum):
    """How a link is."""

    OK = "ok"
    WARNING = "warning"
    """It works, and will not, or not as it should."""
    FAULT = "fault"
    SKIPPED = "skipped"
    """It was not examined; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One link: what it is called, how it is, and a sentence that says so and how to mend it."""

    link: str
    status: Status
    says: str


Check = Callable[[], Iterable[Finding]]


def ok(link: str, says: str) -> Finding:
    """Return that a link is well."""
    return Finding(link, Status.OK, says)


def warn(link: str, says: str) -> Finding:
    """Return that a link works, and what about it should be mended."""
    return Finding(link, Status.WARNING, says)


def fault(link: str, says: str) -> Finding:
    """Return that a link does not work, and how to mend it."""
    return Finding(link, Status.FAULT, says)


def skip(link: str, says: str) -> Finding:
    """Return that a link was not examined."""
    return Finding(link, Status.SKIPPED, says)


def examine(link: str, check: Check) -> Iterator[Finding]:
    """Yield what a check finds; an error that ends it is a fault of its link, and no other check suffers."""
    try:
        yield from check()
    except (OperatorError, ProblemError) as error:
        yield fault(link, str(error))
    except Exception as error:  # noqa: BLE001 - a driver or library that fails in its own way is what is looked for
        yield fault(link, f"the examination ended with {type(error).__name__}: {str(error).partition(chr(10))[0]}")
