"""Who is in front of the camera and which card was shown just now, for rules that ask for both."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from access.decision import FaceResult
from access.snapshot import PersonEntry
from access.templates import unpack_vectors
from edge.liveness import Liveness
from edge.recognition import Sighting
from edge.tracker import Appearance

_LEAST_EMBEDDINGS = 2


@dataclass(frozen=True, slots=True, eq=False)
class _Face:
    at: float
    liveness: Liveness
    appearances: Mapping[str, Appearance]

    @property
    def is_seen_well(self) -> bool:
        seen = any(appearance.count >= _LEAST_EMBEDDINGS for appearance in self.appearances.values())
        return seen and self.liveness is Liveness.LIVE


@dataclass(frozen=True, slots=True)
class WaitingCard:
    """A card whose holder has yet to look into the camera; `at` in monotonic seconds."""

    at: float
    person_id: UUID
    digest: str
    authenticated: bool


class CardFacePairing:
    """The newest face and the newest card that waits for a face. Safe for threads.

    Args:
        same_person: from a model's id to the least cosine in a comparison 1:1.
        face_lasts: seconds after which a face that is no longer in view is forgotten.
        card_lasts: seconds that a card waits for its holder's face.
    """

    def __init__(
        self, *, same_person: Callable[[str], float], face_lasts: float = 1.0, card_lasts: float = 10.0
    ) -> None:
        self._same_person = same_person
        self._face_lasts = face_lasts
        self._card_lasts = card_lasts
        self._lock = threading.Lock()
        self._face: _Face | None = None
        self._card: WaitingCard | None = None

    def record_face(self, sighting: Sighting, at: float) -> None:
        """Record the face in front; a frame without one leaves the last for a moment."""
        if sighting.track_id is None:
            return
        with self._lock:
            self._face = _Face(at, sighting.liveness, sighting.appearances)

    def record_card(self, card: WaitingCard) -> None:
        """Record a card that waits for a face."""
        with self._lock:
            self._card = card

    def claim_card(self, person_id: UUID, at: float) -> WaitingCard | None:
        """Return, once, the card that this person presented a moment ago."""
        with self._lock:
            card = self._card
            if card is None or card.person_id != person_id or at - card.at > self._card_lasts:
                return None
            self._card = None
            return card

    def compare(self, person: PersonEntry, model_id: str, at: float) -> FaceResult | None:
        """Return how the face in front fits `person`, whose templates are of `model_id`.

        None when nobody was seen well enough.
        """
        with self._lock:
            face = self._face
        if face is None or at - face.at > self._face_lasts:
            return None
        if face.liveness is Liveness.SPOOF:
            return FaceResult.SPOOF
        if not face.is_seen_well:
            return None
        templates, appearance = unpack_vectors(person.templates), face.appearances.get(model_id)
        if templates.size and appearance is None:
            return None  # this person's model is run since a moment ago
        if not templates.size or appearance is None or templates.shape[1] != appearance.mean.shape[0]:
            return FaceResult.UNKNOWN
        fits = float((templates @ appearance.mean).max()) >= self._same_person(model_id)
        return FaceResult.MATCHED if fits else FaceResult.UNKNOWN
