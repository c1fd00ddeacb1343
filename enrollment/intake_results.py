"""What became of the lines of an intake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from enrollment.tables import PhotoState


class IntakeOutcome(StrEnum):
    """What became of one person of the list."""

    ENROLLED = "enrolled"
    """The photo was approved; its template opens gates."""
    IN_REVIEW = "in_review"
    REJECTED = "rejected"
    UNREADABLE = "unreadable"
    NO_PHOTO = "no_photo"
    NO_CONSENT = "no_consent"
    """The person has an account, and has not consented: their photo was not opened."""
    INVALID = "invalid"
    """The line of the list describes no person, or one who has left."""
    ALREADY_THERE = "already_there"
    """This very file was approved for this person before."""


OUTCOME_BEFORE = {
    PhotoState.UPLOADED: IntakeOutcome.IN_REVIEW,
    PhotoState.CHECKED: IntakeOutcome.IN_REVIEW,
    PhotoState.IN_REVIEW: IntakeOutcome.IN_REVIEW,
    PhotoState.APPROVED: IntakeOutcome.ALREADY_THERE,
    PhotoState.REPLACED: IntakeOutcome.ALREADY_THERE,
    PhotoState.REJECTED: IntakeOutcome.REJECTED,
}
"""What becomes of a line whose photo an earlier run left in a state."""
OUTCOME_NOW = OUTCOME_BEFORE | {PhotoState.APPROVED: IntakeOutcome.ENROLLED}
"""The same of one whose photo was taken in this run."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that a photo breaks, and what its person can do."""

    rule: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What became of one line; `why` is in words, `failures` are the rules that its photo breaks."""

    line: int
    number: str
    name: str
    photo: str | None
    outcome: IntakeOutcome
    why: str = ""
    failures: tuple[Failure, ...] = ()
    person_id: UUID | None = None


@dataclass(slots=True)
class IntakeReport:
    """The results of all lines, in the order of the list."""

    results: list[IntakeResult] = field(default_factory=list)

    def count(self, outcome: IntakeOutcome) -> int:
        """Return how many lines ended in `outcome`."""
        return sum(result.outcome is outcome for result in self.results)

    @property
    def failures(self) -> list[IntakeResult]:
        """The lines that enrolled nobody."""
        return [one for one in self.results if one.outcome not in {IntakeOutcome.ENROLLED, IntakeOutcome.ALREADY_THERE}]


def read_failures(report: Mapping[str, Any] | None) -> tuple[Failure, ...]:
    """Return the rules that fail in a photo's report, as `enrollment.quality.QualityReport.to_json` writes it."""
    rules: Sequence[Mapping[str, Any]] = (report or {}).get("rules", ())
    failures = []
    for rule in rules:
        if not rule["passed"]:
            advice = rule["advice"] or {}
            failures.append(Failure(rule["rule"], advice.get("zh", ""), advice.get("en", "")))
    return tuple(failures)
