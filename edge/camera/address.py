"""Which camera an address means."""

from pathlib import Path

from edge.camera.capture import CaptureCamera
from edge.camera.file import FileCamera
from edge.camera.folder import FolderCamera
from edge.camera.port import Camera, CameraAddressError
from edge.camera.shown import without_credentials
from messages import Clock

_STREAMS = ("rtsp://", "rtsps://", "http://", "https://", "udp://", "tcp://")
_FORMS = "a device (/dev/video0), a stream (rtsp://…), a video file, or a folder of pictures"


def open_camera(address: str, *, real_time: bool = True, clock: Clock | None = None) -> Camera:
    """Return the camera behind `address`; it connects only when its frames are asked for.

    `real_time` plays a file in its own time and a folder at two pictures a second; otherwise both go as fast as read.

    Raises:
        CameraAddressError: `address` has none of the forms understood.
    """
    if not address.strip():
        raise CameraAddressError(f"no camera is named: give {_FORMS}")
    if address.lower().startswith(_STREAMS):
        return CaptureCamera(address, clock=clock)
    path = Path(address)
    if path.is_dir():
        return FolderCamera(path, rate=2.0 if real_time else None, clock=clock)
    if path.is_file():
        return FileCamera(path, real_time=real_time, clock=clock)
    # A device that is not plugged in yet is a camera too; what lies on /dev/shm is a file or a folder like another.
    if address.startswith("/dev/"):
        return CaptureCamera(address, clock=clock)
    raise CameraAddressError(f"{without_credentials(address)!r} names no camera: give {_FORMS}")
