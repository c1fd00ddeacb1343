"""How long a database server may take to answer: after that it is taken for one that hangs."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

ANSWER_WITHIN_S = 30.0
"""Of one statement. What a request asks takes a thousandth of it, and jobs work in batches of a second or two."""

_within_s: ContextVar[float | None] = ContextVar("answer_within_s", default=ANSWER_WITHIN_S)


@contextmanager
def answer_within(seconds: float | None) -> Iterator[None]:
    """Let the statements of this block take so long; None: as long as they take, as a migration may."""
    token = _within_s.set(seconds)
    try:
        yield
    finally:
        _within_s.reset(token)


def longest_answer_s() -> float | None:
    """Return how long a statement may take that begins here."""
    return _within_s.get()
