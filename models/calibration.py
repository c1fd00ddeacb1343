"""Thresholds: how similar two templates must be, for a wanted rate of false matches.

A comparison of two different people exceeds the threshold with probability FMR. Searching N people makes N such
comparisons, so a stranger is taken for somebody with probability FPIR = 1 - (1 - FMR)^N: a longer directory needs a
stricter threshold.
"""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

Purpose: TypeAlias = Literal["verification", "agreement", "identification"]

VERIFICATION_FMR = 1e-3
"""One in a thousand pairs of different people passes as one person."""
AGREEMENT_FMR = 1e-4
"""One in ten thousand pairs of different people would be taken for two photos of one: stricter than a comparison at a
gate, since what agrees once is searched ever after, and a second photo that is refused costs its person nothing."""
IDENTIFICATION_FPIR = 1e-2
"""One in a hundred strangers is taken for somebody by one frame; the vote over a track makes it far rarer."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The threshold at measured false match rates, as (log10 FMR, similarity), the most lenient first."""

    points: tuple[tuple[float, float], ...]

    def threshold(self, fmr: float) -> float:
        """Return the similarity whose false match rate is `fmr`.

        Between the measured rates it is interpolated over log FMR; beyond them the nearest two points are prolonged.

        Raises:
            ValueError: `fmr` does not lie between 0 and 1.
        """
        if not 0 < fmr < 1:
            raise ValueError(f"a false match rate lies between 0 and 1, not at {fmr}")
        rates, similarities = np.array(self.points).T
        wanted = math.log10(fmr)
        at = int(np.clip(np.searchsorted(-rates, -wanted), 1, len(rates) - 1))
        slope = (similarities[at] - similarities[at - 1]) / (rates[at] - rates[at - 1])
        return float(min(similarities[at - 1] + slope * (wanted - rates[at - 1]), 1.0))


def fmr_for_search(fpir: float, gallery_size: int) -> float:
    """Return the false match rate that gives `fpir` when `gallery_size` people are searched.

    Raises:
        ValueError: the gallery is empty or the rate does not lie between 0 and 1.
    """
    if gallery_size < 1:
        raise ValueError(f"a gallery holds at least one person, not {gallery_size}")
    if not 0 < fpir < 1:
        raise ValueError(f"a false positive identification rate lies between 0 and 1, not at {fpir}")
    return -math.expm1(math.log1p(-fpir) / gallery_size)


def threshold(model_id: str, purpose: Purpose, gallery_size: int = 1) -> float:
    """Return the default threshold of a model.

    For identification it is at least the one of verification: a short directory is no reason to be lenient.

    Raises:
        ValueError: the model was never calibrated, or the gallery is empty.
    """
    calibration = CALIBRATIONS.get(model_id)
    if calibration is None:
        raise ValueError(f"model {model_id!r} was never calibrated; calibrated are {', '.join(sorted(CALIBRATIONS))}")
    if purpose == "agreement":
        return calibration.threshold(AGREEMENT_FMR)
    verification = calibration.threshold(VERIFICATION_FMR)
    if purpose == "verification":
        return verification
    return max(verification, calibration.threshold(fmr_for_search(IDENTIFICATION_FPIR, gallery_size)))


CALIBRATIONS = {
    "mobilefacenet-1+sface-int8-1": Calibration(((-2, 0.294), (-3, 0.368), (-4, 0.429), (-5, 0.483), (-5.5, 0.509))),
    "sface-int8-1": Calibration(((-2, 0.304), (-3, 0.370), (-4, 0.426), (-5, 0.478), (-5.5, 0.506))),
    "mobilefacenet-1+dlib-resnet-1": Calibration(
        ((-2, 0.564), (-2.5, 0.601), (-3, 0.633), (-3.5, 0.661), (-4, 0.686), (-4.5, 0.709), (-5, 0.731), (-5.5, 0.752))
    ),
    "mobilefacenet-1": Calibration(
        ((-2, 0.349), (-2.5, 0.404), (-3, 0.452), (-3.5, 0.495), (-4, 0.533), (-4.5, 0.567), (-5, 0.601), (-5.5, 0.633))
    ),
    "dlib-resnet-1": Calibration(
        ((-2, 0.909), (-2.5, 0.919), (-3, 0.928), (-3.5, 0.936), (-4, 0.943), (-4.5, 0.949), (-5, 0.954), (-5.5, 0.959))
    ),
}
"""A thorough template against a quick probe, over tens of millions of pairs of different people among the 3,855 of
Labeled Faces in the Wild (`python -m benchmarks.calibration` measures them anew). Photographs under a wrong name were
left out; other errors of that kind may remain, which is why nothing rarer than 10^-5.5 is taken as measured.
People of a campus look more alike than the public figures of that collection (one age, often one region): measure
again on site before trusting the rates.
"""
