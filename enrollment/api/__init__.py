"""All routes of enrolment, below `/api/v1`."""

from enrollment.api import consents, gate_photos, notices, people, photos, references, reviews
from web.routes import join

_PARTS = (photos, reviews, consents, gate_photos, notices, people, references)
router = join(part.router for part in _PARTS)

__all__ = ["router"]
