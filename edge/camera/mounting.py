"""How a camera hangs: its pictures turned and mirrored so that people stand upright in them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from threading import Event
from typing import Literal

import numpy as np

from edge.camera.port import Camera, Frame


@dataclass(frozen=True, slots=True)
class Mounting:
    """What brings a camera's pictures upright: `rotation` in degrees clockwise, then `mirrored` left for right."""

    rotation: Literal[0, 90, 180, 270] = 0
    mirrored: bool = False


class MountedCamera:
    """Gives the frames of `camera` as `mounting` says."""

    def __init__(self, camera: Camera, mounting: Mounting) -> None:
        self._camera = camera
        self._mounting = mounting

    @property
    def live(self) -> bool:
        """Whether the camera itself is live."""
        return self._camera.live

    def frames(self, stop: Event) -> Iterator[Frame]:
        """Give the camera's frames upright; see `Camera.frames`."""
        for frame in self._camera.frames(stop):
            image = np.rot90(frame.image, -self._mounting.rotation // 90)
            if self._mounting.mirrored:
                image = image[:, ::-1]
            yield replace(frame, image=np.ascontiguousarray(image))


def mounted(camera: Camera, mounting: Mounting) -> Camera:
    """Return `camera` as it is when it hangs upright, or else one whose frames are turned."""
    return camera if mounting == Mounting() else MountedCamera(camera, mounting)
