"""The people of this gate, ready to be searched; or why nobody can be looked up."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from access.gallery import Gallery
from access.policy import GatePolicy
from access.snapshot import CredentialKind, PersonEntry
from edge.engines import Engines, GateEngine
from edge.matcher import Matcher
from edge.search import Search, SearchedGallery
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
        """The model that the gate matches with, None without faces."""
        ...

    @property
    def policy(self) -> GatePolicy | None:
        """The gate's policy, None before the first synchronisation."""
        ...

    @property
    def synced_at(self) -> datetime | None:
        """When it was last known to equal the server's."""
        ...

    def galleries(self) -> Mapping[str, Gallery]:
        """Return all faces by the model of their templates."""
        ...

    def person(self, person_id: UUID) -> PersonEntry | None:
        """Return what is known of a person."""
        ...

    def by_credential(self, kind: CredentialKind, digest: str) -> PersonEntry | None:
        """Return who carries a card or code."""
        ...


class WrongCalibrationError(OperatorError, ValueError):
    """The campus's calibration was measured with a model that this edge cannot run."""


Threshold = Callable[[int], float]
"""From the number of people who can be found to the least score of a match."""


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

    It is never below the one for 1:1: a short directory is no reason to be lenient. A calibration of another model
    says nothing here.

    At a gate that searches N₁ people by one model and N₂ by another, both thresholds are those of N = N₁ + N₂ people:
    each comparison then exceeds its threshold at the same rate FMR = 1 - (1 - FPIR)^(1/N), and a stranger is taken for
    anybody in either gallery with probability 1 - (1 - FMR)^N₁ · (1 - FMR)^N₂ = FPIR, as with one gallery of N people.
    (Not more than N · FMR, hardly above FPIR, however much the two models err on the same faces.)

    Raises:
        ValueError: the model was never calibrated, or `fpir` does not lie between 0 and 1.
    """
    calibration = CALIBRATIONS.get(model_id)
    if calibration is None:
        raise ValueError(f"model {model_id!r} was never calibrated; calibrated are {', '.join(sorted(CALIBRATIONS))}")
    fmr_for_search(fpir, 1)  # refuses a rate that is none, at the start and not at the first frame
    least = calibration.threshold(VERIFICATION_FMR)
    used = calibration if site is None or site.model != model_id else Calibration(site.points)
    return lambda people: max(least, used.threshold(fmr_for_search(fpir, max(people, 1))))


def require_runnable(site: SiteCalibration | None, engines: Engines) -> None:
    """Hold the policy's calibration to the models that can be run; while a campus changes models it may be either's.

    Raises:
        WrongCalibrationError: it is of none of them.
    """
    if site is not None and site.model not in engines.runnable:
        raise WrongCalibrationError(
            f"the policy's calibration is of model {site.model!r}, this edge runs {', '.join(engines.runnable)}: "
            "calibrate anew"
        )


def same_person_for(model_id: str) -> float | None:
    """Return the cosine below which two looks at one track are two people; None for a model without calibration.

    Nine in ten changes of person show at the first look, and a person's own bad frame hardly ever falls so low.
    """
    calibration = CALIBRATIONS.get(model_id)
    return None if calibration is None else calibration.threshold(_CHANGE_MISSED)


class SearchSource:
    """Keeps the search in step with the directory. `refresh` runs beside the camera's thread, which only reads."""

    def __init__(self, directory: Directory, engines: Engines, *, threshold: Callable[[str], Threshold]) -> None:
        """Take the directory, the engines that make the probes, and each model's threshold."""
        self._directory = directory
        self._engines = engines
        self._threshold = threshold
        self._seen: tuple[int, str | None] | None = None
        self._search: Search | None = None
        self._missing: tuple[str, ...] = ()

    @property
    def current(self) -> Search | None:
        """The search, None while nobody can be looked up."""
        return self._search

    @property
    def missing(self) -> tuple[str, ...]:
        """The models of templates held here that cannot be run: their people are not found by face."""
        return self._missing

    @property
    def mismatch(self) -> str | None:
        """The models of the directory, when none of them can be run here; templates are never compared with others."""
        return ", ".join(self._missing) if self._missing and self._search is None else None

    def refresh(self) -> bool:
        """Take over a new revision of the directory; return whether there was one.

        A model is run only while somebody here has a template of it.
        """
        held = (self._directory.revision, self._directory.model_id)
        if held == self._seen:
            return False
        wanted = held[1] or self._engines.first.model_id
        galleries = dict(self._directory.galleries()) or {wanted: Gallery()}
        engines = self._load_engines(galleries)
        self._missing = tuple(sorted(galleries.keys() - engines.keys()))
        if self._missing:
            _log.error("model_mismatch", directory=self._missing, runnable=self._engines.runnable)
        self._search = self._make_search(galleries, engines, wanted) if engines else None
        self._engines.unload([model_id for model_id in self._engines.runnable if model_id not in engines])
        self._seen = held
        return True

    def _load_engines(self, galleries: Mapping[str, Gallery]) -> dict[str, GateEngine]:
        """Return the engines by which the galleries can be searched, loaded; a model that cannot be run has none."""
        found = {}
        for model_id, gallery in galleries.items():
            engine = self._engines.load(model_id)
            if engine is not None and (not gallery.person_ids or gallery.matrix.shape[1] == engine.dimension):
                found[model_id] = engine
        return found

    def _make_search(self, galleries: Mapping[str, Gallery], engines: Mapping[str, GateEngine], wanted: str) -> Search:
        """Return the search, the model that the gate matches with first; all share the rate of false matches."""
        matchers = {
            model_id: Matcher(galleries[model_id].person_ids, galleries[model_id].matrix)
            for model_id in sorted(engines, key=lambda one: one != wanted)
        }
        people = sum(matcher.people for matcher in matchers.values())
        found = []
        for model_id, matcher in matchers.items():
            threshold = self._threshold(model_id)(people)
            found.append(SearchedGallery(engines[model_id], matcher, threshold))
            log = _log.bind(model=model_id, people=matcher.people, threshold=round(threshold, 4))
            log.info("gallery_ready", revision=self._directory.revision)
        return Search(tuple(found))
