"""Resolution: the picture has enough pixels to be shown to a reviewer and kept as a reference."""

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.report import Advice, Finding

_ADVICE = Advice("图片尺寸太小，请上传原图。", "The picture has too few pixels; send the original.")


class Resolution:
    """Value: pixels of the shorter side of the photo as handed in."""

    name = "resolution"
    needs_face = False

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Compare the shorter side."""
        side = min(evidence.photo.file.width, evidence.photo.file.height)
        limit = limits["shorter_side"]
        return Finding(side, limit, side >= limit, None if side >= limit else _ADVICE)
