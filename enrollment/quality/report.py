"""What a check says: one result for each rule, and the verdict that follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from enrollment.quality.geometry import Geometry


class Level(StrEnum):
    """What a failed rule means: required rejects, advisory asks the reviewer, a rule that is off is not run."""

    REQUIRED = "required"
    ADVISORY = "advisory"
    OFF = "off"


class Verdict(StrEnum):
    """What the rules say together. A reviewer has the last word on all but unreadable photos."""

    ACCEPT = "accept"
    REVIEW = "review"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Advice:
    """What the person can do, in Chinese and in English."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found."""

    value: float
    limit: float
    passed: bool
    advice: Advice | None = None
    """None when there is nothing to mend."""
    score: int | None = None
    """Component score of ISO/IEC 29794-5 as OFIQ computes it, 0…100; None where it defines none."""
    details: Mapping[str, float] = field(default_factory=dict)
    """Further figures behind `value`."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A finding with the rule's name and level."""

    rule: str
    level: Level
    finding: Finding

    @property
    def passed(self) -> bool:
        """Whether the rule holds."""
        return self.finding.passed

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain values; `advice` is None when the rule holds."""
        finding = self.finding
        return {
            "rule": self.rule,
            "value": _round_short(finding.value),
            "limit": _round_short(finding.limit),
            "passed": finding.passed,
            "advice": {"zh": finding.advice.zh, "en": finding.advice.en} if finding.advice else None,
            "level": self.level.value,
            "score": finding.score,
            "details": {name: _round_short(value) for name, value in finding.details.items()},
        }


@dataclass(frozen=True, slots=True)
class QualityReport:
    """The results of all rules that were run, in the order in which they are explained."""

    results: tuple[RuleResult, ...]
    geometry: Geometry | None = None
    """Where the rules looked; None when the photo could not be read."""

    @property
    def verdict(self) -> Verdict:
        """Reject when a required rule fails, review when an advisory one does, accept otherwise."""
        failed = {result.level for result in self.results if not result.passed}
        if Level.REQUIRED in failed:
            return Verdict.REJECT
        return Verdict.REVIEW if Level.ADVISORY in failed else Verdict.ACCEPT

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """The results whose rule does not hold."""
        return tuple(result for result in self.results if not result.passed)

    def to_json(self) -> dict[str, Any]:
        """Return `{verdict, rules}` as plain values."""
        return {"verdict": self.verdict.value, "rules": [result.to_json() for result in self.results]}


def _round_short(value: float) -> float:
    """Four significant digits are more than any of these measures is worth."""
    return float(f"{value:.4g}")
