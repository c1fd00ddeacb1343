"""The edge's camera: it gives a picture."""

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Final

from campusgate.doctor.findings import Finding, fault, ok, skip
from campusgate.doctor.running import find_process
from campusgate.settings import Settings
from edge.camera import CameraLostError, open_camera, without_credentials

_LINK: Final = "camera"
_PATIENCE_S: Final = 20.0
"""OpenCV gives a stream up after five seconds, and drivers of devices in their own time."""


def check_camera(settings: Settings) -> Iterator[Finding]:
    """Examine that a frame comes."""
    address = settings.require("camera")
    shown = without_credentials(address)
    if address.startswith("/dev/") and find_process(settings.data_dir) is not None:
        yield skip(_LINK, f"the running edge has {shown}, which gives its pictures to one process")
        return
    found: list[Finding] = []
    reader = threading.Thread(target=lambda: found.append(_look(address, shown)), name="camera-look", daemon=True)
    reader.start()
    reader.join(_PATIENCE_S)
    yield found[0] if found else fault(_LINK, f"{shown} does not answer within {_PATIENCE_S:.0f} s; is it switched on?")


def _look(address: str, shown: str) -> Finding:
    stop = threading.Event()
    try:
        with closing(open_camera(address).frames(stop)) as frames:  # type: ignore[type-var]
            for frame in frames:
                height, width, _ = frame.image.shape
                return ok(_LINK, f"{shown} gives pictures of {width} × {height}")
    except CameraLostError as error:
        return fault(_LINK, f"{error}; mend CAMPUSGATE_CAMERA, its cable, or its password")
    return fault(_LINK, f"{shown} holds no picture")
