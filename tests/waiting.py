"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable

PATIENCE_S = 30.0
"""How long anything may take on a machine that is busy with other things; nothing waits so long when all is well."""


def until(condition: Callable[[], object], what: str = "it never came to be", *, timeout_s: float = PATIENCE_S) -> None:
    """Wait until `condition` holds."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)
