"""Colour: the photo shows natural colours.

A greyscale picture gets the best score of "natural colour" in ISO/IEC 29794-5, and a toned one a good one, so
colour is measured by itself: in a real photo of a face the colours of skin, lips, eyes and hair differ by more than
their lightness explains; in a grey, sepia or otherwise toned one they do not.
"""

import numpy as np

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.ofiq import sigmoid_score
from enrollment.quality.report import Advice, Finding

_ADVICE = Advice(
    "照片不是自然的彩色照片。请上传未加滤镜的彩色照片，不要用黑白或怀旧色调。",
    "The photo has no natural colours. Send a colour photo without any filter, not black and white or sepia.",
)
_TINTED = Advice(
    "照片偏色，肤色不自然。请在自然光下重新拍摄，不要用彩色灯光或滤镜。",
    "The photo is tinted and skin looks unnatural. Take it in daylight, without coloured lamps or filters.",
)
_NOISE = 3.0


class Colour:
    """Value: spread of colour in the face that lightness does not explain, as a share of how colourful it is.

    A face whose skin is blue or green has been tinted, whatever its spread: then the value is the mean of b, and the
    limit the least that skin has.
    """

    name = "colour"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Fit a and b as curves of L over the face, and measure what is left."""
        every_fourth = np.flatnonzero(evidence.level_hull)[::4]
        pixels = evidence.level_lab.reshape(-1, 3)[every_fourth].T.astype(np.float64)
        lightness, ab = pixels[0] / 50 - 1, pixels[1:]
        curve = np.stack([np.ones_like(lightness), lightness, lightness**2, lightness**3])
        # The normal equations: four unknowns, and a picture of one lightness leaves some of them open.
        fitted, *_ = np.linalg.lstsq(curve @ curve.T, curve @ ab.T, rcond=None)
        unexplained = float(np.sqrt(((ab - fitted.T @ curve) ** 2).sum(axis=0).mean()))
        colourful = float(np.hypot(*ab).mean())
        # The constant keeps the noise of a grey picture from counting as colour.
        share = unexplained / (colourful + _NOISE)
        a, b = (float(channel.mean()) for channel in ab)
        details = {"a": a, "b": b, "chroma": colourful, "spread": unexplained}
        score = sigmoid_score(_unnatural(a, b), x0=0, w=10, h=200, a=1, s=-1)
        # Skin is reddish: a face that is not must show more other colours before it is believed.
        limit = limits["share"] if a >= limits["least_a"] else limits["share_of_pale"]
        if share >= limit and b < limits["least_b"]:
            return Finding(b, limits["least_b"], passed=False, advice=_TINTED, score=score, details=details)
        passed = share >= limit
        return Finding(share, limit, passed, None if passed else _ADVICE, score, details)


def _unnatural(a: float, b: float) -> float:
    """Distance of a mean skin colour from the range 5…25 of a and 5…35 of b (ISO/IEC 29794-5, natural colour)."""
    if a < 0 or b < 0:
        return 100.0
    return float(np.hypot(max(0.0, 5 - a, a - 25), max(0.0, 5 - b, b - 35)))
