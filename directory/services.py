"""What the directory's API works with, built once by the rim and put at `app.state.directory`."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from database import Database, Sealer
from directory.gate_setup import GateSetup
from directory.hosting_rules import HostingRules

GATES_AT_ONCE = 3
"""More at a time would only share the same cores: each answer would come later, and so would everybody else's."""


@dataclass(frozen=True)
class DirectoryServices:
    """`credential_key` (32 bytes) is the site's: readers and the server digest cards, codes and PINs under it."""

    database: Database
    sealer: Sealer = field(repr=False)
    credential_key: bytes = field(repr=False)
    hosting: HostingRules = field(default_factory=HostingRules)
    clock_believed: Callable[[], bool] = lambda: True
    """Whether gates may be told the server's time."""
    setup: GateSetup = field(default_factory=GateSetup.unavailable)
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(GATES_AT_ONCE))
    """Gates are answered in turn: after a revocation all of them ask at once, and people must not wait behind them."""
