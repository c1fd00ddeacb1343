"""All routes of enrolment, below `/api/v1`."""

from enrollment.api import consents, gate_photos, notices, people, photos, references, reviews
from web.routes import gather

_PARTS = (photos, reviews, consents, gate_photos, notices, people, references)
router = gather("/api/v1", (part.router for part in _PARTS))

__all__ = ["router"]
