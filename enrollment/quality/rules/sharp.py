"""Sharp: the face is in focus."""

import numpy as np

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.report import Advice, Finding

_ADVICE = Advice(
    "照片模糊。请擦拭镜头，对准面部对焦后重新拍摄。",
    "The photo is blurred. Wipe the lens, focus on the face and take it again.",
)


class Sharp:
    """Value: blur of the face, 0…1, averaged over the directions; see `enrollment.quality.blur`."""

    name = "sharp"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Measure blur on the face at one fixed size, so that a small face counts as what it is: without detail."""
        blur = float(np.mean(list(evidence.blur.values())))
        limit = limits["blur"]
        return Finding(blur, limit, blur <= limit, None if blur <= limit else _ADVICE)
