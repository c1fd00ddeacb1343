"""Pictures of false faces, for the campus that wants them: sealed, in a folder of the edge, gone after some days.

Off by default. Kept is what lies around the face that was shown, and not the whole view.
"""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import cv2
import numpy as np
import numpy.typing as npt
import structlog

from database import Sealer
from edge.sealed_files import SealedFiles
from models.box import Box
from models.liveness import surroundings

_log = structlog.get_logger()

_BOXES = 3.4
_QUALITY = 85


class SpoofPictures(SealedFiles):
    """One file for each event, named after it and sealed for it alone."""

    def __init__(self, folder: Path, sealer: Sealer, *, days: int, most: int) -> None:
        """Keep at most `most` pictures, none longer than `days`."""
        super().__init__(folder, sealer, b"spoof:", days=days, most=most)

    def keep(self, event_id: UUID, image: npt.NDArray[np.uint8], box: Box) -> None:
        """Seal the part of the RGB `image` around `box`; a disk that refuses is no reason to stop the gate."""
        part = cv2.cvtColor(surroundings(image, box, _BOXES), cv2.COLOR_RGB2BGR)
        jpeg = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
        try:
            self.put(event_id, jpeg)
        except OSError as error:
            _log.error("spoof_picture_not_kept", event_id=str(event_id), error=str(error))
        self.purge(datetime.now(UTC))
