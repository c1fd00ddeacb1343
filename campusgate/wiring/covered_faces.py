"""The enrolment's measure of a covered face, lent to the gate."""

import numpy as np
import numpy.typing as npt

from edge.covering import Covering
from enrollment.photo import Photo, PhotoFile
from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import load_limits
from enrollment.quality.rules.unobstructed import Unobstructed
from models.face import Face


class CoveredFaces:
    """Asks the rule `unobstructed`, and says only what its measures agree on: a frame is no studio photo."""

    def __init__(self) -> None:
        """Read the rule's limits."""
        self._rule = Unobstructed()
        self._limits = load_limits()[self._rule.name]

    def __call__(self, image: npt.NDArray[np.uint8], face: Face) -> Covering | None:
        """Return what covers a face of an RGB frame, None when nothing surely does."""
        if face.landmarks is None:
            return None
        height, width = image.shape[:2]
        frame = Photo(image, PhotoFile("frame", 0, width, height, None, None))
        measures = self._rule.examine(Evidence(frame, [face]), self._limits).details or {}

        def covered(part: str) -> bool:
            return measures[part] < self._limits[part]

        if covered("mouth") and covered("nose"):
            return Covering.MASK
        if covered("sockets") and measures["other_eye"] < self._limits["eye"]:
            return Covering.GLASSES
        return None
