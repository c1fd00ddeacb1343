"""Straight: the head faces the camera as squarely as a document photo asks; see `frontal` for what is measured."""

from enrollment.quality.rules.frontal import Frontal


class Straight(Frontal):
    """The angles of `frontal`, against stricter limits: it points a reviewer to a photo, `frontal` refuses one."""

    name = "straight"
