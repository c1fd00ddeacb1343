"""Pictures on the edge's disk: one file for each event, sealed for it alone, gone after some days."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from database import Sealer
from database.private_files import make_private_folder

_SUFFIX = ".sealed"


class SealedFiles:
    """Files in a folder of their own, named after their events."""

    def __init__(self, folder: Path, sealer: Sealer, purpose: bytes, *, days: int, most: int) -> None:
        """Keep at most `most` files, none longer than `days`; what is sealed for one `purpose` opens for no other."""
        self._folder = folder
        self._sealer = sealer
        self._purpose = purpose
        self._days = timedelta(days=days)
        self._most = most
        self.by_age: Callable[[], bool] = lambda: True
        """Whether this machine's clock can be believed: by a wrong one every file would be too old."""

    def put(self, event_id: UUID, content: bytes) -> None:
        """Seal `content` and write it.

        Raises:
            OSError: the disk refuses.
        """
        make_private_folder(self._folder)
        file = self._path(event_id)
        file.touch(mode=0o600)
        file.write_bytes(self._sealer.seal(content, self._context(event_id)))

    def open(self, event_id: UUID) -> bytes | None:
        """Return what was put for an event, None when there is nothing (any more).

        Raises:
            database.SealingError: it lies under another key, or was changed.
        """
        try:
            sealed = self._path(event_id).read_bytes()
        except FileNotFoundError:
            return None
        return self._sealer.open(sealed, self._context(event_id))

    def remove(self, event_id: UUID) -> None:
        """Delete the file of an event, if there is one."""
        self._path(event_id).unlink(missing_ok=True)

    def find_events(self) -> list[UUID]:
        """Return the events that have a file; what was written first comes first."""
        by_age = sorted(self._files(), key=lambda file: file[1])
        return [event_id for file, _ in by_age if (event_id := _event_of(file)) is not None]

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

    def _path(self, event_id: UUID) -> Path:
        return self._folder / f"{event_id}{_SUFFIX}"

    def _context(self, event_id: UUID) -> bytes:
        return self._purpose + event_id.bytes


def _event_of(file: Path) -> UUID | None:
    try:
        return UUID(file.name.removesuffix(_SUFFIX))
    except ValueError:
        return None
