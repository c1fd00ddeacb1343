"""Who may invite visitors by themselves, to which gates, and for how long."""

from collections.abc import Set
from dataclasses import dataclass, field
from datetime import timedelta

from access.policy import GateKind, GatePolicy
from accounts.vocabulary import PersonKind


@dataclass(frozen=True, slots=True)
class HostingRules:
    """What a campus lets its people do without asking staff.

    A host gives only what they have: the gates they may pass themselves, of these kinds, that take a code.
    """

    hosts: Set[PersonKind] = field(default_factory=lambda: frozenset({PersonKind.STAFF}))
    gate_kinds: Set[GateKind] = field(default_factory=lambda: frozenset({GateKind.CAMPUS, GateKind.BUILDING}))
    longest: timedelta = timedelta(hours=24)
    ahead: timedelta = timedelta(days=14)
    """How far ahead a pass may begin."""
    most_open: int = 5
    """Passes of one host that are not over."""

    def has_gate(self, policy: GatePolicy) -> bool:
        """Return whether visitors may be invited to a gate: of such a kind, and where a code alone is enough."""
        return policy.kind in self.gate_kinds and policy.takes_cards_alone
