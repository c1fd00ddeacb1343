"""One face: exactly one person is in the picture (ISO/IEC 29794-5, single face present)."""

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.report import Advice, Finding

_NONE = Advice(
    "照片中没有找到人脸。请正对镜头，在光线充足处重新拍摄。",
    "No face was found. Take a new photo in good light, looking at the camera.",
)
_SEVERAL = Advice(
    "照片中不止一个人。请单独拍摄，身后不要有他人或人像。",
    "There is more than one face. Take the photo alone, without people or portraits behind you.",
)


class OneFace:
    """Value: area of the second largest face as a share of the largest; 1 when there is no face at all."""

    name = "one_face"
    needs_face = False

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Count the faces; tiny ones in the background are allowed up to the limit."""
        limit = limits["second_face_area"]
        if not evidence.faces:
            return Finding(1, limit, passed=False, advice=_NONE, score=0, details={"faces": 0})
        second = evidence.faces[1].box.area / evidence.face.box.area if len(evidence.faces) > 1 else 0.0
        passed = second <= limit
        return Finding(
            second,
            limit,
            passed,
            None if passed else _SEVERAL,
            score=round(100 * (1 - min(second, 1.0))),
            details={"faces": len(evidence.faces)},
        )
