"""Pictures of false faces, for the campus that wants them: sealed, in a folder of the edge, gone after some days.

Off by default. Kept is what lies around the face that was shown, and not the whole view.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import cv2
import numpy as np
import numpy.typing as npt
import structlog

from database import Sealer
from database.private_files import make_private_folder
from models.box import Box
from models.liveness import surroundings

_log = structlog.get_logger()

_BOXES = 3.4
_QUALITY = 85
_SUFFIX = ".sealed"


class SpoofPictures:
    """One file for each event, named after it and sealed for it alone."""

    def __init__(self, folder: Path, sealer: Sealer, *, days: int, most: int) -> None:
        """Keep at most `most` pictures, none longer than `days`."""
        self._folder = folder
        self._sealer = sealer
        self._days = timedelta(days=days)
        self._most = most
        self.by_age: Callable[[], bool] = lambda: True
        """Whether this machine's clock can be believed: by a wrong one every picture would be too old."""

    def keep(self, event_id: UUID, image: npt.NDArray[np.uint8], box: Box) -> None:
        """Seal the part of the RGB `image` around `box`; a disk that refuses is no reason to stop the gate."""
        part = cv2.cvtColor(surroundings(image, box, _BOXES), cv2.COLOR_RGB2BGR)
        jpeg = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
        try:
            make_private_folder(self._folder)
            file = self._folder / f"{event_id}{_SUFFIX}"
            file.touch(mode=0o600)
            file.write_bytes(self._sealer.seal(jpeg, _context(event_id)))
        except OSError as error:
            _log.error("spoof_picture_not_kept", event=str(event_id), error=str(error))
        self.purge(datetime.now(UTC))

    def open(self, event_id: UUID) -> bytes | None:
        """Return the JPEG of an event, None when there is none (any more).

        Raises:
            database.SealingError: it lies under another key, or was changed.
        """
        try:
            sealed = (self._folder / f"{event_id}{_SUFFIX}").read_bytes()
        except FileNotFoundError:
            return None
        return self._sealer.open(sealed, _context(event_id))

    def purge(self, now: datetime) -> int:
        """Delete what is too old, where the clock can be believed, or too much; return how many."""
        files = sorted(self._files(), key=lambda file: file[1], reverse=True)
        by_age = self.by_age()
        deleted = 0
        for place, (file, made) in enumerate(files):
            if place >= self._most or (by_age and now - made > self._days):
                file.unlink(missing_ok=True)
                deleted += 1
        return deleted

    def _files(self) -> Iterator[tuple[Path, datetime]]:
        for file in self._folder.glob(f"*{_SUFFIX}"):
            try:
                yield file, datetime.fromtimestamp(file.stat().st_mtime, UTC)
            except FileNotFoundError:
                continue


def _context(event_id: UUID) -> bytes:
    return b"spoof:" + event_id.bytes
