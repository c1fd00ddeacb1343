"""Unobstructed: eyes, nose and mouth are to be seen – no mask, sunglasses, hand or hair.

A detector still finds a masked face, and the mesh draws a mouth where none is seen, so the picture itself is asked
whether the parts are there: lips have another colour than the skin around them and a dark line across, a nose has
shadows, an eye is darker than its socket and like the other eye, and sockets are not much darker or greyer than the
cheeks.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.regions import (
    CHIN,
    EYES,
    FOREHEAD,
    LEFT_CHEEK,
    LIPS,
    MOUTH_CORNERS,
    NOSE_BRIDGE,
    NOSE_TIP,
    PHILTRUM,
    RIGHT_CHEEK,
)
from enrollment.quality.report import Advice, Finding

_GREY = 4.0
"""Chroma below which a face has no colour."""
_ADVICE = {
    "mouth": Advice(
        "嘴部被遮挡。请摘下口罩，手不要放在脸上。", "The mouth is covered. Take off the mask; keep hands off the face."
    ),
    "nose": Advice(
        "鼻子被遮挡。请摘下口罩，手不要放在脸上。", "The nose is covered. Take off the mask; keep hands off the face."
    ),
    "eye": Advice(
        "眼睛被遮挡或看不清。请摘下墨镜，手不要放在脸上。",
        "An eye cannot be seen. Take off sunglasses; keep hands off the face.",
    ),
    "sockets": Advice(
        "眼睛被墨镜或头发遮挡。请摘下墨镜、把头发拨开。",
        "The eyes are covered. Take off sunglasses and put your hair aside.",
    ),
}


class Unobstructed:
    """Value: the visibility of the part that is least visible, in shares of its own limit; the limit is 1."""

    name = "unobstructed"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Measure each part and compare it with its own limit."""
        worse, better = sorted(_eye(evidence, *regions) for regions in EYES.values())
        measures = {
            "mouth": _mouth(evidence),
            "nose": _nose(evidence),
            "eye": worse,
            "other_eye": better,
            "sockets": _sockets(evidence),
        }
        shares = {part: measures[part] / limits[part] for part in ("mouth", "nose", "eye", "sockets")}
        if measures["eye"] < limits["eye_alike"] * measures["other_eye"]:
            shares["eye"] = measures["eye"] / limits["eye_beside_open"]
        worst = min(shares, key=lambda part: shares[part])
        passed = shares[worst] >= 1
        return Finding(shares[worst], 1, passed, None if passed else _ADVICE[worst], details=measures)


def _mouth(evidence: Evidence) -> float:
    """How far the lips differ from the skin around, and how dark the line across them is, in CIELAB units.

    Weighed as a logistic regression on covered and open mouths found best (`docs/photo-rules.md`), and brought to the
    brightness of a face in good light: in the dark all differences are small.
    """
    skin = float(np.mean([evidence.level_colour(region)[0] for region in (FOREHEAD, NOSE_BRIDGE)]))
    brightness = max(skin, 20.0) / 60
    around = (evidence.level_colour(PHILTRUM) + evidence.level_colour(CHIN)) / 2
    difference = float(np.linalg.norm(evidence.level_colour(LIPS) - around))
    line = _line_across(evidence, evidence.level.points[list(MOUTH_CORNERS)].mean(axis=0))
    return float((line / brightness + 0.5) ** 0.58 * (difference / brightness + 0.5) ** 0.42)


def _line_across(evidence: Evidence, middle: npt.NDArray[np.float32]) -> float:
    """Range of lightness from above to below `middle`, averaged over the width of a mouth, less its slope."""
    x, y = (round(float(value)) for value in middle)
    rows, columns = slice(max(y - 16, 0), max(y + 16, 0)), slice(max(x - 14, 0), max(x + 14, 0))
    window = evidence.level_lab[rows, columns, 0]
    if window.size < 20:
        return 0.0
    profile = window.mean(axis=1)
    level = profile - np.linspace(profile[0], profile[-1], len(profile))
    return float(level.max() - level.min())


def _nose(evidence: Evidence) -> float:
    """Spread of lightness over the tip of the nose, with its nostrils and highlights."""
    return float(evidence.level_colours(NOSE_TIP)[:, 0].std())


def _eye(evidence: Evidence, eye: Sequence[int], socket: Sequence[int], _cheek: Sequence[int]) -> float:
    """How much darker the dark of an eye is than its socket, as a share; a hand or dark glass has no such dark."""
    around = max(float(evidence.level_colour(socket)[0]), 1.0)
    dark = float(np.percentile(evidence.level_colours(eye)[:, 0], 10))
    return (around - dark) / around


def _sockets(evidence: Evidence) -> float:
    """Lightness and colour of both sockets as a share of those of the cheeks (geometric mean)."""
    sockets = np.mean([evidence.level_colour(socket) for _, socket, _ in EYES.values()], axis=0)
    cheeks = (evidence.level_colour(RIGHT_CHEEK) + evidence.level_colour(LEFT_CHEEK)) / 2
    skin = (2 * cheeks + evidence.level_colour(NOSE_BRIDGE)) / 3
    lightness = max(float(sockets[0]), 0.0) / max(float(cheeks[0]), 1.0)
    chroma = float(np.hypot(*skin[1:]))
    # A grey picture says nothing about colour.
    colour = float(np.hypot(*sockets[1:])) / chroma if chroma > _GREY else 1.0
    return float(np.sqrt(lightness * colour))
