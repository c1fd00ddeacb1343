"""Face large enough: pixels between the eyes (ISO/IEC 29794-5, inter-eye distance)."""

import math

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.ofiq import sigmoid_score
from enrollment.quality.report import Advice, Finding

_ADVICE = Advice(
    "人脸太小。请靠近一些，或上传分辨率更高的原图。",
    "The face is too small. Come closer, or send the original photo at full resolution.",
)


class FaceLargeEnough:
    """Value: pixels between the eyes in the photo as handed in, as if the head faced the camera."""

    name = "face_large_enough"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Measure between the centres of the eyes and undo the shortening by a turned head."""
        turn = math.cos(math.radians(min(abs(evidence.face.pose.yaw), 60.0)))
        distance = evidence.face.inter_eye_distance * evidence.original_scale / turn
        limit = limits["eye_distance"]
        passed = distance >= limit
        score = sigmoid_score(distance, x0=70, w=20)
        return Finding(distance, limit, passed, None if passed else _ADVICE, score)
