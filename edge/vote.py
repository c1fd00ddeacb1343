"""From frames to an identification: who a track is, when several frames agree. Pure."""

from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from edge.matcher import Match


class IdentificationOutcome(StrEnum):
    """What a vote says so far."""

    OPEN = "open"
    PERSON = "person"
    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class VotePolicy:
    """How many frames must agree, and how clearly."""

    window: int = 5
    """The last frames of a track that count."""
    needed: int = 3
    """How many of them must name the same person over the threshold. 1 lets a single frame open."""
    least_margin: float = 0.03
    """Cosine by which a person must lead every other *person* in a frame for that frame to count."""
    least_evidence: float = 0.0
    """Sum of `score - threshold` over the frames that name the person; a frame that names somebody else takes its own
    excess away."""
    give_up: int = 8
    """After this many frames without a person the track counts as unknown (or ambiguous); it is listened to further,
    for the next frame may be the good one."""

    def __post_init__(self) -> None:
        if not 1 <= self.needed <= self.window:
            raise ValueError(f"a vote needs 1 to window={self.window} frames, not {self.needed}")
        if self.give_up < self.needed:
            raise ValueError(f"give_up={self.give_up} leaves no room for the {self.needed} frames that are needed")


@dataclass(frozen=True, slots=True)
class Identification:
    """The standing of a vote."""

    outcome: IdentificationOutcome
    """OPEN while nothing is settled."""
    person_id: UUID | None
    """Set only with PERSON."""
    support: int
    """Frames of the window that name the leading person."""
    evidence: float
    """Their sum, see `VotePolicy.least_evidence`."""
    score: float
    """Best score of the leading person in the window, -1 before the first frame."""
    frames: int
    """How many frames were counted in all."""
    model_id: str = ""
    """The model of `score`."""


class Vote:
    """The vote over one track."""

    def __init__(self, policy: VotePolicy | None = None) -> None:
        self._policy = policy or VotePolicy()
        self._window: deque[_Ballot] = deque(maxlen=self._policy.window)
        self._frames = 0

    def cast(self, match: Match, threshold: float) -> Identification:
        """Count one frame's match against the threshold in force; return the standing."""
        self._frames += 1
        self._window.append(_ballot(match, threshold, self._policy.least_margin))
        return self.standing

    @property
    def standing(self) -> Identification:
        """The identification as of the last frame."""
        named = Counter(ballot.person_id for ballot in self._window if ballot.clear and ballot.person_id is not None)
        if not named:
            return self._undecided(None, 0, 0.0)
        leader, support = max(named.items(), key=lambda item: (item[1], self._evidence(item[0])))
        evidence = self._evidence(leader)
        tied = sum(count == support for count in named.values()) > 1
        enough = support >= self._policy.needed and evidence >= self._policy.least_evidence
        if enough and not tied and not self._names_two_models():
            best, model_id = self._best_score(leader)
            return Identification(IdentificationOutcome.PERSON, leader, support, evidence, best, self._frames, model_id)
        return self._undecided(leader, support, evidence)

    def _undecided(self, leader: UUID | None, support: int, evidence: float) -> Identification:
        outcome = IdentificationOutcome.OPEN
        if self._frames >= self._policy.give_up:
            over = [ballot for ballot in self._window if ballot.excess >= 0]
            contested = len({ballot.person_id for ballot in over}) > 1 or any(not ballot.clear for ballot in over)
            outcome = IdentificationOutcome.AMBIGUOUS if contested else IdentificationOutcome.UNKNOWN
        best, model_id = self._best_score(leader)
        return Identification(outcome, None, support, evidence, best, self._frames, model_id)

    def _evidence(self, person_id: UUID) -> float:
        evidence = 0.0
        model_id = next(ballot.model_id for ballot in self._window if ballot.person_id == person_id)
        for ballot in self._window:
            if ballot.excess < 0 or ballot.model_id != model_id:
                continue
            if ballot.person_id != person_id:
                evidence -= ballot.excess
            elif ballot.clear:
                evidence += ballot.excess
        return evidence

    def _names_two_models(self) -> bool:
        """Whether frames of the window name people of two models' galleries: their excess cannot be set off."""
        return len({ballot.model_id for ballot in self._window if ballot.clear}) > 1

    def _best_score(self, person_id: UUID | None) -> tuple[float, str]:
        """Return the best score of a person, or of anybody, and its model: the one of the last frame that counts."""
        counted = [ballot for ballot in self._window if person_id is None or ballot.person_id == person_id]
        if not counted:
            return -1.0, ""
        model_id = counted[-1].model_id
        return max(ballot.score for ballot in counted if ballot.model_id == model_id), model_id


@dataclass(frozen=True, slots=True)
class _Ballot:
    person_id: UUID | None
    score: float
    excess: float
    clear: bool
    model_id: str


def _ballot(match: Match, threshold: float, least_margin: float) -> _Ballot:
    excess = match.score - threshold
    fits = match.person_id is not None and excess >= 0
    clear = fits and match.margin >= least_margin and not match.is_contested
    return _Ballot(match.person_id, match.score, excess, clear, match.model_id)
