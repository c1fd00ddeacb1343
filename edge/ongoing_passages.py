"""One opening for each passage: who was let in does not open again by standing there. Pure.

What passed before, here and at other gates, is in `access.passages`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PassagePolicy:
    """`absence`: seconds a person must be out of the camera's view before they can open again."""

    absence: float = 3.0

    def __post_init__(self) -> None:
        if self.absence <= 0:
            raise ValueError(f"the absence that ends a passage must be positive, not {self.absence}")


@dataclass(slots=True)
class _Passage:
    last_seen: float
    tracks: set[int]


class OngoingPassages:
    """The passages under way, by person.

    A passage is used up when it is begun, also when the command was not delivered or not answered: an opening that
    comes late, when nobody expects it any more, is worse than stepping back once.
    """

    def __init__(self, policy: PassagePolicy | None = None) -> None:
        self._policy = policy or PassagePolicy()
        self._passages: dict[UUID, _Passage] = {}

    def begin(self, person_id: UUID, track_id: int, at: float) -> bool:
        """Return True once for each passage of a person; False while that passage lasts.

        A person whose face was lost and found again within the absence is still in the same passage: their new track
        is added to it.
        """
        passage = self._passages.get(person_id)
        if passage is not None and at - passage.last_seen < self._policy.absence:
            passage.tracks.add(track_id)
            passage.last_seen = max(passage.last_seen, at)
            return False
        self._passages[person_id] = _Passage(at, {track_id})
        return True

    def record_tracks(self, track_ids: Iterable[int], at: float) -> None:
        """Record which tracks are in view; passages whose people left long enough ago end."""
        visible = set(track_ids)
        for person_id, passage in list(self._passages.items()):
            if passage.tracks & visible:
                passage.last_seen = max(passage.last_seen, at)
            elif at - passage.last_seen >= self._policy.absence:
                del self._passages[person_id]

    def people(self, at: float) -> frozenset[UUID]:
        """Return the people who cannot open again yet."""
        return frozenset(
            person_id for person_id, passage in self._passages.items() if at - passage.last_seen < self._policy.absence
        )
