"""Lists by opaque cursor: a page is asked for with `limit` and `cursor`, and names the `next` cursor or null.

A cursor is the sort key of the page's last row, so rows inserted meanwhile neither repeat nor skip others.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field, TypeAdapter

from web.problems import ProblemError

MAX_LIMIT = 200
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)

T = TypeVar("T")
K = TypeVar("K")


class InvalidCursorError(ProblemError):
    """The cursor was not made by this list, or was changed."""

    code = "invalid_cursor"
    status = 400
    title = "The cursor does not belong to this list; begin again without one"


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = Field(description="cursor of the next page; null on the last one")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is wanted."""

    limit: int
    cursor: str | None

    def after(self, key: type[K]) -> K | None:
        """Return the sort key to continue after (an id, a number, a tuple of them), or None for the first page.

        Raises:
            InvalidCursorError: the cursor holds no `key`.
        """
        return None if self.cursor is None else decode_cursor(self.cursor, key)

    def cut(self, rows: Sequence[T], key: Callable[[T], Any]) -> tuple[Sequence[T], str | None]:
        """Split fetched rows (the caller asks the database for `limit + 1`) into the page and its next cursor."""
        if len(rows) <= self.limit:
            return rows, None
        page = rows[: self.limit]
        return page, encode_cursor(key(page[-1]))


async def _page_request(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="rows on one page")] = 50,
    cursor: Annotated[str | None, Query(max_length=500, description="`next` of the page before")] = None,
) -> PageRequest:
    return PageRequest(limit, cursor or None)


PageDep = Annotated[PageRequest, Depends(_page_request)]


def encode_cursor(key: Any) -> str:
    """Return `key` as an opaque cursor."""
    text = json.dumps(key, separators=(",", ":"), default=str)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, key: type[K]) -> K:
    """Return what `encode_cursor` was given.

    Raises:
        InvalidCursorError: the cursor holds no `key`.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = TypeAdapter(key).validate_json(text)
    except ValueError as error:
        raise InvalidCursorError from error
    if not all(map(_is_storable, found if isinstance(found, tuple) else (found,))):
        raise InvalidCursorError
    return found


def _is_storable(part: object) -> bool:
    """Tell whether a database can compare with it: none holds a longer number, nor a time without its place in UTC."""
    if isinstance(part, int):
        return -(2**63) <= part < 2**63
    if isinstance(part, datetime):
        return part.tzinfo is not None and _EARLIEST < part < _LATEST
    return not isinstance(part, str) or "\0" not in part
