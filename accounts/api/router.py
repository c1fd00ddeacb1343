"""All routes of the accounts, below `/api/v1`."""

from fastapi import APIRouter

from accounts.api import audit, cards, devices, me, people, people_import, sign_in, stations, virtual_cards
from accounts.api.payments import card_centre, holds, own_account, terminals
from accounts.api.topup import card_centre as top_up_card_centre
from accounts.api.topup import top_ups

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
    terminals,
    holds,
    own_account,
    card_centre,
    top_ups,
    top_up_card_centre,
)
for _part in _PARTS:
    router.include_router(_part.router)
