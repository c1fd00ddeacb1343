"""Signs that a face is a picture held before the camera. They need no weights, and only ever speak against a face."""

from models.spoof_cues.border import border_of
from models.spoof_cues.moire import moire_of
from models.spoof_cues.plane import View, flatness, view_of

__all__ = ["View", "border_of", "flatness", "moire_of", "view_of"]
