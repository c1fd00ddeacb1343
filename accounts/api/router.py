"""All routes of the accounts, below `/api/v1`."""

from fastapi import APIRouter

from accounts.api import audit, cards, devices, me, people, people_import, sign_in, stations, virtual_cards
from accounts.payments import api as payments
from accounts.payments import holder_api as wallets
from accounts.payments import holds_api as holds
from accounts.payments import office_api as merchants
from accounts.topup import api as top_ups
from accounts.topup import office_api as card_centre

router = APIRouter(prefix="/api/v1")
_PARTS = (
    sign_in,
    me,
    virtual_cards,
    people,
    people_import,
    cards,
    devices,
    stations,
    audit,
    payments,
    holds,
    wallets,
    merchants,
    top_ups,
    card_centre,
)
for _part in _PARTS:
    router.include_router(_part.router)
