"""Text that a request may carry into the database: bounded, one line, no control characters."""

from typing import Annotated

from pydantic import StringConstraints

_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"


def line(max_length: int, *, min_length: int = 1) -> StringConstraints:
    """Constraints of one line of text."""
    return StringConstraints(strip_whitespace=True, min_length=min_length, max_length=max_length, pattern=_PRINTABLE)


Line = Annotated[str, line(100)]
"""One line of 1 to 100 characters."""

OptionalLine = Annotated[str, line(100, min_length=0)]
"""One line of 0 to 100 characters."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""A name in addresses and topics."""
