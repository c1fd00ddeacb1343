"""The films of the demonstration's camera, each drawn once: that takes longer than showing it on a busy machine."""

from collections.abc import Mapping

from campusgate.demo.camera import Film, develop
from campusgate.demo.scenes import Walker, hold_up, walk_up


class Films:
    """Films by the name of the photograph."""

    def __init__(self, walkers: Mapping[str, Walker]) -> None:
        """Draw nothing yet."""
        self._walkers = walkers
        self._walks: dict[str, Film] = {}

    def walk(self, name: str) -> Film:
        """Return somebody walking up, waiting, and leaving."""
        if name not in self._walks:
            self._walks[name] = develop(walk_up(self._walkers[name]))
        return self._walks[name]

    def telephone(self, name: str) -> Film:
        """Return a telephone with somebody's photograph, held up."""
        return develop(hold_up(self._walkers[name]))
