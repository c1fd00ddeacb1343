"""Which files of a gate cannot be written now: the gate goes on in memory, and says so."""

from collections.abc import Mapping
from typing import Protocol

AGAIN_S = 60.0
"""A disk that fails now and then is reported no more often."""
KEPT_IN_MEMORY = "kept_in_memory"


class KeptFile(Protocol):
    """A file that a gate keeps."""

    @property
    def unwritten(self) -> bool:
        """Whether the last thing that was to be written is in memory only."""
        ...


class UnwrittenWatch:
    """Reports each file that fails once; one that was well for a while and fails again is reported again."""

    def __init__(self, files: Mapping[str, KeptFile]) -> None:
        """Watch `files`, by name."""
        self._files = files
        self._failed_at: dict[str, float] = {}

    def find_begun(self, now: float) -> list[str]:
        """Return the names of the files that have begun to fail at `now` (monotonic seconds)."""
        failing = [name for name, file in self._files.items() if file.unwritten]
        begun = [name for name in failing if now - self._failed_at.get(name, float("-inf")) > AGAIN_S]
        self._failed_at.update(dict.fromkeys(failing, now))
        return begun
