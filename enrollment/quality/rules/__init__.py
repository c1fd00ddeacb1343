"""The rules, one file each, in the order in which they are explained to a person."""

from enrollment.quality.port import Rule
from enrollment.quality.rules.background import Background
from enrollment.quality.rules.beautified import Beautified
from enrollment.quality.rules.colour import Colour
from enrollment.quality.rules.compression import Compression
from enrollment.quality.rules.even_light import EvenLight
from enrollment.quality.rules.exposure import Exposure
from enrollment.quality.rules.eyes_open import EyesOpen
from enrollment.quality.rules.face_large_enough import FaceLargeEnough
from enrollment.quality.rules.fills_picture import FillsPicture
from enrollment.quality.rules.framing import Framing
from enrollment.quality.rules.frontal import Frontal
from enrollment.quality.rules.head_in_picture import HeadInPicture
from enrollment.quality.rules.motion_blur import MotionBlur
from enrollment.quality.rules.noise import Noise
from enrollment.quality.rules.one_face import OneFace
from enrollment.quality.rules.resolution import Resolution
from enrollment.quality.rules.sharp import Sharp
from enrollment.quality.rules.straight import Straight
from enrollment.quality.rules.unobstructed import Unobstructed

RULES: tuple[Rule, ...] = (
    Resolution(),
    OneFace(),
    FaceLargeEnough(),
    HeadInPicture(),
    Framing(),
    FillsPicture(),
    Frontal(),
    Straight(),
    Unobstructed(),
    EyesOpen(),
    Colour(),
    Exposure(),
    EvenLight(),
    Sharp(),
    MotionBlur(),
    Noise(),
    Compression(),
    Background(),
    Beautified(),
)
