"""All routes of the accounts, below `/api/v1`."""

from fastapi import APIRouter

from accounts.api import audit, cards, devices, me, people, sign_in, stations, virtual_cards
from accounts.payments import api as payments
from accounts.payments import holder_api as wallets

router = APIRouter(prefix="/api/v1")
for _part in (sign_in, me, virtual_cards, people, cards, devices, stations, audit, payments, wallets):
    router.include_router(_part.router)
