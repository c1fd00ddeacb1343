"""All routes of metering, below `/api/v1`."""

from fastapi import APIRouter

from metering.api import electricity, meters, reader, readings, rooms

router = APIRouter(prefix="/api/v1")
_PARTS = (reader, rooms, meters, readings, electricity)
for _part in _PARTS:
    router.include_router(_part.router)
