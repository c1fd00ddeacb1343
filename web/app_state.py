"""What the rim puts at `app.state` when it makes the app, for the rooms' routes to ask for."""

from collections.abc import Callable
from typing import TypeVar

from fastapi import Request

_T = TypeVar("_T")


def from_state(name: str, kind: type[_T]) -> Callable[[Request], _T]:
    """Return a dependency: what is at `app.state.<name>`, which must be a `kind`."""

    def find(request: Request) -> _T:
        found = getattr(request.app.state, name)
        if not isinstance(found, kind):
            raise TypeError(f"app.state.{name} must hold {kind.__name__}; the rim sets it when it makes the app")
        return found

    return find
