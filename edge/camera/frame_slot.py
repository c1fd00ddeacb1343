"""The newest frame, and only that one."""

from threading import Condition

from edge.camera.port import Frame


class FrameSlot:
    """One slot between the camera's thread and the reader's: a new frame replaces one that nobody took.

    There is no queue that could grow: a slow reader sees fewer frames, never old ones.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._frame: Frame | None = None
        self._closed = False
        self._passed_over = 0

    @property
    def passed_over(self) -> int:
        """How many frames were replaced before anyone took them."""
        with self._changed:
            return self._passed_over

    def put(self, frame: Frame) -> None:
        """Put in the newest frame; one that nobody fetched is passed over."""
        with self._changed:
            if self._frame is not None:
                self._passed_over += 1
            self._frame = frame
            self._changed.notify()

    def take(self, timeout: float) -> Frame | None:
        """Return the newest frame that was not taken yet, or None after `timeout` seconds or when closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._closed, timeout)
            frame, self._frame = self._frame, None
            return frame

    def close(self) -> None:
        """Wake the reader: no more frames will come."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
