"""All routes of enrolment, below `/api/v1`."""

from fastapi import APIRouter

from enrollment.api import consents, notices, people, photos, references, reviews

router = APIRouter(prefix="/api/v1")
for _part in (photos, reviews, consents, notices, people, references):
    router.include_router(_part.router)

__all__ = ["router"]
