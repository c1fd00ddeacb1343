"""The rules, one file each, in the order in which they are explained to a person."""

from enrollment.quality.port import Rule
from enrollment.quality.rules.colour import Colour
from enrollment.quality.rules.face_large_enough import FaceLargeEnough
from enrollment.quality.rules.frontal import Frontal
from enrollment.quality.rules.one_face import OneFace

RULES: tuple[Rule, ...] = (OneFace(), FaceLargeEnough(), Frontal(), Colour())
