"""The port of a rule."""

from typing import Protocol

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.report import Finding


class Rule(Protocol):
    """Measures one thing about a photo. Rules keep no state and may run in any order and in several threads."""

    name: str
    needs_face: bool
    """Whether it can only be asked when a face was found."""

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Measure, and compare with the limits of the rule's own name."""
