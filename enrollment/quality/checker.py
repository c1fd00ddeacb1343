"""Runs the rules on a photo."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from enrollment.photo import Photo, UnreadablePhotoError
from enrollment.quality.evidence import Evidence, EyeReader, PersonFinder
from enrollment.quality.geometry import locate
from enrollment.quality.limits import Limits, load_limits
from enrollment.quality.report import Finding, Level, QualityReport, RuleResult
from enrollment.quality.rules import RULES
from enrollment.quality.rules.readable import READABLE, explain
from models.face import Face


class FaceFinder(Protocol):
    """Finds faces; `models.engine.FaceEngine` is one."""

    def detect(self, image: npt.NDArray[np.uint8]) -> list[Face]:
        """Return the faces of an RGB image, the largest first."""


class Checker:
    """Checks photos against one set of limits. Safe to use from several threads when its models are."""

    def __init__(
        self,
        engine: FaceFinder,
        *,
        limits: Limits | None = None,
        person_finder: PersonFinder | None = None,
        eye_reader: EyeReader | None = None,
    ) -> None:
        """Take the networks that rules ask.

        Without `person_finder` the rules about background and framing use the face alone, without `eye_reader` the one
        about open eyes its mesh.
        """
        self._engine = engine
        self._limits = limits or load_limits()
        self._person_finder = person_finder
        self._eye_reader = eye_reader

    def check(self, photo: Photo) -> QualityReport:
        """Find the faces of a photo and run every rule that is not off."""
        return self.check_faces(photo, self._engine.detect(photo.image))

    def check_faces(self, photo: Photo, faces: list[Face]) -> QualityReport:
        """Run the rules on a photo whose faces, the largest first, are already known."""
        evidence = Evidence(photo, faces, self._person_finder, self._eye_reader)
        results = [RuleResult(READABLE, Level.REQUIRED, Finding(1, 1, passed=True))]
        for rule in RULES:
            limits = self._limits[rule.name]
            if limits.level is Level.OFF or (rule.needs_face and not faces):
                continue
            results.append(RuleResult(rule.name, limits.level, rule.examine(evidence, limits)))
        return QualityReport(tuple(results), locate(evidence))


def report_unreadable(error: UnreadablePhotoError) -> QualityReport:
    """Return the report of a photo that cannot be read: one failed rule, `readable`."""
    finding = Finding(0, 1, passed=False, advice=explain(error.reason))
    return QualityReport((RuleResult(READABLE, Level.REQUIRED, finding),))
