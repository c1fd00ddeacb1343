"""What the directory's API works with, built once by the rim and put at `app.state.directory`."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from access.passages import PresencePage
from database import Database, Sealer
from directory import gates_in_step, zone_passages
from directory.gate_setup import GateSetup
from directory.gates_in_step import InStep, Question
from directory.hosting_rules import HostingRules
from directory.zone_passages import Asked
from web.batched_reads import BatchedReads

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
    """Whether gates may be told the server's time; may wait for the database."""
    setup: GateSetup = field(default_factory=GateSetup.unavailable)
    pictured_events: Callable[[str], Sequence[str]] = lambda _gate: ()
    """The kinds of events at which the camera of a gate takes a picture."""
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(GATES_AT_ONCE))
    """Gates are answered in turn: after a revocation all of them ask at once, and people must not wait behind them."""

    @cached_property
    def gates_in_step(self) -> BatchedReads[Question, InStep]:
        """Look up whether a device that asks for changes is in step."""

        def load(asked: Collection[Question]) -> Mapping[Question, InStep]:
            with self.database.read() as session:
                return gates_in_step.find(session, asked)

        return BatchedReads(load)

    @cached_property
    def looks_at_clock(self) -> BatchedReads[None, bool]:
        """Look whether gates are told the server's time: once for all who ask meanwhile, in a thread of its own."""
        return BatchedReads(lambda _asked: {None: self.clock_believed()})

    @cached_property
    def quiet_zones(self) -> BatchedReads[Asked, PresencePage]:
        """Look up whether a device that asks for passages knows all of its zone."""

        def load(asked: Collection[Asked]) -> Mapping[Asked, PresencePage]:
            with self.database.read() as session:
                return zone_passages.find_quiet(session, asked)

        return BatchedReads(load)
