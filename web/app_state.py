"""What the rim puts at `app.state` when it makes the app, for the rooms' routes to ask for.

A dependency that only looks something up or compares is `async`, here and in the rooms: each one that is not takes a
thread from the pool, which costs more than the looking up, and waits for one where all are busy.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request

_T = TypeVar("_T")


def find_in_state(request: Request, name: str, kind: type[_T]) -> _T:
    """Return what is at `app.state.<name>`, which must be a `kind`."""
    found = getattr(request.app.state, name)
    if not isinstance(found, kind):
        raise TypeError(f"app.state.{name} must hold {kind.__name__}; the rim sets it when it makes the app")
    return found


def from_state(name: str, kind: type[_T]) -> Callable[[Request], Awaitable[_T]]:
    """Return a dependency: what `find_in_state` finds."""

    async def find(request: Request) -> _T:
        return find_in_state(request, name, kind)

    return find
