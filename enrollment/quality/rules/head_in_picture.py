"""Head in the picture: nothing of the face is cut off (ISO/IEC 29794-5, crop of the face image)."""

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.ofiq import sigmoid_score
from enrollment.quality.report import Advice, Finding

_ADVICE = Advice(
    "面部有一部分在画面之外。请让整个头部和肩膀都在画面中。",
    "Part of the face is outside the picture. Keep the whole head and the shoulders inside it.",
)


class HeadInPicture:
    """Value: the smallest distance from the face to an edge of the picture, in T (eyes to chin); below 0 is cut off."""

    name = "head_in_picture"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Measure from the outline of the mesh to each edge."""
        height, width = evidence.image.shape[:2]
        left, top = evidence.mesh[:, :2].min(axis=0)
        right, bottom = evidence.mesh[:, :2].max(axis=0)
        unit = max(evidence.head_height, 1.0)
        margins = {
            "left": float(left) / unit,
            "right": float(width - right) / unit,
            "top": float(top) / unit,
            "bottom": float(height - bottom) / unit,
        }
        value = min(margins.values())
        eyes = evidence.eye_midpoint
        apart = max(evidence.face.inter_eye_distance, 1.0)
        score = min(
            sigmoid_score(float(eyes[0]) / apart - 0.5, x0=0.9, w=0.1),
            sigmoid_score(float(width - eyes[0]) / apart - 0.5, x0=0.9, w=0.1),
            sigmoid_score(float(eyes[1]) / unit, x0=1.4, w=0.1),
            sigmoid_score(float(height - eyes[1]) / unit, x0=1.8, w=0.1),
        )
        limit = limits["margin"]
        return Finding(value, limit, value >= limit, None if value >= limit else _ADVICE, score, margins)
