"""The faults, each with the rules that should notice it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.doubles.degradations import covers, pixels, shape
from tests.doubles.degradations.portrait import Degrade


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, the rules that should notice it, and whether it is strong enough that a required rule must."""

    name: str
    degrade: Degrade
    rules: tuple[str, ...]
    strong: bool = True
    file: Mapping[str, int] = field(default_factory=dict)
    """How the picture is saved when that is the fault: `{"quality": 10}`."""


FAULTS: tuple[Fault, ...] = (
    Fault("grey", pixels.grey, ("colour",)),
    Fault("sepia", pixels.sepia, ("colour",)),
    Fault("toned blue", pixels.toned, ("colour",)),
    Fault("tinted blue", pixels.tinted, ("colour",)),
    Fault("blur, weak", pixels.blur(0.02), ("sharp",), strong=False),
    Fault("blur", pixels.blur(0.05), ("sharp",)),
    Fault("motion, level", pixels.motion(0.22, 0), ("motion_blur",)),
    Fault("motion, slanting", pixels.motion(0.22, 40), ("motion_blur",)),
    Fault("noise, weak", pixels.noise(12), ("noise",), strong=False),
    Fault("noise", pixels.noise(45), ("noise",)),
    Fault("JPEG 10", pixels.unchanged, ("compression",), file={"quality": 10}),
    Fault("JPEG 10, saved again", pixels.recompressed(10), ("compression",)),
    Fault("dark", pixels.light(0.04), ("exposure",)),
    Fault("dark, weak", pixels.light(0.2), ("exposure",), strong=False),
    Fault("bright", pixels.light(6.0), ("exposure",)),
    Fault("bright, weak", pixels.light(2.0), ("exposure",), strong=False),
    Fault("side light", pixels.side_light(0.05), ("even_light",)),
    Fault("tilt 20°", shape.tilt(20), ("straight",)),
    Fault("tilt 35°", shape.tilt(35), ("frontal",)),
    Fault("turned 25°", shape.turned(25, 0), ("straight",)),
    Fault("turned 50°", shape.turned(50, 0), ("frontal",)),
    Fault("nodding 45°", shape.turned(45, 1), ("frontal",)),
    Fault("chin cut off", shape.cropped(0.2, "bottom"), ("head_in_picture",)),
    Fault("forehead cut off", shape.cropped(0.25, "top"), ("head_in_picture",)),
    Fault("side cut off", shape.cropped(0.25, "left"), ("head_in_picture",)),
    Fault("far away, weak", shape.far(0.4), ("framing",), strong=False),
    Fault("far away", shape.far(0.25), ("framing",)),
    Fault("second face", shape.second_face, ("one_face",)),
    Fault("two-coloured background", shape.background("two-coloured"), ("background",)),
    Fault("patterned background", shape.background("patterned"), ("background",)),
    Fault("smoothed 50 %", pixels.smoothed(0.5), ("beautified",), strong=False),
    Fault("smoothed 75 %", pixels.smoothed(0.75), ("beautified",), strong=False),
    Fault("smoothed 100 %", pixels.smoothed(1.0), ("beautified",)),
    Fault("eyes enlarged", shape.eyes_enlarged(1.25), ("beautified",), strong=False),
    Fault("mask, white", covers.mask((235, 238, 240)), ("unobstructed",)),
    Fault("mask, blue", covers.mask((120, 170, 215)), ("unobstructed",)),
    Fault("mask, black", covers.mask((30, 30, 34)), ("unobstructed",)),
    Fault("sunglasses", covers.sunglasses(18, 1.0), ("unobstructed",)),
    Fault("small face", shape.small(25), ("face_large_enough",)),
    Fault("sunglasses, see-through", covers.sunglasses(18, 0.6), ("unobstructed",), strong=False),
    Fault("hand on mouth", covers.hand("mouth"), ("unobstructed",)),
    Fault("hand on eye", covers.hand("eye"), ("unobstructed",)),
    Fault("hair over eyes", covers.hair, ("unobstructed",)),
)

CHANGES_NOTHING = Fault("plain background", shape.background("plain"), ())
"""A background as the rules want it: whatever a rule about the background still finds here is a false alarm."""
