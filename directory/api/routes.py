"""All routes of the directory, below `/api/v1/directory`."""

from fastapi import APIRouter

from directory.api import gates, people, receipts, synchronisation

router = APIRouter(prefix="/api/v1/directory")
for _part in (synchronisation, gates, people, receipts):
    router.include_router(_part.router)
