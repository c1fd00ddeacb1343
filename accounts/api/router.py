"""All routes of the accounts, below `/api/v1`."""

from fastapi import APIRouter

from accounts.api import (
    audit,
    cards,
    devices,
    identify,
    kiosks,
    me,
    people,
    people_import,
    sign_in,
    terminals,
    virtual_cards,
)
from accounts.api.payments import card_centre, holds, own_account, payments
from accounts.api.topup import cash, channels, subsidies, top_ups

router = APIRouter(prefix="/api/v1")
_PARTS = (
    sign_in,
    me,
    virtual_cards,
    people,
    people_import,
    cards,
    devices,
    identify,
    terminals,
    kiosks,
    audit,
    payments,
    holds,
    own_account,
    card_centre,
    top_ups,
    cash,
    subsidies,
    channels,
)
for _part in _PARTS:
    router.include_router(_part.router)
