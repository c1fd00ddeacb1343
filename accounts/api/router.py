"""All routes of the accounts, below `/api/v1`."""

from fastapi import APIRouter

from accounts.api import cards, devices, people

router = APIRouter(prefix="/api/v1")
for _part in (people, cards, devices):
    router.include_router(_part.router)
