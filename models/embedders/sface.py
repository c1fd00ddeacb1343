"""SFace (Zhong et al., 2021), a MobileNet trained with a sigmoid-constrained loss: 128 numbers for a face."""

from models.alignment import ARCFACE
from models.embedders.single import SingleEmbedder


class SFace(SingleEmbedder):
    """Input 112 × 112 RGB of 0…255, which the network itself scales, aligned as for ArcFace.

    OpenCV's weights of 2021 as OpenCV Zoo rounded them to blocks of 8 bits: an id of their own, because those that
    are not rounded give slightly other vectors.
    """

    model = "sface-int8"
    model_id = "sface-int8-1"
    dimension = 128
    views = (ARCFACE,)
