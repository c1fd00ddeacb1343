"""Cameras: the port, one file for each kind, the thread that keeps the newest frame, and what is wrong with a view."""

from edge.camera.address import open_camera
from edge.camera.capture import CaptureCamera
from edge.camera.condition import Condition, ConditionLimits, ConditionWatch, View, measure_view
from edge.camera.feed import Feed, FeedReport, FeedStatus, ReconnectPolicy
from edge.camera.file import FileCamera
from edge.camera.folder import FolderCamera
from edge.camera.frame_slot import FrameSlot
from edge.camera.mounting import Mounting, mounted
from edge.camera.port import Camera, CameraAddressError, CameraLostError, Frame
from edge.camera.scene import SceneLimits
from edge.camera.shown import has_credentials, without_credentials
from edge.camera.synthetic import SyntheticCamera

__all__ = [
    "Camera",
    "CameraAddressError",
    "CameraLostError",
    "CaptureCamera",
    "Condition",
    "ConditionLimits",
    "ConditionWatch",
    "Feed",
    "FeedReport",
    "FeedStatus",
    "FileCamera",
    "FolderCamera",
    "Frame",
    "FrameSlot",
    "Mounting",
    "ReconnectPolicy",
    "SceneLimits",
    "SyntheticCamera",
    "View",
    "has_credentials",
    "measure_view",
    "mounted",
    "open_camera",
    "without_credentials",
]
