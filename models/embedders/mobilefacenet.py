"""MobileFaceNet (Chen et al., 2018): 192 numbers for a face."""

import numpy as np

from models.alignment import ARCFACE
from models.embedders.single import SingleEmbedder
from models.runtime import Tensor

_MIDDLE, _SPREAD = np.float32(127.5), np.float32(128)


class MobileFaceNet(SingleEmbedder):
    """Input 112 × 112 RGB, (x - 127.5) / 128, aligned as for ArcFace.

    A thorough vector also takes in the face a little smaller and a little larger.
    """

    model = "mobilefacenet"
    model_id = "mobilefacenet-1"
    dimension = 192
    views = (ARCFACE,)
    thorough_views = (ARCFACE.scaled(0.94), ARCFACE.scaled(1.06))

    def _scale(self, crops: Tensor) -> Tensor:
        return (crops - _MIDDLE) / _SPREAD
