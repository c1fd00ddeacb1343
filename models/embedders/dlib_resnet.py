"""dlib's face recognition ResNet (King, 2017), the network of `face_recognition`: 128 numbers for a face."""

import numpy as np

from models.alignment import DLIB
from models.embedders.single import SingleEmbedder
from models.runtime import Tensor

_MEAN = np.array([122.782, 117.001, 104.298], np.float32).reshape(1, 3, 1, 1)
_SPREAD = np.float32(256)


class DlibResNet(SingleEmbedder):
    """Input 150 × 150 RGB, (x - mean) / 256, aligned by the corners of the eyes and the base of the nose.

    Good for comparing two faces and for directories brought along from `face_recognition`; too coarse for finding one
    face among many.
    """

    model = "dlib-resnet"
    model_id = "dlib-resnet-1"
    dimension = 128
    views = (DLIB,)

    def _scale(self, crops: Tensor) -> Tensor:
        return (crops - _MEAN) / _SPREAD
