"""All routes of the accounts, below `/api/v1`."""

from fastapi import APIRouter

from accounts.api import audit, cards, devices, me, people, sign_in, stations, virtual_cards

router = APIRouter(prefix="/api/v1")
for _part in (sign_in, me, virtual_cards, people, cards, devices, stations, audit):
    router.include_router(_part.router)
