"""The people of this gate, ready to be searched; or why nobody can be looked up."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from access.gallery import Gallery
from access.policy import GatePolicy
from access.snapshot import CredentialKind, PersonEntry
from edge.matcher import Matcher
from edge.recognition import Search
from errors import OperatorError
from models.calibration import CALIBRATIONS, VERIFICATION_FMR, Calibration, fmr_for_search

_log = structlog.get_logger()

_CHANGE_MISSED = 0.1


class Directory(Protocol):
    """What the edge needs of its replica; `access.replica.Replica` is one."""

    @property
    def revision(self) -> int:
        """The revision held, 0 before the first synchronisation."""
        ...

    @property
    def model_id(self) -> str | None:
        """The model of its templates, None without any."""
        ...

    @property
    def policy(self) -> GatePolicy | None:
        """The gate's policy, None before the first synchronisation."""
        ...

    @property
    def synced_at(self) -> datetime | None:
        """When it was last known to equal the server's."""
        ...

    def gallery(self) -> Gallery:
        """Return all faces."""
        ...

    def person(self, person_id: UUID) -> PersonEntry | None:
        """Return what is known of a person."""
        ...

    def by_credential(self, kind: CredentialKind, digest: str) -> PersonEntry | None:
        """Return who carries a card or code."""
        ...


class WrongCalibrationError(OperatorError, ValueError):
    """The campus's calibration was measured with another model."""


Threshold = Callable[[int], float]
"""From the number of people searched to the least score of a match."""


@dataclass(frozen=True, slots=True)
class SiteCalibration:
    """A calibration measured on a campus: of which model, and (log10 FMR, similarity), the most lenient first."""

    model: str
    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        rates, similarities = [rate for rate, _ in self.points], [similarity for _, similarity in self.points]
        falls = all(after < before < 0 for before, after in itertools.pairwise(rates))
        rises = all(after >= before for before, after in itertools.pairwise(similarities))
        if len(self.points) < 2 or not (falls and rises):
            raise ValueError("a calibration has two points or more, with falling rates and rising similarities")


def threshold_for(model_id: str, fpir: float, site: SiteCalibration | None = None) -> Threshold:
    """Return the threshold that lets a stranger's single frame match anybody at the rate `fpir`.

    It is never below the one for 1:1: a short directory is no reason to be lenient.

    Raises:
        ValueError: the model was never calibrated, `site` is of another model, or `fpir` does not lie between 0 and 1.
    """
    calibration = CALIBRATIONS.get(model_id)
    if calibration is None:
        raise ValueError(f"model {model_id!r} was never calibrated; calibrated are {', '.join(sorted(CALIBRATIONS))}")
    if site is not None and site.model != model_id:
        raise WrongCalibrationError(
            f"the policy's calibration is of model {site.model!r}, not of {model_id!r}: calibrate anew"
        )
    fmr_for_search(fpir, 1)  # refuses a rate that is none, at the start and not at the first frame
    least = calibration.threshold(VERIFICATION_FMR)
    used = calibration if site is None else Calibration(site.points)
    return lambda people: max(least, used.threshold(fmr_for_search(fpir, max(people, 1))))


def same_person_for(model_id: str) -> float | None:
    """Return the cosine below which two looks at one track are two people; None for a model without calibration.

    Nine in ten changes of person show at the first look, and a person's own bad frame hardly ever falls so low.
    """
    calibration = CALIBRATIONS.get(model_id)
    return None if calibration is None else calibration.threshold(_CHANGE_MISSED)


class SearchSource:
    """Keeps the search in step with the directory. `refresh` runs beside the camera's thread, which only reads."""

    def __init__(self, directory: Directory, *, model_id: str, dimension: int, threshold: Threshold) -> None:
        """Take the directory and what the engine that makes the probes is."""
        self._directory = directory
        self._model_id = model_id
        self._dimension = dimension
        self._threshold = threshold
        self._seen: tuple[int, str | None] | None = None
        self._search: Search | None = None
        self._mismatch: str | None = None

    @property
    def current(self) -> Search | None:
        """The search, None while nobody can be looked up."""
        return self._search

    @property
    def mismatch(self) -> str | None:
        """The model of the directory, when it is not the engine's; its templates are never compared with ours."""
        return self._mismatch

    def refresh(self) -> bool:
        """Take over a new revision of the directory; return whether there was one."""
        held = (self._directory.revision, self._directory.model_id)
        if held == self._seen:
            return False
        model_id = held[1]
        if model_id is not None and model_id != self._model_id:
            self._refuse(model_id)
        else:
            gallery = self._directory.gallery()
            if gallery.person_ids and gallery.matrix.shape[1] != self._dimension:
                self._refuse(f"of dimension {gallery.matrix.shape[1]}")
            else:
                matcher = Matcher(gallery.person_ids, gallery.matrix)
                threshold = self._threshold(matcher.people)
                self._search, self._mismatch = Search(matcher, threshold), None
                _log.info("gallery_ready", revision=held[0], people=matcher.people, threshold=round(threshold, 4))
        self._seen = held
        return True

    def _refuse(self, model_id: str) -> None:
        self._search, self._mismatch = None, model_id
        _log.error("model_mismatch", directory=model_id, engine=self._model_id)
